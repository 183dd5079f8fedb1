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

/// 2 requests of 10 prompt and 5 generated tokens in 2 and 10 ms; 4 J of the prefill, 6 J of decode. Two NMP channels and a normal one.
Results summed_up() {
  const auto ms = [](double of) { return Picoseconds(static_cast<std::int64_t>(of * 1e9)); };
  const auto joules = [](double of) { return Attojoules(static_cast<WideInt>(of * 1e18)); };
  const auto at = [](EnergyComponent c) { return static_cast<std::size_t>(c); };
  Results r;
  r.schedule.model = "M";
  r.schedule.dataflow = "D";
  r.schedule.batch = 2;
  r.schedule.layers = 3;
  r.system = "S";
  r.prompt_tokens = 10;
  r.generated_tokens = 5;
  r.prefill = ms(2);
  r.total = ms(12);
  r.steps = {ms(1), ms(2), ms(3), ms(2), ms(2)};

  OperatorResult f1, qk;
  f1.name = "f1";
  f1.phase = "prefill";
  f1.busy = ms(1.5);
  f1.macs = f1.counts.npu_macs = 1'000'000'000;
  r.energy[at(EnergyComponent::npu_mac)] = f1.energy[at(EnergyComponent::npu_mac)] = joules(4);
  qk.name = "qk";
  qk.phase = "decode";
  qk.busy = ms(6);
  qk.bytes = 7'500'000;
  qk.counts.hb_read_bits = 8 * qk.bytes;
  r.energy[at(EnergyComponent::hb_io)] = qk.energy[at(EnergyComponent::hb_io)] = joules(5);
  r.energy[at(EnergyComponent::pe_mac)] = qk.energy[at(EnergyComponent::pe_mac)] = joules(1);
  r.operators = {f1, qk};
  r.energy_total = joules(10);
  r.energy_estimated = joules(2.5);
  r.typical_total = joules(8);
  r.typical_estimated = joules(4);
  r.rails = {{"VDD1", joules(1.5), joules(0.75)}, {"VDDQ", joules(0.5), joules(0.25)}};

  r.npu.compute = ms(3);
  r.npu.host_transfer = ms(1);
  r.npu.dependency = ms(6);
  r.npu.idle = ms(2);
  r.npu_prefill.compute = ms(1.5);
  r.npu_prefill.dependency = ms(0.5);
  r.npu_peak_macs = r.peaks.npu_macs_per_s = 1e12;
  r.peaks.hb_bytes_per_s = 1e9;
  r.npu_power = {joules(6), joules(3), ms(4)};

  ChannelResult first, second, normal;
  first.kind = second.kind = "nmp";
  first.name = "nmp.channel0";
  first.time.column = ms(6);
  second.time.column = ms(4);
  first.time.row = second.time.row = ms(3);
  first.time.dependency = ms(3);
  second.time.dependency = ms(5);
  first.prefill.dependency = second.prefill.dependency = ms(2);
  first.power = {joules(1.2), joules(0.5), ms(5)};
  second.power = {joules(0.6), joules(0.2), ms(5)};
  normal.kind = "normal";
  normal.name = "normal.channel2";
  normal.time.host_transfer = normal.time.idle = ms(6);
  normal.prefill.host_transfer = ms(0.5);
  normal.prefill.idle = ms(1.5);
  r.channels = {first, second, normal};
  r.config_digest = "abc";
  r.events = 42;
  r.wall_s = 1.5;
  return r;
}

TEST(Printed, every_line_of_the_summary_is_that_by_hand) {
  EXPECT_EQ(results_summary(summed_up()),
            R"(M on S, dataflow D; batch 2, 10 prompt and 5 generated tokens; 3 layers, one simulated and multiplied
  prefill                     2.000 ms   10000.00 tokens/s, 4.0000 J, 200.000 mJ/token
  decode                     10.000 ms   1000.00 tokens/s, 6.0000 J, 600.000 mJ/token
  time between tokens         2.000 ms   mean; 99th percentile 3.000 ms
  total                      12.000 ms
  energy                     10.0000 J   1000.000 mJ/token, 25.0 % of it rests on estimates
  at typical currents         8.0000 J   800.000 mJ/token, 50.0 % of it rests on estimates
prefill is bound by npu, busy 75.0 % of the time, 75.0 % with compute
decode is bound by nmp channels, busy 80.0 % of the time, 50.0 % with column
share of the peak               peak    prefill     decode
  HB ports                  1.0 GB/s      0.0 %     75.0 %
  arrays                1.000 TMAC/s     50.0 %      0.0 %
  prefill is limited most by the arrays: they reach 50.0 % of their peak, and at their full speed would need 1.000 ms of its 2.000 ms
  decode is limited most by the HB ports: they reach 75.0 % of their peak, and at their full speed would need 7.500 ms of its 10.000 ms
  slowest channel in prefill: normal.channel2, busy 500.000 us
  slowest channel in decode: nmp.channel0, busy 9.000 ms, 12.50 % longer than the mean of 2 of its kind
where the time went
  NPU: dependency 50.0 %, compute 25.0 %, idle 16.7 %, host_transfer 8.3 %
  NPU in prefill: at 50.0 % of the arrays' peak, bound by compute: compute 75.0 %, dependency 25.0 %
  2 nmp channels: column 41.7 %, dependency 33.3 %, row 25.0 %
  1 normal channel: host_transfer 50.0 %, idle 50.0 %
  operators: qk in decode 50.0 %, f1 in prefill 12.5 %
where the energy went
  hb_io 50.0 %, npu_mac 40.0 %, pe_mac 10.0 %
  DRAM rails: VDD1 1.5000 J (typical 0.7500), VDDQ 0.5000 J (typical 0.2500)
power, at maximum currents
  NPU                  500.0000 W average, 750.0000 W in the block of 4.000 ms that takes most
  an nmp channel        75.0000 W average, 100.0000 W in the block of 5.000 ms that takes most
    a bank group         0.0000 W average, 0.0000 W in the block of 0.000 us that takes most
    a PE                 0.0000 W average, 0.0000 W in the block of 0.000 us that takes most
  a normal channel       0.0000 W average, 0.0000 W in the block of 0.000 us that takes most
configuration abc, 42 kernel events in 1.50 s
)");
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
