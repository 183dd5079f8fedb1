#include "tools/app/studies/plan_experiment.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/paths.hpp"

namespace bondsim::tools {
namespace {

/// KV for 8192 tokens of 128 KiB each: 1 GiB a request, beside 16 GB of weights on 34 GB.
Experiment experiment(int batch, const std::string& more = "workload.kv_capacity_tokens=8192") {
  ExperimentRequest request;
  request.file = bondsim::tests::source_dir() + "/configs/experiment/h2llm-llama3-8b-sharegpt.yaml";
  request.dataflow = "fc_offloading";  // holds each weight once
  request.overrides = {"workload.batch=" + std::to_string(batch), more};
  return load_experiment(request);
}

std::string error_of(const Experiment& e) {
  try {
    plan_experiment(e);
  } catch (const CapacityError& error) {
    return error.what();
  }
  return "";
}

TEST(PlanExperiment, the_largest_batch_fits_and_one_more_does_not) {
  const int batch = largest_batch(experiment(64));
  ASSERT_GT(batch, 1);
  ASSERT_LE(batch, 17) << "34.36 GB less 16.06 GB of weights, 1.07 GB a request";
  EXPECT_EQ(error_of(experiment(batch)), "");
  EXPECT_NE(error_of(experiment(batch + 1)), "");
  const std::string text = error_of(experiment(64));
  EXPECT_NE(text.find(" needs "), std::string::npos) << text;
  EXPECT_NE(text.find("; largest batch that fits: " + std::to_string(batch)), std::string::npos) << text;
}

/// 32 layers of 4096 x (4096 + 2 x 1024 + 4096 + 3 x 14336), embedding and LM head of 4096 x 128256: 8.03e9 weights of 2 bytes. Four
/// requests of 992 tokens of 128 KiB. Banks that hold less than the widest make it at most 3 % more.
TEST(PlanExperiment, weights_and_kv_are_held_as_such) {
  const Plan plan = plan_experiment(experiment(4, "workload.kv_capacity_tokens=0"));
  const auto held = [&](Holding holding) {
    double sum = 0;
    for (int c = 0; c < plan.memory.channels(); ++c)
      sum += static_cast<double>(plan.memory.held_per_bank(c, holding) * plan.memory.banks());
    return sum;
  };
  const double weights = 2.0 * 4096 * (32.0 * (2 * 4096 + 2 * 1024 + 3 * 14336) + 2 * 128256.0);
  const double kv = 4.0 * 992 * 131072;
  EXPECT_GE(held(Holding::weights), weights);
  EXPECT_LE(held(Holding::weights), 1.03 * weights);
  EXPECT_GE(held(Holding::kv), kv);
  EXPECT_LE(held(Holding::kv), 1.03 * kv);
}

/// Half of the KV of 20 requests fits beside the weights; for 64 it does not, and the weights in 4 bit leave too little.
TEST(PlanExperiment, a_format_that_would_fit_is_named_and_the_memory_is_shown) {
  EXPECT_NE(error_of(experiment(20)).find("; or KV in 8 bit (model.bits.kv: int8)"), std::string::npos) << error_of(experiment(20));
  EXPECT_EQ(error_of(experiment(64)).find("; or "), std::string::npos) << error_of(experiment(64));
  EXPECT_FALSE(error_of(experiment(20, "workload.kv_capacity_tokens=8192")).empty());
  try {
    plan_experiment(experiment(20));
    FAIL();
  } catch (const CapacityError& e) {
    EXPECT_EQ(std::count(e.memory().begin(), e.memory().end(), '\n'), 9) << e.memory();  // a head and eight channels
    EXPECT_NE(e.memory().find("too much"), std::string::npos) << e.memory();
  }
}

TEST(PlanExperiment, no_batch_fits_where_the_weights_alone_are_too_large) {
  const Experiment e = experiment(2, "system.channels.nmp=2");
  EXPECT_EQ(largest_batch(e), 0);
  EXPECT_NE(error_of(e).find("; no batch fits, not even 1"), std::string::npos) << error_of(e);
}

TEST(PlanExperiment, prompts_of_their_own_are_cut_to_the_first_requests) {
  Experiment e = experiment(3);
  e.workload.prompt_tokens = 0;
  e.workload.prompts = {100, 200, 300};
  e.workload.kv_capacity_tokens = 0;
  EXPECT_EQ(error_of(e), "");
  EXPECT_EQ(largest_batch(e), 2);
}

}  // namespace
}  // namespace bondsim::tools
