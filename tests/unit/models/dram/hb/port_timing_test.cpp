#include "models/dram/timing/port_timing.hpp"

#include <gtest/gtest.h>

#include "mapping/tiling/port_stream.hpp"
#include "models/dram/hb/hb_engine.hpp"
#include "tests/support/dram_setup.hpp"

/// The arithmetic of rows behind the ports against the engine's decisions, and against the numbers of the datasheet.
namespace bondsim::test {
namespace {

/// End of a read of `rows` whole rows in all banks, which begins at 0.
std::int64_t engine_end(const DramConfig& dram, const NmpConfig& nmp, std::int64_t rows) {
  ChannelSwitches switches;
  switches.refresh = false;
  HbEngine engine(dram, {}, nmp, switches, timing_rules(dram), Clock::from_khz(std::llround(dram.timing.ck_mhz * 1000)));
  ChannelOutput output;
  engine.enter(Picoseconds(0), Picoseconds(0), Picoseconds(0));
  HbTransfer transfer;
  transfer.extent = extent_of(0, dram.organization.banks(), 0, rows * dram.organization.page_bytes());
  engine.submit(transfer, Picoseconds(0), output);
  while (!engine.idle()) engine.step(output, Picoseconds(INT64_MAX / 8));
  return engine.quiet_at().value;
}

NmpConfig port(double gbps, int access_bytes, ActivatePolicy policy, bool overlap) {
  NmpConfig nmp = nmp_side(gbps, access_bytes);
  nmp.activate_policy = policy;
  nmp.subarray_overlap = overlap;
  return nmp;
}

TEST(PortTiming, rows_of_a_stream_follow_each_other_as_the_engine_opens_them) {
  const DramConfig dram = dram_part();
  for (const double gbps : {25.6, 51.2, 204.8}) {
    for (const int access : {32, 64, 128}) {
      for (const auto policy : {ActivatePolicy::all_bank, ActivatePolicy::staggered}) {
        for (const bool overlap : {false, true}) {
          const NmpConfig nmp = port(gbps, access, policy, overlap);
          const PortTiming t = port_timing(dram, nmp, false);
          const std::int64_t engine = engine_end(dram, nmp, 72) - engine_end(dram, nmp, 8);
          PortStream short_stream(t, 0, 0), long_stream(t, 0, 0);
          const std::int64_t walked =
              long_stream.move(0, 0, 72 * t.page_bytes, false, 0) - short_stream.move(0, 0, 8 * t.page_bytes, false, 0);
          const std::string what = fmt::format("{} GB/s in {} B, {}{}", gbps, access,
                                               policy == ActivatePolicy::staggered ? "staggered" : "all", overlap ? ", subarrays" : "");
          EXPECT_EQ(walked, engine) << what;
          // Without subarrays every period is the same; with them it is the mean of even and odd rows, up to an edge of CK each.
          const std::int64_t period = row_period_ps(t, t.page_accesses(), false);
          EXPECT_NEAR(static_cast<double>(engine), 64.0 * static_cast<double>(period), overlap ? 64.0 * static_cast<double>(t.ck) : 0.5)
              << what;
        }
      }
    }
  }
}

TEST(PortTiming, a_staggered_round_takes_an_activate_of_every_bank) {
  // 16 banks, tRRD 5 ns, tFAW 20 ns of LPDDR5-6400: 80 ns from a bank's ACT to its next, 75 ns from the first bank's to the last's.
  const PortTiming t = port_timing(dram_part(), port(25.6, 64, ActivatePolicy::staggered, false), false);
  EXPECT_EQ(t.round, 80000);
  EXPECT_EQ(t.stagger, 75000);
  EXPECT_EQ(row_period_ps(port_timing(dram_part(), port(409.6, 64, ActivatePolicy::staggered, false), false), 32, false), 80000);
}

}  // namespace
}  // namespace bondsim::test
