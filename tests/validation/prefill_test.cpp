#include <gtest/gtest.h>

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

/// All weights, LM head included, through eight channels' buses: 146.5 ms.
TEST(Prefill, with_weights_ahead_and_copies_comes_near_the_buses) {
  Case c = llama(1);
  c.system.npu.prefetch = true;
  c.dataflow.prefill_copies = 0.25;
  const double layers = 32.0 * (2 * 4096 * 4096 + 2 * 1024 * 4096 + 3 * 14336 * 4096) * 2, head = 128256.0 * 4096 * 2;
  const double bus = 8 * bus_gbps(c.system.dram) * 1e9;
  EXPECT_NEAR((layers + head) / bus, 0.1465, 0.0005);
  // Refreshes of all banks take 0.38 of 3.9 us.
  EXPECT_LE(prefill_seconds(c), 1.13 * (layers + head) / bus);
  c.dataflow.prefill_head = PrefillHead::as_decode;
  const double head_on_pes = prefill_seconds(c);
  EXPECT_LE(head_on_pes, 0.155);
  EXPECT_GE(head_on_pes, layers / bus);
}

}  // namespace
}  // namespace bondsim::test
