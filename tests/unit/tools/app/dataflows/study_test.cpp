#include "tools/app/dataflows/study.hpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/experiment_setup.hpp"

namespace bondsim::tools {
namespace {

Experiment tiny_llama() {
  return shipped_experiment("h2llm-llama3-8b-sharegpt",
                            {"model.hidden=256", "model.intermediate=256", "model.query_heads=2", "model.kv_heads=1", "model.layers=1",
                             "model.vocab=512", "workload.prompt_tokens=4", "workload.generated_tokens=1"});
}

/// A bar of progress moves with every estimate and every simulation, and ends when they do.
TEST(DataflowStudy, tells_of_every_estimate_and_every_simulation) {
  DataflowStudyOptions options;
  options.refinements = 0;
  options.confirm = 1;
  std::map<std::string, std::vector<std::pair<int, int>>> told;
  options.progress = [&](const std::string& what, int done, int total) { told[what].emplace_back(done, total); };
  const DataflowStudy study = study_dataflows(tiny_llama(), options);
  const auto counting = [](int first, int numbers, int total) {
    std::vector<std::pair<int, int>> list;
    for (int i = 0; i < numbers; ++i) list.emplace_back(first + i, total);
    return list;
  };
  const int all = static_cast<int>(study.ranking.size());
  const int confirmed = static_cast<int>(
      std::count_if(study.ranking.begin(), study.ranking.end(), [](const RankedDataflow& c) { return c.confirmed.has_value(); }));
  EXPECT_GT(confirmed, 1);
  EXPECT_LT(confirmed, all) << "one of experts does not run";
  EXPECT_EQ(told["estimated"], counting(0, all, all));
  EXPECT_EQ(told["simulated"], counting(1, confirmed, confirmed));
  EXPECT_EQ(told.size(), 2U);
}

}  // namespace
}  // namespace bondsim::tools
