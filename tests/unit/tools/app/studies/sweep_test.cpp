#include "tools/app/studies/sweep.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <stdexcept>

#include "models/base/error.hpp"
#include "tests/support/command.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim::tools {
namespace {

TEST(SweepPoints, every_combination_with_the_last_key_fastest) {
  const auto points = sweep_points({"system.a=1,2", "workload.b=x,y,z"}, false);
  ASSERT_EQ(points.size(), 6u);
  EXPECT_EQ(points[1], (SweepPoint{{"system.a", "1"}, {"workload.b", "y"}}));
  EXPECT_EQ(points[3], (SweepPoint{{"system.a", "2"}, {"workload.b", "x"}}));
}

TEST(SweepPoints, zip_takes_the_values_of_one_place_together) {
  const auto points = sweep_points({"a.a=1,2", "b.b=x,y"}, true);
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[1], (SweepPoint{{"a.a", "2"}, {"b.b", "y"}}));
  EXPECT_THROW(sweep_points({"a.a=1,2", "b.b=x"}, true), ConfigError);
}

TEST(SweepPoints, more_than_memory_is_kept_for_are_refused) {
  std::string values = "0";
  for (int i = 1; i < 400; ++i) values += "," + std::to_string(i);
  EXPECT_EQ(test::error_of([&] {
              sweep_points({"a.a=" + values, "b.b=" + values}, false);
            }),
            "--set b.b=...: makes 160000 points, allowed: up to 100000");
}

TEST(SweepPoints, a_list_in_brackets_is_one_value) {
  const auto points = sweep_points({"a.a=[1, 2],[3]"}, false);
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[0][0].second, "[1, 2]");
}

TEST(SweepPoints, an_axis_without_values_and_a_key_given_twice_are_errors) {
  for (const char* axis : {"a.a", "a.a=", "=1"}) EXPECT_THROW(sweep_points({axis}, false), ConfigError) << axis;
  EXPECT_THROW(sweep_points({"a.a=1", "a.a=2"}, false), ConfigError);
}

/// Ended after its first answer, which stays beside the directory.
SweepRequest ended_sweep(const test::ScratchDirectory& scratch) {
  SweepRequest request;
  request.experiment.file = testing::config_path("experiment/h2llm-llama3-8b-sharegpt");
  request.experiment.overrides = {"model.hidden=256", "model.intermediate=256", "model.query_heads=2",      "model.kv_heads=1",
                                  "model.layers=1",   "model.vocab=512",        "workload.prompt_tokens=4", "workload.generated_tokens=1"};
  request.axes = {"workload.batch=1,2"};
  request.out = scratch.file("sweep");
  request.jobs = 1;
  EXPECT_THROW(run_sweep(request, [](std::int64_t, std::int64_t) { throw std::runtime_error("ended"); }), std::runtime_error);
  EXPECT_TRUE(std::filesystem::exists(scratch.file("sweep.answers")));
  return request;
}

/// Runs that the sweep still takes: it tells of each.
int runs_of(const SweepRequest& request) {
  int runs = 0;
  const auto result = run_sweep(request, [&](std::int64_t done, std::int64_t all) {
    ++runs;
    EXPECT_LE(done, all);
    EXPECT_EQ(all, 2);
  });
  EXPECT_EQ(result->table.rows(), 2U);
  EXPECT_FALSE(std::filesystem::exists(request.out + ".answers"));
  return runs;
}

TEST(SweepAnswers, of_a_sweep_that_was_ended_are_kept) {
  const test::ScratchDirectory scratch;
  EXPECT_EQ(runs_of(ended_sweep(scratch)), 1);
}

TEST(SweepAnswers, of_another_experiment_are_not_taken) {
  const test::ScratchDirectory scratch;
  SweepRequest request = ended_sweep(scratch);
  request.experiment.overrides.emplace_back("workload.prompt_tokens=5");
  EXPECT_EQ(runs_of(request), 2);
}

}  // namespace
}  // namespace bondsim::tools
