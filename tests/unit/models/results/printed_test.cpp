#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "models/base/csv_table.hpp"
#include "models/results/phases.hpp"
#include "models/results/results.hpp"

/// What users read, against what it is made from.
namespace bondsim {
namespace {

using Json = nlohmann::json;

/// Every figure another one.
Results distinct_results() {
  Results r;
  r.schedule.batch = 3;
  r.schedule.layers = 1;
  r.prompt_tokens = 20;
  r.generated_tokens = 4;
  r.npu_peak_macs = 1e12;
  r.prefill = Picoseconds(5'000'000);
  r.steps = {Picoseconds(1'100'000), Picoseconds(1'300'000), Picoseconds(1'200'000), Picoseconds(1'400'000)};
  r.total = Picoseconds(10'000'000);
  std::int64_t next = 1;
  for (const char* kind : {"nmp", "normal"}) {
    ChannelResult c;
    c.id = static_cast<std::int32_t>(r.channels.size());
    c.kind = kind;
    c.name = std::string(kind) + ".channel";
    for (std::int64_t* bytes : {&c.bytes_read, &c.bytes_written, &c.hb_bytes_read, &c.hb_bytes_written}) *bytes = 1000 + next++;
    for (Picoseconds* part : {&c.time.compute, &c.time.vector, &c.time.column, &c.time.row, &c.time.refresh, &c.time.mode_switch,
                              &c.time.buffer_wait, &c.time.host_transfer, &c.time.dependency, &c.time.idle}) {
      *part = Picoseconds(100'000 + 1000 * next++);
    }
    r.channels.push_back(c);
  }
  for (const char* phase : {"prefill", "decode"}) {
    OperatorResult op;
    op.name = std::string("f1 in ") + phase;
    op.phase = phase;
    op.executor = "nmp";
    op.count = next++;
    op.busy = Picoseconds(200'000 + next++);
    op.span = Picoseconds(300'000 + next++);
    op.energy[0] = Attojoules(WideInt(1'000'000) * next++);
    op.macs = 4000 + next++;
    op.bytes = 5000 + next++;
    r.operators.push_back(op);
  }
  return r;
}

/// Each cell of a table is the value of its column's name in the row of the JSON.
void expect_cells(const std::string& csv, const Json& rows, double relative) {
  const CsvTable table = CsvTable::parse(csv, "csv");
  ASSERT_EQ(table.rows(), rows.size());
  for (std::size_t row = 0; row < table.rows(); ++row) {
    for (const std::string& column : table.columns()) {
      const Json& expected = rows[row].at(column);
      if (expected.is_string()) {
        EXPECT_EQ(table.text(row, column), expected.get<std::string>()) << column;
      } else {
        const auto value = expected.get<double>();
        EXPECT_NEAR(table.number(row, column, -1e300, 1e300), value, relative * std::abs(value)) << column << ", row " << row;
      }
    }
  }
}

TEST(Printed, every_cell_of_channels_csv_is_that_of_the_json) {
  const Results r = distinct_results();
  Json rows = Json::parse(results_json(r)).at("channels");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const auto& [part, time] : named_parts(r.channels[i].time)) rows[i][std::string(part) + "_s"] = to_seconds(time);
    EXPECT_EQ(rows[i].at("bytes_read"), r.channels[i].bytes_read);
    EXPECT_EQ(rows[i].at("bytes_written"), r.channels[i].bytes_written);
  }
  expect_cells(channels_csv(r), rows, 1e-5);
}

TEST(Printed, every_cell_of_operators_csv_is_that_of_the_json) {
  const Results r = distinct_results();
  const Json rows = Json::parse(results_json(r)).at("operators");
  EXPECT_EQ(rows[1].at("busy_ps"), r.operators[1].busy.value);
  EXPECT_DOUBLE_EQ(rows[1].at("span_s").get<double>(), to_seconds(r.operators[1].span));
  expect_cells(operators_csv(r), rows, 1e-5);
}

TEST(Printed, percentiles_of_steps_are_those_by_hand) {
  Results r;
  EXPECT_EQ(r.step_percentile(0.99).value, 0);
  r.steps = {Picoseconds(7)};
  EXPECT_EQ(r.step_percentile(0.99).value, 7);
  r.steps.clear();
  for (std::int64_t i = 200; i >= 1; --i) r.steps.push_back(Picoseconds(i));
  EXPECT_EQ(r.step_percentile(0.99).value, 198) << "the nearest rank: 0.99 x 200";
  EXPECT_EQ(r.step_percentile(0.5).value, 100);
  EXPECT_EQ(r.step_percentile(1).value, 200);
  EXPECT_EQ(r.step_percentile(0).value, 1);
}

TEST(Printed, rates_count_every_request_of_the_batch) {
  const Results r = distinct_results();
  const Json rates = Json::parse(results_json(r)).at("throughput");
  EXPECT_DOUBLE_EQ(rates.at("tokens_per_s").get<double>(), 3 * 4 / 10e-6);
  EXPECT_DOUBLE_EQ(rates.at("prefill_tokens_per_s").get<double>(), 3 * 20 / 5e-6);
  EXPECT_DOUBLE_EQ(rates.at("decode_tokens_per_s").get<double>(), 3 * 4 / 5e-6);
}

TEST(Printed, headline_has_the_energies_and_what_of_them_is_estimated) {
  Results r = distinct_results();
  r.schedule.model = "M";
  r.schedule.dataflow = "D";
  r.system = "S";
  r.operators[0].energy[0] = Attojoules(WideInt(3) * 1'000'000'000'000'000'000);
  r.operators[1].energy[0] = Attojoules(WideInt(9) * 1'000'000'000'000'000'000);
  r.energy_total = Attojoules(WideInt(12) * 1'000'000'000'000'000'000);
  r.energy_estimated = Attojoules(WideInt(3) * 1'000'000'000'000'000'000);
  const std::string text = results_headline(r, "simulated");
  EXPECT_NE(text.find("M on S, dataflow D; batch 3, 20 prompt and 4 generated tokens; 1 layers, one simulated and multiplied\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("  energy                     12.0000 J   1000.000 mJ/token, 25.0 % of it rests on estimates\n"), std::string::npos)
      << text;
  EXPECT_EQ(text.find("typical"), std::string::npos) << "without rails there are no typical currents";
  r.rails.push_back({"VDD1", Attojoules(1), Attojoules(1)});
  r.typical_total = Attojoules(WideInt(6) * 1'000'000'000'000'000'000);
  r.typical_estimated = Attojoules(WideInt(3) * 1'000'000'000'000'000'000);
  const std::string typical = results_headline(r, "simulated");
  EXPECT_NE(typical.find("  at typical currents         6.0000 J   500.000 mJ/token, 50.0 % of it rests on estimates\n"), std::string::npos)
      << typical;
  EXPECT_NE(typical.find("mean; 99th percentile 1.400 us\n"), std::string::npos) << typical;
}

/// Of blocks of the same power the first is the one that takes most; a later one must take more.
TEST(Printed, power_is_the_average_of_channels_and_of_the_block_that_takes_most) {
  PowerResult power;
  power.add(Attojoules(2'000'000'000'000), Picoseconds(1'000'000), 3);
  power.add(Attojoules(4'000'000'000'000), Picoseconds(2'000'000), 1);
  EXPECT_EQ(power.energy, Attojoules(10'000'000'000'000));
  EXPECT_EQ(power.block_length, Picoseconds(1'000'000));
  EXPECT_DOUBLE_EQ(power.highest_w(), 2.0);
  power.add(Attojoules(7), Picoseconds(), 0);  // a block of no time has no power
  EXPECT_DOUBLE_EQ(power.highest_w(), 2.0);
  power.add(Attojoules(5'000'000'000'000), Picoseconds(2'000'000), 1);
  EXPECT_DOUBLE_EQ(power.highest_w(), 2.5);
  EXPECT_EQ(power.block_length, Picoseconds(2'000'000));

  Results r = distinct_results();
  r.total = Picoseconds(10'000'000);
  r.npu_power = power;
  r.activation.pes = 4;
  r.activation.bank_groups = 2;
  r.activation.in_window = 8;
  r.activation.window_ns = 20;
  r.channels[0].power = r.channels[0].banks = r.channels[0].pes = power;
  const std::string text = power_text(r);
  EXPECT_NE(text.find("  NPU                    1.5000 W average, 2.5000 W in the block of 2.000 us that takes most\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("  an nmp channel         1.5000 W average, 2.5000 W in"), std::string::npos) << text;
  EXPECT_NE(text.find("    a bank group         0.7500 W average, 1.2500 W in"), std::string::npos) << text;
  EXPECT_NE(text.find("    a PE                 0.3750 W average, 0.6250 W in"), std::string::npos) << text;
  EXPECT_NE(text.find("8 rows within t_faw (20 ns), 2 times what it allows"), std::string::npos) << text;
}

}  // namespace
}  // namespace bondsim
