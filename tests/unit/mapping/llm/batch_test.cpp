#include "mapping/llm/batch.hpp"

#include <gtest/gtest.h>

#include "mapping/emit/lockstep.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

TEST(Batch, of_a_fixed_workload_is_all_prompts_and_then_a_token_of_every_request) {
  Workload w = testing::lengths(2, 0, 3);
  w.prompts = {40, 56};
  const Batch prefill = lockstep_batch(w, 0);
  EXPECT_TRUE(prefill.has(Phase::prefill));
  EXPECT_FALSE(prefill.has(Phase::decode));
  EXPECT_EQ(prefill.tokens(), 96);
  EXPECT_EQ(prefill.find(1)->context, 56);
  const Batch third = lockstep_batch(w, 3);
  EXPECT_EQ(third.step, 3);
  EXPECT_EQ(third.tokens(), 2);
  EXPECT_EQ(third.find(0)->context, 43);
  EXPECT_EQ(third.find(2), nullptr);
}

TEST(Batch, parts_by_phase_have_its_requests) {
  Batch batch;
  batch.step = 7;
  batch.requests = {{0, Phase::decode, 1, 41, 1}, {1, Phase::prefill, 56, 56, 1}, {2, Phase::decode, 1, 9, 1}};
  EXPECT_EQ(batch.of(Phase::decode).requests.size(), 2u);
  EXPECT_EQ(batch.of(Phase::prefill).tokens(), 56);
  EXPECT_EQ(batch.of(Phase::prefill).step, 7);
  check_batch(batch);
  batch.requests[2].request = 0;
  EXPECT_THROW(check_batch(batch), InternalError);
  batch.requests[2] = {2, Phase::decode, 2, 1, 1};
  EXPECT_THROW(check_batch(batch), InternalError) << "more new tokens than context";
  EXPECT_THROW(check_batch(Batch{}), InternalError);
}

TEST(Batch, samples_of_a_fixed_workload_stand_for_all_of_its_steps) {
  LockstepBatches batches(testing::lengths(1, 10, 9), 2);
  std::int64_t stands_for = 0, steps = 0;
  while (const auto step = batches.next(Picoseconds())) {
    stands_for += step->stands_for;
    ++steps;
  }
  EXPECT_EQ(steps, 3);
  EXPECT_EQ(stands_for, 10);
}

}  // namespace
}  // namespace bondsim
