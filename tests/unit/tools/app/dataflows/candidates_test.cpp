#include "tools/app/dataflows/candidates.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "mapping/dataflow/dataflow.hpp"
#include "tests/support/experiment_setup.hpp"

namespace bondsim::tools {
namespace {

Experiment small_llama() {
  return shipped_experiment("h2llm-llama3-8b-sharegpt",
                            {"model.hidden=1024", "model.intermediate=3584", "model.query_heads=8", "model.kv_heads=2", "model.layers=2",
                             "model.vocab=4096", "workload.prompt_tokens=64", "workload.generated_tokens=3"});
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

/// Refined with no estimates to spend, a dataflow is the same with a rule for each operator.
TEST(DataflowCandidates, a_refined_one_keeps_the_channels_of_each_operator) {
  const Experiment e = small_llama();
  RankedDataflow from;
  from.dataflow =
      decode_dataflow(parse_yaml("schema: bondsim.dataflow/1\nname: given\noperators:\n"
                                 "  - {names: [q, k], executor: nmp, nmp_channels: [1, 3], normal_channels: false}\n"
                                 "  - {names: [f1], executor: split, nmp_channels: all, normal_channels: true, nmp_share: 0.5}\n"
                                 "  - {names: [all], executor: npu, nmp_channels: all, normal_channels: true}\n",
                                 "given.yaml"));
  int budget = 0;
  const Dataflow refined = refined_dataflow(e, from, 1, budget).dataflow;
  EXPECT_EQ(refined.name, "given_refined");
  std::map<std::string, OperatorRule> rules;
  for (const OperatorRule& rule : refined.operators) rules[rule.names.at(0)] = rule;
  EXPECT_EQ(rules.size(), 10U) << "seven weights, two of attention, the head";
  EXPECT_FALSE(rules["q"].nmp_channels.all);
  EXPECT_EQ(rules["q"].nmp_channels.channels, (std::vector<int>{1, 3}));
  EXPECT_FALSE(rules["q"].normal_channels);
  EXPECT_TRUE(rules["f1"].nmp_channels.all);
  EXPECT_TRUE(rules["f1"].nmp_channels.channels.empty());
  EXPECT_TRUE(rules["f1"].normal_channels);
  EXPECT_EQ(rules["o"].executor, Executor::npu);
}

/// PEs whose ports give half of what the bus does are worse than the NPU.
TEST(DataflowCandidates, refined_from_slow_pes_operators_go_to_the_npu) {
  Experiment e = small_llama();
  e.system.nmp.hb.bandwidth_gbps = 0.4;
  RankedDataflow from;
  from.dataflow = decode_dataflow(load_yaml_file(tests::source_dir() + "/configs/dataflow/all_on_pes.yaml"));
  from.estimate = estimated_times(e, from.dataflow, 1);
  int budget = 200;
  const RankedDataflow refined = refined_dataflow(e, from, 1, budget);
  EXPECT_LT(refined.estimate.total_s(), from.estimate.total_s());
  std::map<Executor, int> executors;
  for (const OperatorRule& rule : refined.dataflow.operators) ++executors[rule.executor];
  EXPECT_GT(executors[Executor::npu], 0);
}

/// Weights on two of the six channels with PEs: a prompt reads them fastest when the two normal channels hold copies of half. With groups
/// and no shares no rule is tried: of two estimates one goes to no copies, in vain, the last to some more than before.
TEST(DataflowCandidates, a_refinement_spends_its_last_estimate_on_a_step_of_the_copies) {
  const Experiment e = small_llama();
  RankedDataflow from;
  from.dataflow =
      decode_dataflow(parse_yaml("schema: bondsim.dataflow/1\nname: given\nprefill_copies: 0.25\nprefill_head: npu\n"
                                 "groups: [{partitions: [{nmp_channels: all, normal_channels: true, "
                                 "tiers: [[q], [k], [v], [qk], [sv], [o], [f1], [f3], [f2]]}]}]\n"
                                 "operators: [{names: [all], executor: nmp, nmp_channels: [0, 1], normal_channels: false}]\n",
                                 "given.yaml"));
  from.estimate = estimated_times(e, from.dataflow, 1);
  int budget = 2;
  const RankedDataflow refined = refined_dataflow(e, from, 1, budget);
  EXPECT_EQ(budget, 0);
  EXPECT_DOUBLE_EQ(refined.dataflow.prefill_copies, 0.29);
  EXPECT_EQ(refined.dataflow.prefill_head, PrefillHead::npu);
  EXPECT_LT(refined.estimate.total_s(), from.estimate.total_s());
}

}  // namespace
}  // namespace bondsim::tools
