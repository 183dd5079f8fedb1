#include "tools/app/experiment/found_dataflow.hpp"

#include <gtest/gtest.h>

#include "mapping/emit/mapper.hpp"
#include "tests/support/experiment_setup.hpp"

namespace bondsim::tools {
namespace {

/// What the fullest channel's banks would hold, in bytes a bank.
std::int64_t fullest(const Plan& plan) {
  std::int64_t most = 0;
  for (int c = 0; c < plan.memory.channels(); ++c) most = std::max(most, plan.memory.bytes_per_bank(c));
  return most;
}

class FittingDataflow : public ::testing::Test {
 protected:
  search::DeviceQuestion question() const {
    search::DeviceQuestion q;
    q.model = &e.model;
    q.workload = &e.workload;
    q.system = &e.system;
    q.bandwidths = search::Bandwidths::sustained;
    q.cost_model = "h2llm-roofline-corrected";
    q.rule = search::BindingRule::compute_centric;
    return q;
  }

  Experiment e = shipped_experiment("h2llm-llama3-8b-sharegpt", {"model.layers=4", "workload.generated_tokens=8"});
};

/// Where there is room, it is what the search alone finds.
TEST_F(FittingDataflow, is_the_search_s_own_where_memory_is_not_short) {
  search::DeviceQuestion alone = question();
  alone.reserved_bytes = search::bytes_outside_layers(e.model);
  const search::DeviceDataflow found = find_fitting_dataflow(question()), own = search::find_dataflow(alone);
  EXPECT_EQ(found.text, own.text);
  EXPECT_EQ(found.latency.decode_s, own.latency.decode_s);
}

/// Rows for what is found, for a little less, and for less than the model: found again, refused by the mapper, and by the search, which
/// knows the layers, embedding and LM head. Neither reason counts what an attempt left free.
TEST_F(FittingDataflow, is_taken_by_the_mapper_or_refused_with_what_the_memory_lacks) {
  DramOrganization& shape = e.system.dram.organization;
  const std::int64_t rows =
      fullest(make_plan(e.system, e.model, e.workload, find_fitting_dataflow(question()).dataflow)) / shape.page_bytes();
  const auto held = [&] { return static_cast<double>(shape.channel_bytes()) * e.system.channel_count(); };
  shape.rows = static_cast<int>(rows);
  EXPECT_LE(fullest(make_plan(e.system, e.model, e.workload, find_fitting_dataflow(question()).dataflow)), shape.bank_bytes());

  const auto refused = [&](int percent) {
    shape.rows = static_cast<int>(rows * percent / 100);
    try {
      find_fitting_dataflow(question());
    } catch (const InfeasibleError& error) {
      return std::string(error.what());
    }
    return std::string("found");
  };
  double needed = 0, there = 0;
  const std::string by_mapper = refused(89);
  ASSERT_EQ(std::sscanf(by_mapper.c_str(), "channel %*d needs %lf GB of %lf", &needed, &there), 2) << by_mapper;
  EXPECT_NEAR(there, static_cast<double>(shape.channel_bytes()) * 1e-9, 5e-4);
  EXPECT_GT(needed, there);
  const std::string by_search = refused(60);
  ASSERT_EQ(std::sscanf(by_search.c_str(), "the layers store %lf bytes, the channels hold %lf", &needed, &there), 2) << by_search;
  EXPECT_NEAR(there, held() - search::bytes_outside_layers(e.model), 1e4);
  EXPECT_GT(needed, there);
}

}  // namespace
}  // namespace bondsim::tools
