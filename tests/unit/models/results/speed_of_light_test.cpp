#include "models/results/speed_of_light.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "models/results/results_read.hpp"

namespace bondsim {
namespace {

struct Work {
  std::int64_t hb_bytes, bus_bytes, pe_macs, npu_macs, vector_ops;
};

OperatorResult work(const char* name, const char* phase, std::int64_t busy_ps, const Work& w) {
  OperatorResult op;
  op.name = name;
  op.phase = phase;
  op.executor = "nmp";
  op.busy = Picoseconds(busy_ps);
  // Reads and writes both use a port.
  op.counts.hb_read_bits = 8 * (w.hb_bytes - w.hb_bytes / 4);
  op.counts.hb_write_bits = 8 * (w.hb_bytes / 4);
  op.bytes = w.hb_bytes + w.bus_bytes;
  op.counts.npu_macs = w.npu_macs;
  op.macs = w.pe_macs + w.npu_macs;
  op.counts.vector_ops = w.vector_ops;
  return op;
}

ChannelResult channel(const char* name, const char* kind, std::int64_t prefill_busy, std::int64_t decode_busy) {
  ChannelResult c;
  c.name = name;
  c.kind = kind;
  c.prefill.host_transfer = Picoseconds(prefill_busy);
  c.prefill.dependency = Picoseconds(1'000'000 - prefill_busy);
  c.time = c.prefill;
  c.time.column = Picoseconds(decode_busy);
  c.time.idle = Picoseconds(4'000'000 - decode_busy);
  return c;
}

/// Batch 4; prefill of 1 us, decode of 4 us. Peaks a microsecond: 100000 B of ports, 20000 B of buses, 50000 MACs of PEs, 800000 of arrays,
/// 10000 vector operations.
Results example() {
  Results r;
  r.schedule.batch = 4;
  r.prompt_tokens = 10;
  r.generated_tokens = 2;
  r.prefill = Picoseconds(1'000'000);
  r.total = Picoseconds(5'000'000);
  r.peaks = {800000e6, 50000e6, 100000e6, 20000e6, 10000e6};
  r.npu_peak_macs = r.peaks.npu_macs_per_s;
  r.operators = {work("q", "prefill", 600'000, {0, 16000, 0, 160000, 500}),   work("softmax", "prefill", 400'000, {0, 1000, 0, 0, 2000}),
                 work("q", "decode", 900'000, {240000, 4000, 120000, 0, 0}),  work("k", "decode", 100'000, {20000, 0, 10000, 0, 0}),
                 work("f1", "decode", 1'500'000, {40000, 4000, 20000, 0, 0}), work("o", "decode", 1'000'000, {0, 0, 0, 32000, 1000}),
                 work("(background)", "decode", 500'000, {0, 0, 0, 0, 0})};
  r.operators.back().executor = "system";
  r.channels = {channel("nmp.channel0", "nmp", 500'000, 3'000'000), channel("nmp.channel1", "nmp", 400'000, 3'600'000),
                channel("normal.channel2", "normal", 700'000, 100'000)};
  return r;
}

TEST(SpeedOfLight, shares_of_a_phase_are_its_counts_over_peak_and_time) {
  const auto prefill = speed_of_light(example(), "prefill");
  ASSERT_EQ(prefill.size(), 5U);
  const double prefill_shares[] = {0, 0.85, 0, 0.2, 0.25};  // 17000 of 20000 B, 160000 of 800000 MACs, 2500 of 10000 operations
  const auto decode = speed_of_light(example(), "decode");
  const double decode_shares[] = {0.75, 0.1, 0.75, 0.01, 0.025};  // 300000 of 400000 B, 8000 of 80000 B, 150000 of 200000 MACs, ...
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_NEAR(prefill[i].share, prefill_shares[i], 1e-12) << prefill[i].unit;
    EXPECT_NEAR(decode[i].share, decode_shares[i], 1e-12) << decode[i].unit;
  }
  EXPECT_EQ(decode[0].unit, "HB ports");
  EXPECT_EQ(decode[0].done, 300000);
  EXPECT_EQ(decode[1].done, 8000);
  EXPECT_EQ(decode[2].done, 150000);
}

TEST(SpeedOfLight, the_limiter_is_the_unit_nearest_to_its_peak) {
  EXPECT_EQ(limiter_sentence(example(), "prefill"),
            "prefill is limited most by the channel buses: they reach 85.0 % of their peak, and at their full speed would need 0.850 us of "
            "its 1.000 us");
  Results r = example();
  r.peaks.nmp_macs_per_s = 48000e6;
  EXPECT_EQ(
      limiter_sentence(r, "decode"),
      "decode is limited most by the PEs: they reach 78.1 % of their peak, and at their full speed would need 3.125 us of its 4.000 us");
  r.operators.clear();
  EXPECT_EQ(limiter_sentence(r, "decode"), "decode moves and computes nothing");
}

TEST(SpeedOfLight, units_that_a_machine_lacks_are_left_out) {
  Results r = example();
  r.peaks.hb_bytes_per_s = r.peaks.nmp_macs_per_s = 0;
  const auto units = speed_of_light(r, "decode");
  ASSERT_EQ(units.size(), 3U);
  EXPECT_EQ(units[0].unit, "channel buses");
  r.total = r.prefill;
  for (const UnitUse& u : speed_of_light(r, "decode")) EXPECT_EQ(u.share, 0) << u.unit;
}

TEST(SpeedOfLight, slowest_channel_is_compared_with_its_kind_in_the_phase) {
  const auto prefill = slowest_channel(example(), "prefill");
  ASSERT_TRUE(prefill);
  EXPECT_EQ(prefill->name, "normal.channel2");
  EXPECT_EQ(prefill->busy, Picoseconds(700'000));
  EXPECT_EQ(prefill->channels, 1);
  EXPECT_DOUBLE_EQ(prefill->over_mean(), 0);
  const auto decode = slowest_channel(example(), "decode");
  ASSERT_TRUE(decode);
  EXPECT_EQ(decode->name, "nmp.channel1");
  EXPECT_EQ(decode->busy, Picoseconds(3'600'000));
  EXPECT_EQ(decode->channels, 2);
  EXPECT_NEAR(decode->over_mean(), 3.6 / 3.3 - 1, 1e-12);
  Results none = example();
  none.channels.clear();
  EXPECT_FALSE(slowest_channel(none, "decode"));
}

TEST(SpeedOfLight, busiest_operators_leave_out_what_belongs_to_none) {
  const Results r = example();
  const auto rows = busiest_operators(r, 3);
  ASSERT_EQ(rows.size(), 3U);
  EXPECT_EQ(rows[0]->name, "f1");
  EXPECT_EQ(rows[1]->name, "o");
  EXPECT_EQ(rows[2]->name, "q");
  EXPECT_EQ(rows[2]->phase, "decode");
  EXPECT_EQ(busiest_operators(r, 100).size(), 6U);
}

TEST(SpeedOfLight, results_json_and_summary_have_the_same_figures) {
  const Results r = example();
  const auto json = nlohmann::json::parse(results_json(r));
  EXPECT_EQ(json["schema"], "bondsim.results/2");
  const auto& decode = json["phases"]["decode"];
  EXPECT_EQ(decode["speed_of_light"][0]["unit"], "HB ports");
  EXPECT_NEAR(decode["speed_of_light"][0]["share_of_peak"].get<double>(), 0.75, 1e-12);
  EXPECT_EQ(decode["limiter"], limiter_sentence(r, "decode"));
  EXPECT_EQ(decode["slowest_channel"]["name"], "nmp.channel1");
  EXPECT_NEAR(decode["slowest_channel"]["over_mean"].get<double>(), 3.6 / 3.3 - 1, 1e-12);
  EXPECT_EQ(json["busiest_operators"][0]["name"], "f1");
  EXPECT_DOUBLE_EQ(json["busiest_operators"][0]["share_of_run"].get<double>(), 0.3);
  // 2 tokens of each of 4 requests: the decode rate is of the 4 us of decode alone.
  EXPECT_DOUBLE_EQ(json["throughput"]["decode_tokens_per_s"].get<double>(), 8 / 4e-6);
  EXPECT_DOUBLE_EQ(json["throughput"]["prefill_tokens_per_s"].get<double>(), 40 / 1e-6);
  const std::string text = results_summary(r);
  EXPECT_NE(text.find("  HB ports                100.0 GB/s      0.0 %     75.0 %\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  vector units           0.010 Top/s     25.0 %      2.5 %\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  " + limiter_sentence(r, "decode") + "\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  slowest channel in decode: nmp.channel1, busy 3.600 us, 9.09 % longer than the mean of 2 of its kind\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("  slowest channel in prefill: normal.channel2, busy 0.700 us\n"), std::string::npos) << text;
}

TEST(SpeedOfLight, a_file_without_vector_work_is_still_read) {
  auto json = nlohmann::ordered_json::parse(results_json(example()));
  for (auto& op : json["operators"]) op.erase("vector_ops");
  json["peaks"].erase("vector_ops_per_s");
  const Results r = results_from_json(json.dump(), "old.json");
  const auto units = speed_of_light(r, "decode");
  ASSERT_EQ(units.size(), 4U);
  EXPECT_NEAR(units[0].share, 0.75, 1e-12);
}

}  // namespace
}  // namespace bondsim
