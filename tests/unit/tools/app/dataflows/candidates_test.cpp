#include "tools/app/dataflows/candidates.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "tests/support/inputs.hpp"

namespace bondsim::tools {
namespace {

Experiment small_llama() {
  ExperimentRequest request;
  request.file = test::config_path("experiment/h2llm-llama3-8b-sharegpt.yaml");
  request.overrides = {"model.hidden=1024", "model.intermediate=3584", "model.query_heads=8",       "model.kv_heads=2",
                       "model.layers=2",    "model.vocab=4096",        "workload.prompt_tokens=64", "workload.generated_tokens=3"};
  return load_experiment(request);
}

/// Every shipped file, and what each of the three searches finds, with its groups and without.
TEST(DataflowCandidates, are_the_shipped_ones_and_three_searches) {
  const std::vector<RankedDataflow> candidates = dataflow_candidates(small_llama(), {});
  std::multiset<std::string> names;
  for (const RankedDataflow& c : candidates) names.insert(c.dataflow.name);
  for (const char* found :
       {"found", "found_ungrouped", "found_whole", "found_whole_ungrouped", "found_roofline", "found_roofline_ungrouped"}) {
    EXPECT_EQ(names.count(found), 1U) << found;
  }
  std::size_t shipped = 0;
  for (const auto& file : std::filesystem::directory_iterator(tests::source_dir() + "/configs/dataflow")) {
    shipped += file.path().extension() == ".yaml" ? 1 : 0;
  }
  EXPECT_EQ(names.size(), shipped + 6);
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), names.size());
}

}  // namespace
}  // namespace bondsim::tools
