#include <gtest/gtest.h>

#include "mapping/emit/mapper.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

TEST(SampleSteps, every_step_is_stood_for_once_by_one_near_it) {
  for (const std::int64_t generated : {0, 1, 2, 7, 67, 209}) {
    for (const std::int64_t samples : {0, 1, 2, 3, 8, 16, 60, 500}) {
      const auto steps = sample_steps(generated, samples);
      const auto expected = samples == 0 ? generated : std::min(samples, generated);
      ASSERT_EQ(static_cast<std::int64_t>(steps.size()), expected);
      std::int64_t before = 0;
      for (const SampledStep& s : steps) {
        EXPECT_GT(s.step, before);
        EXPECT_LE(s.step, before + s.stands_for);
        if (expected < scattered_samples) {
          EXPECT_LE(std::abs(2 * s.step - (2 * before + 1 + s.stands_for)), 1) << "not the middle of its run";
        }
        before += s.stands_for;
      }
      EXPECT_EQ(before, generated);
    }
  }
}

TEST(SampleSteps, what_grows_linearly_is_summed_exactly_by_runs_of_odd_length) {
  double sum = 0;
  for (const SampledStep& s : sample_steps(27, 3)) sum += static_cast<double>(s.stands_for * (100 + s.step));
  EXPECT_EQ(sum, 27 * 100 + 27 * 28 / 2);
}

/// Something slow every 2, 3, 8 or 16 tokens is met as often as it is there, whatever the distance of the samples; a line stays a line.
TEST(SampleSteps, many_samples_meet_every_phase_of_what_is_periodic) {
  for (const std::int64_t generated : {512, 2048, 2049}) {
    for (const std::int64_t samples : {32, 64, 256, 1024}) {
      if (samples >= generated) continue;
      for (const std::int64_t period : {2, 3, 8, 16}) {
        std::int64_t slow = 0, sum = 0;
        for (const SampledStep& s : sample_steps(generated, samples)) {
          slow += s.step % period == 0 ? s.stands_for : 0;
          sum += s.stands_for * s.step;
        }
        const double share = static_cast<double>(slow) / static_cast<double>(generated),
                     line = static_cast<double>(generated * (generated + 1)) / 2;
        EXPECT_NEAR(share, 1.0 / static_cast<double>(period), 0.06) << generated << " steps, " << samples << " samples, every " << period;
        EXPECT_NEAR(static_cast<double>(sum) / line, 1, 0.002) << generated << " steps, " << samples << " samples";
      }
    }
  }
}

/// Blocks of a sampled schedule without what is outside the layers: one a step, standing for its steps in all layers.
TEST(SampleSteps, a_sampled_schedule_has_one_block_a_step_that_stands_for_its_run) {
  const System system = testing::h2llm_system();
  const Model model = testing::model("llama-3.2-1b");
  const auto schedule = make_schedule(make_plan(system, model, testing::lengths(1, 16, 10), testing::dataflow("fc_offloading")), {2, true});
  Block block;
  std::vector<std::pair<int, std::int64_t>> blocks;
  while (schedule->next(block)) {
    EXPECT_EQ(block.layer, 0);
    EXPECT_EQ(block.layers, model.layers);
    blocks.emplace_back(block.step, block.steps);
  }
  EXPECT_EQ(blocks, (std::vector<std::pair<int, std::int64_t>>{{0, 1}, {3, 5}, {8, 5}}));
}

}  // namespace
}  // namespace bondsim
