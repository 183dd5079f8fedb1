#include <gtest/gtest.h>

#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

using Edges = std::vector<std::pair<std::string, std::string>>;

Operator named(const std::string& name) {
  Operator op;
  op.name = name;
  return op;
}

TEST(OperatorGraph, inputs_keep_the_order_given_and_users_ascend) {
  OperatorGraph graph;
  const OperatorId a = graph.add(named("a"), {});
  const OperatorId b = graph.add(named("b"), {});
  const OperatorId c = graph.add(named("c"), {b, a});
  const OperatorId d = graph.add(named("d"), {c, a});
  EXPECT_EQ(graph.size(), 4U);
  EXPECT_EQ(graph.inputs(c), (std::vector<OperatorId>{b, a}));
  EXPECT_EQ(graph.users(a), (std::vector<OperatorId>{c, d}));
  EXPECT_EQ(graph.edges(), (std::vector<std::pair<OperatorId, OperatorId>>{{b, c}, {a, c}, {c, d}, {a, d}}));
  EXPECT_THROW(graph.add(named("e"), {4}), InternalError) << "an input that is not there yet";
}

TEST(OperatorGraph, level_order_puts_an_operator_behind_its_longest_path) {
  OperatorGraph graph;
  const OperatorId a = graph.add(named("a"), {});
  const OperatorId b = graph.add(named("b"), {a});
  const OperatorId c = graph.add(named("c"), {b, a});
  const OperatorId d = graph.add(named("d"), {a});
  const OperatorId e = graph.add(named("e"), {});
  EXPECT_EQ(level_order(graph), (std::vector<OperatorId>{a, e, b, d, c}));
}

TEST(LayerGraph, llama_has_the_edges_of_a_gated_sequential_block) {
  const Edges expected = {{"f1", "f2"}, {"f3", "f2"}, {"k", "qk"}, {"o", "f1"}, {"o", "f3"},
                          {"q", "qk"},  {"qk", "sv"}, {"sv", "o"}, {"v", "sv"}};
  EXPECT_EQ(gemm_edges(layer_graph(testing::model("llama-3-8b"))), expected);
}

TEST(LayerGraph, opt_has_no_gate) {
  const Edges expected = {{"f1", "f2"}, {"k", "qk"}, {"o", "f1"}, {"q", "qk"}, {"qk", "sv"}, {"sv", "o"}, {"v", "sv"}};
  EXPECT_EQ(gemm_edges(layer_graph(testing::model("opt-6.7b"))), expected);
}

TEST(LayerGraph, palm_runs_attention_and_ffn_in_parallel) {
  const Edges expected = {{"f1", "f2"}, {"f3", "f2"}, {"k", "qk"}, {"q", "qk"}, {"qk", "sv"}, {"sv", "o"}, {"v", "sv"}};
  EXPECT_EQ(gemm_edges(layer_graph(testing::model("palm-8b"))), expected);
}

TEST(Model, parameters_add_up_to_the_published_size) {
  const auto parameters = [](const Model& m) {
    return m.layers * weight_elements(layer_graph(m)) + weight_elements(head_graph(m)) + (m.tied_embeddings ? 0 : m.vocab * m.hidden);
  };
  EXPECT_EQ(parameters(testing::model("llama-3-8b")), 8'029'995'008);  // 8,030,261,248 with its 65 norms of 4096
  EXPECT_NEAR(static_cast<double>(parameters(testing::model("opt-6.7b"))), 6.65e9, 0.05e9);
  EXPECT_NEAR(static_cast<double>(parameters(testing::model("palm-8b"))), 8.63e9, 0.1e9);
}

TEST(Model, heads_that_do_not_divide_are_rejected_with_their_line) {
  ConfigNode node = load_yaml_file(testing::config_path("model/llama-3-8b"));
  apply_override(node, "kv_heads", "5");
  try {
    decode_model(node);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_NE(std::string(e.what()).find("model.kv_heads: 5 does not divide query_heads = 32"), std::string::npos) << e.what();
  }
}

TEST(Workload, prompts_replace_prompt_tokens_and_match_the_batch) {
  const std::string head = "schema: bondsim.workload/1\nname: w\ngenerated_tokens: 3\n";
  EXPECT_EQ(decode_workload(parse_yaml(head + "batch: 2\nprompts: [5, 9]\n", "w")).prompt_of(1), 9);
  EXPECT_THROW(decode_workload(parse_yaml(head + "batch: 3\nprompts: [5, 9]\n", "w")), ConfigError);
  EXPECT_THROW(decode_workload(parse_yaml(head + "prompts: [5]\nprompt_tokens: 5\n", "w")), ConfigError);
  EXPECT_THROW(decode_workload(parse_yaml(head, "w")), ConfigError);
}

TEST(Dataflow, errors_name_the_rule) {
  const auto error = [](const std::string& rule) {
    const std::string text = "schema: bondsim.dataflow/1\nname: d\noperators:\n  - {names: [all], " + rule + "}\n";
    try {
      resolve(decode_dataflow(parse_yaml(text, "d.yaml")), testing::h2llm_system(), layer_graph(testing::model("opt-6.7b")),
              head_graph(testing::model("opt-6.7b")));
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  EXPECT_EQ(error("executor: nmp, nmp_channels: [0, 5], normal_channels: false"), "");
  EXPECT_NE(error("executor: nmp, nmp_channels: [0, 6], normal_channels: false")
                .find("d.yaml:4: dataflow.nmp_channels: 6 is not an NMP channel, allowed: 0 to 5"),
            std::string::npos);
  EXPECT_NE(error("executor: nmp, nmp_channels: [1, 1], normal_channels: false").find("named twice"), std::string::npos);
  EXPECT_NE(error("executor: nmp, nmp_channels: none, normal_channels: false").find("needs NMP channels"), std::string::npos);
  EXPECT_NE(error("executor: nmp, nmp_channels: all, normal_channels: true").find("normal_channels: false"), std::string::npos);
  EXPECT_NE(error("executor: split, nmp_channels: all, normal_channels: true").find("nmp_share"), std::string::npos);
  EXPECT_NE(error("executor: npu, nmp_channels: none, normal_channels: false").find("no channel holds"), std::string::npos);
  EXPECT_NE(error("executor: gpu, nmp_channels: none, normal_channels: false").find("allowed: npu, nmp, split"), std::string::npos);
}

}  // namespace
}  // namespace bondsim
