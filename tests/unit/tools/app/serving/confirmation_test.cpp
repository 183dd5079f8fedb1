#include "tools/app/serving/confirmation.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace bondsim::tools {
namespace {

Batch batch_of(std::int64_t step, int prompts, int decodes) {
  Batch batch;
  batch.step = step;
  for (int i = 0; i < prompts; ++i) batch.requests.push_back({i, Phase::prefill, 20, 20, 1});
  for (int i = 0; i < decodes; ++i) batch.requests.push_back({prompts + i, Phase::decode, 1, 100 + i, 1});
  return batch;
}

std::vector<std::int64_t> steps_of(const Stratum& stratum) {
  std::vector<std::int64_t> steps;
  for (const Batch& batch : stratum.sample) steps.push_back(batch.step);
  return steps;
}

/// A stratum's name says up to how many requests it has.
TEST(StratifiedSample, puts_a_batch_of_decode_into_the_first_stratum_whose_name_allows_its_requests) {
  for (const int max_batch : {1, 2, 3, 4, 5, 7, 16, 30, 1024}) {
    StratifiedSample sample(max_batch, 8);
    const auto& strata = sample.strata();
    ASSERT_EQ(strata.size(), 6u);
    for (int n = 1; n <= max_batch; n += 1 + max_batch / 100) {
      std::size_t expected = 2;
      const auto most = [&](std::size_t s) { return std::stoi(strata[s].name.substr(std::string("decode, to ").size())); };
      while (most(expected) < n) ASSERT_LT(++expected, 6u) << n << " of " << max_batch;
      EXPECT_EQ(sample.stratum_of(batch_of(0, 0, n)), expected) << n << " of " << max_batch;
    }
  }
}

TEST(StratifiedSample, quarters_of_sixteen_places_are_four_requests_wide) {
  StratifiedSample sample(16, 8);
  for (int n = 1; n <= 16; ++n) EXPECT_EQ(sample.stratum_of(batch_of(0, 0, n)), static_cast<std::size_t>(2 + (n - 1) / 4)) << n;
}

TEST(StratifiedSample, prompts_are_apart_from_prompts_beside_decode) {
  StratifiedSample sample(16, 8);
  for (const auto& [prompts, decodes] : {std::pair(1, 0), {3, 0}, {1, 1}, {2, 14}}) sample.add(batch_of(0, prompts, decodes));
  EXPECT_EQ(sample.strata()[0].name, "prompts");
  EXPECT_EQ(sample.strata()[0].iterations, 2);
  EXPECT_EQ(sample.strata()[1].name, "prompts beside decode");
  EXPECT_EQ(sample.strata()[1].iterations, 2);
}

TEST(StratifiedSample, keeps_all_of_a_few_iterations_in_their_order_and_counts_those_it_does_not_keep) {
  StratifiedSample sample(4, 5);
  for (std::int64_t step = 0; step < 5; ++step) sample.add(batch_of(step, 0, 3));
  EXPECT_EQ(steps_of(sample.strata()[4]), (std::vector<std::int64_t>{0, 1, 2, 3, 4}));
  for (std::int64_t step = 5; step < 300; ++step) sample.add(batch_of(step, 0, 3));
  EXPECT_EQ(sample.strata()[4].iterations, 300);
  auto steps = steps_of(sample.strata()[4]);
  ASSERT_EQ(steps.size(), 5u);
  std::sort(steps.begin(), steps.end());
  EXPECT_EQ(std::unique(steps.begin(), steps.end()), steps.end());
  for (const std::size_t other : {0u, 1u, 2u, 3u, 5u}) EXPECT_EQ(sample.strata()[other].iterations, 0) << other;
}

/// Streams of 40 iterations, each after other draws: `each` of 40 stay, every place of the stream equally often.
TEST(StratifiedSample, draws_each_iteration_of_a_stream_equally_often) {
  constexpr int streams = 4000, length = 40, each = 8;
  std::vector<int> kept(length);
  StratifiedSample before(16, each);
  for (int stream = 0; stream < streams; ++stream) {
    StratifiedSample sample = before;
    for (int step = 0; step < length; ++step) sample.add(batch_of(step, 0, 1));
    ASSERT_EQ(sample.strata()[2].sample.size(), static_cast<std::size_t>(each));
    for (const std::int64_t step : steps_of(sample.strata()[2])) ++kept[static_cast<std::size_t>(step)];
    for (int skipped = 0; skipped < length - each; ++skipped) before.add(batch_of(0, 1, 0));  // other draws for the next stream
  }
  const double p = static_cast<double>(each) / length, mean = streams * p, deviation = std::sqrt(streams * p * (1 - p));
  double chi_square = 0;
  for (int step = 0; step < length; ++step) {
    const double off = (kept[static_cast<std::size_t>(step)] - mean) / deviation;
    EXPECT_LT(std::abs(off), 4) << step << ": " << kept[static_cast<std::size_t>(step)];
    chi_square += off * off * (length - 1) / length;
  }
  // 39 degrees of freedom: 72 is exceeded once in a thousand.
  EXPECT_LT(chi_square, 72);
}

TEST(StratifiedSample, of_equal_runs_is_equal) {
  StratifiedSample a(16, 8), b(16, 8);
  for (StratifiedSample* sample : {&a, &b}) {
    for (int step = 0; step < 500; ++step) sample->add(batch_of(step, step % 5 == 0 ? 1 : 0, step % 17));
  }
  for (std::size_t s = 0; s < 6; ++s) EXPECT_EQ(steps_of(a.strata()[s]), steps_of(b.strata()[s])) << s;
}

TEST(Confirmation, errors_are_those_of_the_closed_form_over_the_cycles) {
  Stratum stratum;
  EXPECT_EQ(stratum.ratio(), 1);
  stratum.form_s = 3;
  EXPECT_EQ(stratum.ratio(), 1);  // nothing was simulated
  stratum.cycle_s = 4;
  EXPECT_DOUBLE_EQ(stratum.ratio(), 4.0 / 3);
  EXPECT_DOUBLE_EQ((ConfirmedMetric{"TTFT mean", 90, 100}).error(), -0.1);
  EXPECT_EQ((ConfirmedMetric{"queueing mean", 0, 0}).error(), 0);
}

}  // namespace
}  // namespace bondsim::tools
