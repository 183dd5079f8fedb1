#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "tests/support/command.hpp"
#include "tools/app/thermal/heat_study.hpp"

/// The loop of temperature, refresh, time and power, on a small model whose watts are as many as those of a large one.
namespace bondsim::test {
namespace {

using nlohmann::json;
using namespace bondsim::tools;

const std::string file = "configs/experiment/h2llm-llama3-8b-sharegpt.yaml";
const std::vector<std::string> narrow = {"workload.prompt_tokens=8", "workload.generated_tokens=3", "model.hidden=512", "model.vocab=2048",
                                         "model.intermediate=1024"};

Experiment small() {
  ExperimentRequest request;
  request.file = bondsim::tests::source_dir() + "/" + file;
  request.overrides = narrow;
  return load_experiment(request);
}

Stack passive() { return load_stack(bondsim::tests::source_dir() + "/configs/stack/edge-passive.yaml"); }

json run(const std::string& options) {
  const ScratchDirectory scratch;
  std::string line = "run " + file + " " + options + " -q --out " + scratch.file("out");
  for (const std::string& value : narrow) line += " --set " + value;
  const auto result = bondsim_command(line);
  EXPECT_EQ(result.status, 0) << result.output;
  return json::parse(file_text(scratch.file("out") + "/results.json"));
}

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

TEST(Heat, a_run_that_stays_cool_takes_its_time_to_the_picosecond) {
  EXPECT_EQ(run("--stack edge-fan").at("latency_ps"), run("").at("latency_ps"));
}

/// Else they would be compared as equals, and replace each other in --out.
TEST(Heat, the_stack_and_its_ambient_belong_to_the_configuration) {
  std::set<std::string> digests;
  for (const char* options : {"", "--stack edge-fan", "--stack edge-fan --ambient 30", "--stack edge-passive"}) {
    digests.insert(run(options).at("config").at("digest"));
  }
  EXPECT_EQ(digests.size(), 4U);
  EXPECT_EQ(run("--stack edge-fan --ambient 30").at("config").at("digest"),
            run("--stack edge-fan --set stack.cooling.ambient_c=30").at("config").at("digest"));
  EXPECT_NE(run("--stack edge-fan --ambient 30").dump().find("stack.cooling.ambient_c"), std::string::npos);
}

TEST(Heat, a_run_that_gets_hot_is_the_run_of_a_hot_part) {
  const json hot = run("--stack edge-passive --ambient 84");
  EXPECT_EQ(hot.at("latency_ps"), run("--set system.dram.temperature_c=105").at("latency_ps"));
  EXPECT_GT(hot.at("latency_ps").at("total"), run("").at("latency_ps").at("total"));
  const auto statics = [](const json& r) { return r.at("energy_j").at("components").at("static").get<double>(); };
  EXPECT_GT(statics(hot), 2 * statics(run("--set system.dram.temperature_c=105"))) << "leakage doubles every 30 C";
}

/// With every step taken, the sample is the run: the same joules, cell by cell of the machine.
TEST(Heat, the_power_of_the_loop_is_the_energy_of_the_run) {
  const Experiment e = small();
  const HeatSample sample = sample_heat(e, 0, EnergyColumn::maximum);
  const json results = run("");
  EXPECT_NEAR(sum(sample.mean_w()) * sample.total_s(), results.at("energy_j").at("total").get<double>(),
              1e-12 * sum(sample.mean_w()) * sample.total_s());
  EXPECT_NEAR(sample.total_s(), results.at("latency_ps").at("total").get<double>() * 1e-12, 1e-15);
}

TEST(Heat, warmer_air_makes_hotter_parts_more_leakage_and_never_a_faster_run) {
  const Experiment e = small();
  const Stack stack = passive();
  HeatModel model(e, stack, {});
  std::vector<HeatPoint> points;
  for (const double ambient : {0.0, 20.0, 40.0, 60.0, 80.0}) points.push_back(steady_point(model, ambient));
  for (std::size_t i = 0; i < points.size(); ++i) {
    const HeatPoint& p = points[i];
    EXPECT_TRUE(p.settled);
    EXPECT_NEAR(sum(p.block_w), p.power_w, 1e-9);
    EXPECT_NEAR(model.solver().outflow_w(p.map.nodes), p.power_w, 1e-3 * p.power_w) << "leakage is settled to a thousandth of a degree";
    if (i == 0) continue;
    EXPECT_GT(p.map.bank_c, points[i - 1].map.bank_c);
    EXPECT_GT(p.leakage_w, points[i - 1].leakage_w);
    EXPECT_GE(p.token_s, points[i - 1].token_s);
  }
  EXPECT_EQ(points.front().state.refresh, std::vector<std::size_t>(8, 0));
  EXPECT_EQ(points.back().state.refresh, std::vector<std::size_t>(8, 1));
  EXPECT_GT(points.back().token_s, points.front().token_s);
  EXPECT_LE(points.back().iterations, 4);
  EXPECT_LE(model.simulations(), 2) << "a state is simulated once";
}

TEST(Heat, a_course_keeps_its_energy_and_ends_in_the_steady_state) {
  const Experiment e = small();
  const Stack stack = passive();
  HeatModel model(e, stack, {});
  const HeatPoint steady = steady_point(model, 20);
  const HeatCourse course = heat_course(model, 20, 20000, 50);
  EXPECT_NEAR(course.energy_in_j, course.energy_out_j + course.energy_stored_j, 1e-9 * course.energy_in_j);
  EXPECT_NEAR(course.moments.back().bank_c, steady.map.bank_c, 0.05);
  EXPECT_NEAR(course.moments.back().npu_c, steady.map.npu_c, 0.05);
  EXPECT_LT(course.moments.front().bank_c, steady.map.bank_c - 5);
  EXPECT_NEAR(course.sustained_tokens_per_s(), 3 / (steady.prefill_s + 3 * steady.token_s), 1e-3 * course.sustained_tokens_per_s());
}

/// The run's own joules, and temperatures that end where they began: the steady state is that of the run repeated.
TEST(Heat, a_run_moves_around_its_steady_state) {
  const Experiment e = small();
  const Stack stack = passive();
  HeatOptions every_step;
  every_step.decode_samples = 0;
  HeatModel model(e, stack, every_step);
  const HeatPoint point = steady_point(model, 20);
  const HeatCourse course = heat_of_run(model, point, 20e-6);
  ASSERT_GT(course.moments.size(), 10U);
  // What is stored changes by little: the difference of two numbers of some kJ.
  EXPECT_NEAR(course.energy_in_j, course.energy_out_j + course.energy_stored_j, 1e-12 * model.solver().stored_j(point.map.nodes));
  EXPECT_NEAR(course.moments.back().time_s, point.prefill_s + 3 * point.token_s, 1e-9);
  EXPECT_NEAR(course.energy_in_j / course.moments.back().time_s, point.power_w, 1e-3 * point.power_w);
  EXPECT_NEAR(course.moments.back().bank_c, point.map.bank_c, 0.05);
  double least = 1e9, most = 0;
  for (const HeatMoment& m : course.moments) {
    least = std::min(least, m.power_w);
    most = std::max(most, m.power_w);
  }
  EXPECT_GT(most, 1.2 * least) << "prefill and decode differ";
}

TEST(Heat, a_policy_keeps_the_machine_cooler_and_slower) {
  const Experiment e = small();
  const Stack stack = passive();
  HeatModel free(e, stack, {});
  const HeatCourse unthrottled = heat_course(free, 80, 6000, 20);
  for (const ThrottlePolicy& policy : stack.throttle) {
    HeatModel model(e, stack, {}, &policy);
    const HeatCourse course = heat_course(model, 80, 6000, 20);
    EXPECT_LT(course.moments.back().bank_c, unthrottled.moments.back().bank_c + 1e-9) << policy.name;
    EXPECT_LT(course.sustained_tokens_per_s(), course.burst_tokens_per_s()) << policy.name;
    EXPECT_GT(course.moments.back().level, 0U) << policy.name;
    EXPECT_LT(course.burst_s(), 6000) << policy.name;
  }
}

TEST(Heat, the_command_writes_maps_blocks_and_the_course) {
  const ScratchDirectory scratch;
  std::string line = "heat " + file +
                     " --stack edge-passive --ambient 20,84 --policy duty --duration 600 --step 20 --export hotspot,3d-ice --out " +
                     scratch.file("out");
  for (const std::string& value : narrow) line += " --set " + value;
  const auto result = bondsim_command(line);
  ASSERT_EQ(result.status, 0) << result.output;
  const json heat = json::parse(file_text(scratch.file("out") + "/heat.json"));
  EXPECT_EQ(heat.at("schema"), "bondsim.heat/1");
  EXPECT_EQ(heat.at("points").size(), 4U);
  EXPECT_EQ(heat.at("courses").at(0).at("moments").size(), 30U);
  EXPECT_EQ(heat.at("maps").at(0).at("layers").size(), 9U);
  EXPECT_EQ(heat.at("maps").at(0).at("layers").at(0).at("temperature_c").size(), 900U);
  EXPECT_NE(file_text(scratch.file("out") + "/hotspot/stack.lcf").find("logic.flp"), std::string::npos);
  EXPECT_NE(file_text(scratch.file("out") + "/3d-ice/stack.stk").find("floorplan \"logic.flp\""), std::string::npos);
  double watts = 0;
  std::istringstream blocks(file_text(scratch.file("out") + "/blocks.csv"));
  std::string row;
  std::getline(blocks, row);
  while (std::getline(blocks, row) && row.rfind("20,none,", 0) == 0) {
    const std::size_t last = row.rfind(','), before = row.rfind(',', last - 1);
    watts += std::stod(row.substr(before + 1, last - before - 1));
  }
  EXPECT_NEAR(watts, heat.at("points").at(0).at("power_w").get<double>(), 1e-3 * watts);
}

TEST(Heat, an_experiment_file_may_ask) {
  const HeatRequest request = heat_request(bondsim::tests::source_dir() + "/" + file);
  EXPECT_EQ(request.stack, bondsim::tests::source_dir() + "/configs/stack/edge-passive.yaml");
  EXPECT_EQ(request.ambients_c.size(), 5U);
  EXPECT_EQ(request.policies, (std::vector<std::string>{"pe_clock", "duty", "to_npu"}));
  EXPECT_EQ(heat_request(bondsim::tests::source_dir() + "/configs/system/h2llm.yaml").stack, "");
  std::string line = "heat " + file + " --ambient 20 --policy duty --duration 60 --step 20";
  for (const std::string& value : narrow) line += " --set " + value;
  const auto result = bondsim_command(line);
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_NE(result.output.find("stack edge-passive"), std::string::npos) << result.output;
}

TEST(Heat, values_of_the_stack_are_set_like_others) {
  std::string line = "heat " + file + " --stack edge-passive --set stack.cooling.ambient_c=60";
  for (const std::string& value : narrow) line += " --set " + value;
  const auto result = bondsim_command(line);
  EXPECT_EQ(result.status, 0) << result.output;
  EXPECT_NE(result.output.find("\n        60  none"), std::string::npos) << result.output;
  const auto wrong = bondsim_command("run " + file + " --stack edge-passive --set stack.cooling.fan=1");
  EXPECT_EQ(wrong.status, 2);
  EXPECT_NE(wrong.output.find("stack.cooling.fan"), std::string::npos) << wrong.output;
}

TEST(Heat, what_is_asked_wrongly_is_said) {
  EXPECT_NE(bondsim_command("heat configs/experiment/h2llm-opt-6.7b-sharegpt.yaml").output.find("--stack: is missing"), std::string::npos);
  EXPECT_NE(bondsim_command("heat " + file + " --stack edge-pasive").output.find("did you mean 'edge-passive'?"), std::string::npos);
  EXPECT_NE(
      bondsim_command("heat " + file + " --stack edge-fan --policy sleep").output.find("no throttling policy 'sleep', allowed: pe_clock"),
      std::string::npos);
  EXPECT_NE(bondsim_command("heat " + file + " --stack edge-fan --ambient warm").output.find("--ambient warm: no temperature"),
            std::string::npos);
  EXPECT_EQ(bondsim_command("run " + file + " --ambient 20").status, 2) << "needs --stack";
  EXPECT_NE(bondsim_command("heat " + file + " --stack edge-fan --duration 10 --step 11").output.find("--step: 11 s found, allowed: up to"),
            std::string::npos);
  EXPECT_NE(bondsim_command("heat " + file + " --stack edge-fan --duration 1e7 --step 1e-6").output.find("1e+13 steps"), std::string::npos);
}

}  // namespace
}  // namespace bondsim::test
