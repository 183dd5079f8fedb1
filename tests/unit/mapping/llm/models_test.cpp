#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <set>

#include "mapping/llm/hugging_face.hpp"
#include "tests/support/mapping_setup.hpp"
#include "tests/support/paths.hpp"

namespace bondsim {
namespace {

std::string data(const std::string& path) { return bondsim::tests::source_dir() + "/tests/data/" + path; }

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

class HubModel : public ::testing::TestWithParam<const char*> {};

/// The shipped YAML and the hub's file of the same model describe the same layer.
TEST_P(HubModel, config_json_gives_the_shapes_of_the_shipped_file) {
  const Model hub = decode_model(load_yaml_file(data(std::string("hub/") + GetParam() + ".json")));
  const Model yaml = testing::model(GetParam());
  EXPECT_EQ(hub.layers, yaml.layers);
  EXPECT_EQ(hub.hidden, yaml.hidden);
  EXPECT_EQ(hub.intermediate, yaml.intermediate);
  EXPECT_EQ(hub.query_heads, yaml.query_heads);
  EXPECT_EQ(hub.kv_heads, yaml.kv_heads);
  EXPECT_EQ(hub.head_dim, yaml.head_dim);
  EXPECT_EQ(hub.vocab, yaml.vocab);
  EXPECT_EQ(hub.max_context, yaml.max_context);
  EXPECT_EQ(hub.tied_embeddings, yaml.tied_embeddings);
  EXPECT_EQ(hub.activation, yaml.activation);
  EXPECT_EQ(hub.norm, yaml.norm);
  EXPECT_EQ(hub.position, yaml.position);
  EXPECT_EQ(hub.rotary_fraction, yaml.rotary_fraction);
  EXPECT_EQ(hub.qk_norm, yaml.qk_norm);
  EXPECT_EQ(hub.post_norms, yaml.post_norms);
  EXPECT_EQ(hub.moe.has_value(), yaml.moe.has_value());
  EXPECT_EQ(hub.bits.weight, 16);
  EXPECT_EQ(gemm_edges(layer_graph(hub)), gemm_edges(layer_graph(yaml)));
}

INSTANTIATE_TEST_SUITE_P(Model, HubModel,
                         ::testing::Values("llama-3-8b", "opt-6.7b", "llama-3.2-1b", "qwen3-8b", "gemma-2-2b", "phi-2", "mixtral-8x7b"));

TEST(HubModelErrors, name_what_is_unknown_or_missing) {
  const auto with = [](const std::string& key, const std::string& value) {
    return error_of([&] {
      ConfigNode node = load_yaml_file(data("hub/llama-3-8b.json"));
      apply_override(node, key, value);
      decode_model(node);
    });
  };
  EXPECT_NE(with("model_type", "mamba").find("model.model_type: 'mamba' cannot be expressed: its state-space"), std::string::npos);
  EXPECT_NE(with("hidden_act", "mish").find("model.hidden_act: 'mish' is not known"), std::string::npos);
  EXPECT_NE(with("kv_lora_rank", "512").find("model.kv_lora_rank: latent attention in a model of type llama"), std::string::npos);
  EXPECT_NE(with("torch_dtype", "int7").find("model.torch_dtype: 'int7'"), std::string::npos);
  EXPECT_NE(with("hidden_size", "null").find("llama-3-8b.json:1: model.hidden_size: missing"), std::string::npos);
  EXPECT_NE(with("num_key_value_heads", "5").find("does not divide"), std::string::npos);
  EXPECT_NE(with("hidden_size", "3").find("llama-3-8b.json:1: model.head_dim: 0 follows from the file, allowed: 1 to 4096"),
            std::string::npos);
  EXPECT_EQ(with("bits.weight", "4"), "");
}

TEST(Artifact, graph_and_shape_files_give_the_layer_they_draw) {
  const Model m = decode_model(load_yaml_file(data("artifact/operator_graph.json")));
  EXPECT_EQ(gemm_edges(layer_graph(m)), gemm_edges(layer_graph(testing::model("llama-3-8b"))));
  EXPECT_EQ(weight_elements(layer_graph(m)), weight_elements(layer_graph(testing::model("llama-3-8b"))));
}

TEST(Artifact, errors_name_the_node_or_the_edge) {
  const auto file = data("artifact/operator_graph.json");
  const auto with = [&](const std::string& nodes, const std::string& edges) {
    return error_of([&] {
      ConfigNode node = parse_yaml("{\"node\": " + nodes + ", \"edge\": " + edges + "}", file);
      decode_model(node);
    });
  };
  const std::string nodes = R"({"q": 0, "k": 1, "v": 2, "qk": 3, "sv": 4, "o": 5, "f1": 6, "f2": 7})";
  EXPECT_EQ(with(nodes, "[[0,3],[1,3],[3,4],[2,4],[4,5],[5,6],[6,7]]"), "");
  EXPECT_NE(with(nodes, "[[0,3],[1,3],[3,4],[2,4],[4,5],[5,6],[6,7],[0,7]]").find("edge q -> f2 is not in it"), std::string::npos);
  EXPECT_NE(with(nodes, "[[0,3],[3,4],[2,4],[4,5],[5,6],[6,7]]").find("edge k -> qk is missing"), std::string::npos);
  EXPECT_NE(with(nodes, "[[0,9]]").find("names an id without a node"), std::string::npos);
  EXPECT_NE(with(R"({"q": 0, "w": 1})", "[[0,1]]").find("node.w: not an operator"), std::string::npos);
}

TEST(Experts, routed_rows_add_up_and_follow_the_expectation) {
  const auto experts = [](int count, int top_k, Routing routing, std::vector<double> weights) {
    MoeConfig c;
    c.experts = count;
    c.top_k = top_k;
    c.routing = routing;
    c.weights = std::move(weights);
    return c;
  };
  MoeConfig moe = experts(8, 2, Routing::expected, {});
  for (const std::int64_t tokens : {1, 2, 4, 16, 100}) {
    for (const std::int64_t step : {0, 1, 7}) {
      const auto rows = expert_rows(moe, tokens, step);
      EXPECT_EQ(std::accumulate(rows.begin(), rows.end(), std::int64_t{0}), tokens * 2);
      EXPECT_LE(*std::max_element(rows.begin(), rows.end()), tokens);
      const double busy = 8 * (1 - std::pow(0.75, static_cast<double>(tokens)));
      EXPECT_NEAR(static_cast<double>(std::count_if(rows.begin(), rows.end(), [](auto r) { return r > 0; })), busy, 0.51);
    }
  }
  EXPECT_NE(expert_rows(moe, 1, 0), expert_rows(moe, 1, 1));  // others with each step
  moe = experts(4, 1, Routing::given, {3, 1, 0, 4});
  EXPECT_EQ(expert_rows(moe, 8, 0), (std::vector<std::int64_t>{3, 1, 0, 4}));
  moe = experts(3, 2, Routing::given, {100, 1, 1});  // an expert cannot have more rows than there are tokens
  EXPECT_EQ(expert_rows(moe, 4, 0), (std::vector<std::int64_t>{4, 2, 2}));
}

TEST(Experts, a_step_reads_only_the_experts_that_have_tokens) {
  const System system = testing::h2llm_system();
  const auto source =
      make_schedule(system, testing::model("mixtral-8x7b-w4a16"), testing::lengths(1, 20, 2), testing::dataflow("fc_offloading"));
  Block block;
  std::vector<std::set<std::string>> experts(3);
  while (source->next(block)) {
    for (const Task& t : block.tasks) {
      const std::string& name = source->header().operators[static_cast<std::size_t>(t.op)].name;
      if (name.size() > 3 && name.substr(2) == ".f2") experts[static_cast<std::size_t>(block.step)].insert(name);
    }
  }
  EXPECT_EQ(experts[0].size(), 8u);
  EXPECT_EQ(experts[1].size(), 2u);
  EXPECT_EQ(experts[2].size(), 2u);
  EXPECT_NE(experts[1], experts[2]);
}

TEST(ElementTypes, narrower_operands_take_their_share_of_the_bytes) {
  const auto bytes = [](const char* name, const char* op) {
    const auto source =
        make_schedule(testing::h2llm_system(), testing::model(name), testing::lengths(1, 127, 1), testing::dataflow("fc_offloading"));
    Block block;
    std::int64_t sum = 0;
    while (source->next(block)) {
      for (const Task& t : block.tasks) {
        if (block.step == 0 || source->header().operators[static_cast<std::size_t>(t.op)].name != op) continue;
        for (const auto* list : {&t.nmp.stationary, &t.npu.stationary}) {
          for (const Extent& e : *list) sum += e.bytes();
        }
      }
    }
    return sum;
  };
  EXPECT_EQ(bytes("llama-3-8b", "q"), 4096 * 4096 * 2);
  EXPECT_EQ(bytes("llama-3-8b-w4a16", "q"), 4096 * 4096 / 2);
  EXPECT_EQ(bytes("llama-3-8b", "qk"), 128 * 1024 * 2);
  EXPECT_EQ(bytes("llama-3-8b-kv8", "qk"), 128 * 1024);
  EXPECT_EQ(bytes("llama-3-8b-kv8", "q"), 4096 * 4096 * 2);
}

}  // namespace
}  // namespace bondsim
