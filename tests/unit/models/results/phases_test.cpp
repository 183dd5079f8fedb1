#include "models/results/phases.hpp"

#include <gtest/gtest.h>

namespace bondsim {
namespace {

TimeParts parts(std::int64_t compute, std::int64_t column, std::int64_t dependency, std::int64_t idle) {
  TimeParts p;
  p.compute = Picoseconds(compute);
  p.column = Picoseconds(column);
  p.dependency = Picoseconds(dependency);
  p.idle = Picoseconds(idle);
  return p;
}

/// Batch 4: prefill of 1 us, decode of 4 us, 10 prompt and 2 generated tokens a request.
Results example() {
  Results r;
  r.schedule.batch = 4;
  r.prompt_tokens = 10;
  r.generated_tokens = 2;
  r.prefill = Picoseconds(1000000);
  r.total = Picoseconds(5000000);
  r.npu_prefill = parts(900000, 0, 100000, 0);
  r.npu = parts(1300000, 0, 3700000, 0);
  ChannelResult nmp;
  nmp.kind = "nmp";
  nmp.prefill = parts(0, 100000, 0, 900000);
  nmp.time = parts(500000, 3100000, 300000, 1100000);
  r.channels = {nmp, nmp};
  OperatorResult op;
  op.phase = "prefill";
  op.energy[0] = Attojoules(WideInt(80) * 1000000000000000);
  r.operators.push_back(op);
  op.phase = "decode";
  op.energy[3] = Attojoules(WideInt(20) * 1000000000000000);
  r.operators.push_back(op);
  return r;
}

TEST(Phases, rates_and_energies_are_of_the_phase_and_of_all_requests) {
  const PhaseFigures prefill = phase_figures(example(), "prefill");
  EXPECT_EQ(prefill.time, Picoseconds(1000000));
  EXPECT_EQ(prefill.tokens, 40);
  EXPECT_DOUBLE_EQ(prefill.tokens_per_s(), 40 / 1e-6);
  EXPECT_DOUBLE_EQ(prefill.joules_per_token(), 0.08 / 40);
  const PhaseFigures decode = phase_figures(example(), "decode");
  EXPECT_EQ(decode.time, Picoseconds(4000000));
  EXPECT_EQ(decode.tokens, 8);
  EXPECT_DOUBLE_EQ(decode.tokens_per_s(), 8 / 4e-6);
  EXPECT_DOUBLE_EQ(decode.joules_per_token(), 0.1 / 8);
}

TEST(Phases, bound_by_the_executor_that_waits_least_and_by_its_longest_part) {
  const PhaseFigures prefill = phase_figures(example(), "prefill");
  EXPECT_EQ(prefill.executor, "npu");
  EXPECT_EQ(prefill.part, "compute");
  EXPECT_DOUBLE_EQ(prefill.busy_share, 0.9);
  const PhaseFigures decode = phase_figures(example(), "decode");
  EXPECT_EQ(decode.executor, "nmp channels");
  EXPECT_EQ(decode.part, "column");
  EXPECT_DOUBLE_EQ(decode.busy_share, 3500000.0 / 4000000.0);
  EXPECT_DOUBLE_EQ(decode.part_share, 0.75);
  EXPECT_EQ(decode.bound(), "nmp channels, busy 87.5 % of the time, 75.0 % with column");
}

TEST(Phases, a_run_without_decode_has_none) {
  Results r = example();
  r.total = r.prefill;
  r.generated_tokens = 0;
  r.npu = r.npu_prefill;
  for (ChannelResult& c : r.channels) c.time = c.prefill;
  const PhaseFigures decode = phase_figures(r, "decode");
  EXPECT_EQ(decode.tokens_per_s(), 0);
  EXPECT_EQ(decode.bound(), "nothing");
}

}  // namespace
}  // namespace bondsim
