#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "models/base/quantity.hpp"
#include "tests/support/task_trace.hpp"

/// Energy over time and by part of the machine, against the totals of results.json.
namespace bondsim::test {
namespace {

using nlohmann::json;

const std::string experiment = "configs/experiment/h2llm-llama3-8b-sharegpt.yaml";
const std::string narrow =
    " --set workload.prompt_tokens=8 --set workload.generated_tokens=3 --set model.hidden=512 --set model.vocab=2048"
    " --set model.intermediate=1024";

json results_of(const std::string& directory) { return json::parse(file_text(directory + "/results.json")); }

/// As results.json has it: whole attojoules once turned to joules.
double joules(WideInt attojoules) { return static_cast<double>(attojoules) * 1e-18; }

/// Banks, ports, PEs and buffers of a channel sum to the parts that results.json has of it.
void expect_units(std::map<std::string, WideInt>& by_unit, const json& results) {
  const double seconds = results.at("latency_ps").at("total").get<double>() * 1e-12;
  for (const auto& channel : results.at("channels")) {
    const std::string name = channel.at("name").get<std::string>() + ".";
    WideInt banks = 0, logic = 0;
    for (int i = 0; i < 16; ++i) {
      const std::string number = std::to_string(i);
      banks += by_unit[name + "bank" + number];
      EXPECT_GT(by_unit[name + "bank" + number], 0) << name << number;
      for (const char* part : {"port", "pe", "buffer"}) logic += by_unit[name + part + number];
    }
    const json& power = channel.at("power");
    EXPECT_NEAR(joules(banks) / seconds, power.at("bank_group").at("average_w").get<double>() * 4, 1e-9) << name;
    if (power.contains("pe")) {
      EXPECT_NEAR(joules(logic) / seconds, power.at("pe").at("average_w").get<double>() * 16, 1e-9) << name;
    }
  }
}

/// The rails of all channels sum to those of results.json; no average is above its peak.
void expect_rails(const std::string& out, const json& results, std::int64_t total_ps) {
  std::map<std::string, WideInt> by_rail;
  for (const auto& row : read_csv_below(out + "/currents.csv", "# bondsim.currents/1")) {
    const std::int64_t energy = number(row, "energy_aj");
    by_rail[row.at("rail")] += energy;
    const double average_ma = std::stod(row.at("average_ma")), peak_ma = std::stod(row.at("peak_ma"));
    EXPECT_NEAR(average_ma * std::stod(row.at("voltage_v")), static_cast<double>(energy) / static_cast<double>(total_ps) * 1e-3,
                1e-6 * average_ma);
    EXPECT_GE(peak_ma, average_ma * (1 - 1e-9));
    EXPECT_LT(number(row, "peak_start_ps"), total_ps);
  }
  for (const auto& [rail, value] : results.at("energy_j").at("rails").items()) {
    EXPECT_EQ(joules(by_rail[rail]), value.at("maximum").get<double>()) << rail;
  }
}

void expect_integral(const std::string& options, std::int64_t interval_ps) {
  const ScratchDirectory scratch;
  const std::string out = scratch.file("out");
  const auto run =
      bondsim_command("run " + experiment + narrow + options + " --power " + std::to_string(interval_ps / 1000) + " --out " + out);
  ASSERT_EQ(run.status, 0) << run.output;
  const json results = results_of(out);
  const std::int64_t total_ps = results.at("latency_ps").at("total");
  std::map<std::string, WideInt> by_component, by_executor, by_unit;
  std::int64_t at = 0;
  for (const auto& row : read_csv_below(out + "/power.csv", "# bondsim.power/2")) {
    const std::int64_t start = number(row, "start_ps"), end = number(row, "end_ps");
    ASSERT_EQ(start % interval_ps, 0);
    ASSERT_EQ(end, std::min(start + interval_ps, total_ps));
    ASSERT_TRUE(start == at || start == at + interval_ps) << start << " after " << at;
    at = start;
    const std::int64_t energy = number(row, "energy_aj");
    by_component[row.at("component")] += energy;
    by_executor[row.at("executor")] += energy;
    by_unit[row.at("executor") + "." + row.at("unit")] += energy;
    EXPECT_NEAR(std::stod(row.at("power_w")), static_cast<double>(energy) / static_cast<double>(end - start) * 1e-6,
                1e-8 * std::stod(row.at("power_w")));
  }
  EXPECT_GE(at + interval_ps, total_ps) << "the last interval holds the end of the run";
  for (const auto& [component, value] : results.at("energy_j").at("components").items()) {
    EXPECT_EQ(joules(by_component[component]), value.get<double>()) << component;
  }
  for (const auto& channel : results.at("channels")) {
    EXPECT_EQ(joules(by_executor[channel.at("name").get<std::string>()]), channel.at("energy_j").get<double>());
  }
  expect_units(by_unit, results);
  expect_rails(out, results, total_ps);
}

TEST(Power, integrates_to_the_energy_of_the_results_to_the_attojoule) {
  expect_integral("", 17'000'000);
  expect_integral(" --dataflow configs/dataflow/fc_offloading.yaml --set workload.layers=all --set model.layers=3", 79'190'000);
}

TEST(Power, a_channel_as_a_whole_has_the_sums_of_its_units) {
  const ScratchDirectory scratch;
  std::map<std::string, std::map<std::string, WideInt>> sums;
  for (const char* by : {"unit", "channel"}) {
    const std::string out = scratch.file(by);
    const auto run = bondsim_command("run " + experiment + narrow + " --power 50000 --power-by " + by + " --out " + out);
    ASSERT_EQ(run.status, 0) << run.output;
    for (const auto& row : read_csv_below(out + "/power.csv", "# bondsim.power/2")) {
      sums[by][row.at("start_ps") + row.at("executor") + row.at("component")] += number(row, "energy_aj");
      EXPECT_EQ(row.at("unit").empty(), by == std::string("channel"));
    }
  }
  EXPECT_EQ(sums["unit"], sums["channel"]);
}

TEST(Power, averages_and_peaks_of_the_parts_follow_from_their_energies) {
  const ScratchDirectory scratch;
  const auto run = bondsim_command("run " + experiment + narrow + " --out " + scratch.file("out"));
  ASSERT_EQ(run.status, 0) << run.output;
  const json results = results_of(scratch.file("out"));
  const double seconds = static_cast<double>(results.at("latency_ps").at("total").get<std::int64_t>()) * 1e-12;
  double channels_w = 0;
  for (const auto& channel : results.at("channels")) {
    const json& power = channel.at("power");
    EXPECT_NEAR(power.at("channel").at("average_w").get<double>(), channel.at("energy_j").get<double>() / seconds, 1e-9);
    channels_w += power.at("channel").at("average_w").get<double>();
    for (const auto& [part, p] : power.items()) EXPECT_GE(p.at("peak_w").get<double>(), p.at("average_w").get<double>()) << part;
    EXPECT_EQ(power.contains("pe"), channel.at("kind") == "nmp");
  }
  EXPECT_NEAR(channels_w + results.at("npu").at("power").at("average_w").get<double>(),
              results.at("energy_j").at("total").get<double>() / seconds, 1e-9);
}

TEST(Power, typical_currents_take_less_and_the_rails_sum_to_the_dram) {
  const ScratchDirectory scratch;
  ASSERT_EQ(bondsim_command("run " + experiment + narrow + " --out " + scratch.file("out")).status, 0);
  const json energy = results_of(scratch.file("out")).at("energy_j");
  const json& typical = energy.at("typical");
  EXPECT_LT(typical.at("total").get<double>(), energy.at("total").get<double>());
  double maximum_rails = 0, typical_rails = 0;
  for (const auto& [rail, value] : energy.at("rails").items()) {
    EXPECT_LE(value.at("typical").get<double>(), value.at("maximum").get<double>()) << rail;
    maximum_rails += value.at("maximum").get<double>();
    typical_rails += value.at("typical").get<double>();
  }
  // Energy that no rail pays is the same at both columns.
  EXPECT_NEAR(energy.at("total").get<double>() - maximum_rails, typical.at("total").get<double>() - typical_rails, 1e-12);
  for (const auto& [component, value] : typical.at("components").items()) {
    // No maximum of VDDQ's IDD4R is public: both columns have the typical current, above a standby that is less in the typical one.
    if (component == "offchip_io") continue;
    EXPECT_LE(value.get<double>(), energy.at("components").at(component).get<double>()) << component;
  }
}

/// 16 banks within t_faw, 20 ns, instead of 4; an activate takes 915 pC from VDD2H (currents_test.cpp): 16 x 915 / 20 = 732 mA.
TEST(Power, activation_current_stands_beside_what_t_faw_allows) {
  const ScratchDirectory scratch;
  const auto all = bondsim_command("run " + experiment + narrow + " --out " + scratch.file("all"));
  ASSERT_EQ(all.status, 0) << all.output;
  EXPECT_NE(
      all.output.find("16 rows within t_faw (20 ns), 4 times what it allows: 732 of 183 mA from VDD2H; activate_policy: staggered keeps "
                      "it and opens the last bank 75 ns later"),
      std::string::npos)
      << all.output;
  const auto staggered =
      bondsim_command("run " + experiment + narrow + " --set system.nmp.activate_policy=staggered --out " + scratch.file("staggered"));
  EXPECT_NE(staggered.output.find("4 rows within t_faw (20 ns), 1 times what it allows: 183 of 183 mA from VDD2H"), std::string::npos)
      << staggered.output;
  const json activation = results_of(scratch.file("all")).at("activation");
  EXPECT_EQ(activation.at("activates_in_t_faw"), 16);
  EXPECT_NEAR(activation.at("current_ma").get<double>(), 732, 1e-9);
}

TEST(Power, an_interval_of_nothing_is_refused) {
  const auto run = bondsim_command("run " + experiment + narrow + " --power 0 --out nowhere");
  EXPECT_EQ(run.status, 2) << run.output;
  EXPECT_EQ(bondsim_command("run " + experiment + narrow + " --power 100").status, 2) << "needs --out";
}

}  // namespace
}  // namespace bondsim::test
