#include <gtest/gtest.h>

#include <limits>

#include "models/system/peaks.hpp"
#include "tests/support/inputs.hpp"

/// Prefill of shipped models, in seconds.
namespace bondsim::test {
namespace {

double prefill_seconds(const Case& c) {
  return std::stod(simulate_isolated(c, {}, [](const Results& r) { return fmt::format("{:.17g}", to_seconds(r.prefill)); }));
}

Case llama(int batch) {
  Case c{shipped_system("h2llm"), shipped_model("llama-3-8b"), shipped_workload("sharegpt"), shipped_dataflow("fc_offloading")};
  c.workload.batch = batch;
  c.workload.generated_tokens = 0;
  return c;
}

TEST(Prefill, of_a_batch_of_16_in_blocks_of_tokens_takes_at_most_1_25_s) {
  Case c = llama(16);
  EXPECT_LE(prefill_seconds(c), 1.25);
}

/// All weights of Llama-3-8B in 16 bits, through the buses of all channels.
double weights_on_buses_seconds(const System& system) {
  const double layer = 2 * 4096 * 4096 + 2 * 1024 * 4096 + 3 * 14336 * 4096, head = 128256.0 * 4096;
  return 2 * (32 * layer + head) / (system.channel_count() * bus_gbps(system.dram) * 1e9);
}

/// The buses alone need 146.5 ms, and what refreshes of all banks keep from them besides.
TEST(Prefill, with_weights_ahead_and_copies_comes_near_the_buses) {
  Case c = llama(1);
  c.system.npu.prefetch = true;
  c.dataflow.prefill_copies = 0.25;
  const double bus = weights_on_buses_seconds(c.system);
  EXPECT_NEAR(bus, 0.1465, 0.0005);
  const double refreshed = c.system.dram.timing.t_rfc_ab_ns / c.system.dram.timing.t_refi_ns;
  const double all_bank = prefill_seconds(c);
  EXPECT_GE(all_bank, bus / (1 - refreshed));
  EXPECT_LE(all_bank, 1.05 * bus / (1 - refreshed));
}

/// Refreshes bank by bank leave the bus to other banks, and the LM head of one token goes to the PEs as in decode.
TEST(Prefill, with_refreshes_in_turns_and_the_head_on_the_pes_takes_at_most_155_ms) {
  Case c = llama(1);
  c.system.npu.prefetch = true;
  c.dataflow.prefill_copies = 0.25;
  c.dataflow.prefill_head = PrefillHead::as_decode;
  c.system.controller.refresh = RefreshKind::per_bank;
  EXPECT_LE(prefill_seconds(c), 0.155);
}

/// Where f1 and f3 lie on different channels, their streams go side by side for prompts of any length.
TEST(Prefill, of_a_shorter_prompt_takes_no_longer) {
  Case c{shipped_system("h2llm"), shipped_model("llama-3-8b"), shipped_workload("sharegpt"), shipped_dataflow("data_centric")};
  c.workload.generated_tokens = 0;
  double longer = std::numeric_limits<double>::infinity();
  for (const int tokens : {128, 64, 32, 16, 8, 4, 1}) {
    c.workload.prompt_tokens = tokens;
    const double seconds = prefill_seconds(c);
    EXPECT_LE(seconds, 1.005 * longer) << tokens << " tokens";
    longer = seconds;
  }
}

}  // namespace
}  // namespace bondsim::test
