#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>

#include "mapping/dataflow/dataflow.hpp"
#include "mapping/llm/graph.hpp"
#include "mapping/llm/routing.hpp"
#include "mapping/llm/size.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/mapping_setup.hpp"
#include "tests/support/paths.hpp"

/// Hub configurations against counts that others published, or that follow by hand from the model's own code.
namespace bondsim {
namespace {

Model hub(const std::string& name) {
  return decode_model(load_yaml_file(bondsim::tests::source_dir() + "/tests/data/hub/" + name + ".json"));
}

struct Published {
  const char* file;
  std::int64_t parameters;   ///< of the safetensors files of the hub
  bool exact;                ///< else within 0.5 %
  std::int64_t kv_elements;  ///< of a token, all layers
};

class HubSize : public ::testing::TestWithParam<Published> {};

/// K and V: layers x 2 x KV heads x head width; DeepSeek: layers x (latent 512 + rotated 64).
TEST_P(HubSize, parameters_and_cache_are_the_published_ones) {
  const Published& p = GetParam();
  const ModelSize size = model_size(hub(p.file));
  if (p.exact) {
    EXPECT_EQ(size.parameters, p.parameters);
  } else {
    EXPECT_NEAR(static_cast<double>(size.parameters) / static_cast<double>(p.parameters), 1, 0.005);
  }
  const Model m = hub(p.file);
  EXPECT_EQ(size.kv_bytes, bytes_of(p.kv_elements, m.bits.kv.element));
}

/// OPT has two rows of positions more than it can use; DeepSeek-V3's 671.03e9 are without the 256 biases of each router; of Llama-4-Scout's
/// 108.64e9 about 0.87e9 are its vision tower.
INSTANTIATE_TEST_SUITE_P(
    Model, HubSize,
    ::testing::Values(
        Published{"llama-3-8b", 8030261248, true, 32 * 2 * 8 * 128}, Published{"llama-3.2-1b", 1235814400, true, 16 * 2 * 8 * 64},
        Published{"mixtral-8x7b", 46702792704, true, 32 * 2 * 8 * 128}, Published{"opt-6.7b", 6658473984, false, 32 * 2 * 32 * 128},
        Published{"qwen3-8b", 8190735360, true, 36 * 2 * 8 * 128}, Published{"gemma-2-2b", 2614341888, true, 26 * 2 * 4 * 256},
        Published{"phi-2", 2779683840, true, 32 * 2 * 32 * 80}, Published{"phi-3-mini-4k", 3821079552, true, 32 * 2 * 32 * 96},
        Published{"gemma-2b", 2506172416, true, 18 * 2 * 1 * 256}, Published{"gemma-3-1b", 999885952, true, 26 * 2 * 1 * 256},
        Published{"qwen1.5-moe-a2.7b", 14315784192, true, 24 * 2 * 16 * 128},
        Published{"qwen3-30b-a3b", 30532122624, true, 48 * 2 * 4 * 128}, Published{"deepseek-v2-lite", 15706484224, true, 27 * 576},
        Published{"deepseek-v3", 671026419200, false, 61 * 576}, Published{"gpt-oss-20b", 20914757184, true, 24 * 2 * 8 * 64},
        Published{"llama-4-scout", 107769861120, true, 48 * 2 * 8 * 128}, Published{"glm-4-9b", 9400279040, true, 40 * 2 * 2 * 128},
        Published{"granite-3.1-2b", 2533531648, true, 40 * 2 * 8 * 64}, Published{"olmo-2-7b", 7298617344, true, 32 * 2 * 32 * 128},
        Published{"smollm3-3b", 3075098624, true, 36 * 2 * 4 * 128}, Published{"falcon-7b", 6921720704, true, 32 * 2 * 1 * 64},
        Published{"gpt2", 124439808, true, 12 * 2 * 12 * 64}, Published{"gpt-j-6b", 6050882784, true, 28 * 2 * 16 * 256},
        Published{"gpt-neox-20b", 20554567680, true, 44 * 2 * 64 * 96}, Published{"starcoder2-3b", 3030371328, true, 30 * 2 * 2 * 128},
        Published{"command-r", 34980831232, true, 40 * 2 * 64 * 128}));

/// By hand: what one token multiplies. Of experts, top_k and the shared ones.
TEST(HubSize, macs_per_token_by_hand) {
  EXPECT_EQ(model_size(hub("llama-3-8b")).macs_per_token, 32LL * 218103808 + 128256LL * 4096);
  EXPECT_EQ(model_size(hub("mixtral-8x7b")).macs_per_token,
            32LL * (2 * 4096 * 4096 + 2 * 4096 * 1024 + 4096 * 8 + 2 * 3 * 4096 * 14336) + 32000LL * 4096);
  EXPECT_EQ(model_size(hub("qwen1.5-moe-a2.7b")).macs_per_token,
            24LL * (4 * 2048 * 2048 + 2048 * 60 + 4 * 3 * 2048 * 1408 + 3 * 2048 * 5632) + 151936LL * 2048);
  EXPECT_EQ(model_size(hub("gpt2")).macs_per_token, 12LL * 12 * 768 * 768 + 50257LL * 768);
  EXPECT_EQ(model_size(hub("llama-3-8b")).macs_per_context, 32LL * 32 * 256);
}

/// DeepSeek-V2, arXiv 2405.04434, section 2.1: the cache of a token is (d_c + d_h^R) l elements. Absorbed, W_UK goes into the queries and
/// W_UV into the output: a token multiplies with each as often as the matrix has elements, and scores and values over a context of n cost
/// n_h (d_c + d_h^R) n and n_h d_c n. Expanded, K and V of all heads are cached, and cost n_h (d_h + d_h^R) n and n_h d_h n.
TEST(LatentAttention, cache_and_macs_of_deepseek_v2_lite_follow_the_paper) {
  const std::int64_t l = 27, n_h = 16, d_c = 512, d_r = 64, d_h = 128, d = 2048;
  const std::int64_t projections = d * n_h * (d_h + d_r) + d * (d_c + d_r) + d_c * n_h * d_h * 2 + n_h * d_h * d;
  const std::int64_t dense = 3 * d * 10944, experts = d * 64 + (6 + 2) * 3 * d * 1408;
  Model m = hub("deepseek-v2-lite");
  const ModelSize absorbed = model_size(m);
  EXPECT_EQ(absorbed.kv_bytes, 2 * l * (d_c + d_r));
  EXPECT_EQ(absorbed.macs_per_token, l * projections + dense + 26 * experts + 102400 * d);
  EXPECT_EQ(absorbed.macs_per_context, l * n_h * (d_c + d_r + d_c));

  ConfigNode node = load_yaml_file(bondsim::tests::source_dir() + "/configs/model/deepseek-v2-lite.yaml");
  apply_override(node, "mla.absorbed", "false");
  const ModelSize expanded = model_size(decode_model(node));
  EXPECT_EQ(expanded.parameters, absorbed.parameters);
  EXPECT_EQ(expanded.kv_bytes, 2 * l * n_h * (d_h + d_r + d_h));
  EXPECT_EQ(expanded.macs_per_token, absorbed.macs_per_token);
  EXPECT_EQ(expanded.macs_per_context, l * n_h * (d_h + d_r + d_h));
}

TEST(HubWindow, layers_and_reach_are_those_of_the_family) {
  const Model gemma3 = hub("gemma-3-1b");
  EXPECT_EQ(gemma3.class_of(0).window, 512);
  EXPECT_EQ(gemma3.class_of(4).window, 512);
  EXPECT_EQ(gemma3.class_of(5).window, 0);
  ASSERT_EQ(gemma3.classes().size(), 2u);
  EXPECT_EQ(gemma3.classes()[0].count, 22);
  EXPECT_EQ(gemma3.classes()[1].count, 4);
  EXPECT_EQ(hub("gpt-oss-20b").class_of(0).window, 128);
  EXPECT_EQ(hub("gpt-oss-20b").class_of(1).window, 0);
  EXPECT_EQ(hub("phi-3-mini-4k").classes().size(), 1u);
  const Model llama4 = hub("llama-4-scout");
  EXPECT_EQ(llama4.class_of(3).window, 0);
  const LayerClass chunked = llama4.class_of(0);
  EXPECT_EQ(chunked.reach(8192, 1), 8192);
  EXPECT_EQ(chunked.reach(8193, 1), 1);
  EXPECT_EQ(chunked.reach(20000, 1), 20000 - 2 * 8192);
  EXPECT_EQ(gemma3.class_of(0).reach(600, 1), 512);
  EXPECT_EQ(gemma3.class_of(0).reach(300, 1), 300);
  EXPECT_EQ(gemma3.class_of(0).reach(600, 600), 600) << "a prompt is computed as a whole";
}

TEST(HubQuantization, weights_have_the_format_and_the_rest_what_it_had) {
  for (const char* file : {"llama-3-8b-awq", "llama-3-8b-gptq"}) {
    const Model m = hub(file);
    EXPECT_EQ(m.bits.weight.of("f1").bits(), 4.15625) << file;
    EXPECT_EQ(m.bits.weight.of("lm_head").bits(), 16) << file;
    EXPECT_EQ(m.bits.activation.element.number, Number::fp16) << file;
    EXPECT_NEAR(static_cast<double>(model_size(m).weight_bytes) / 1e9, 5.73, 0.005) << "the published files";
  }
  const Model oss = hub("gpt-oss-20b");
  EXPECT_EQ(oss.bits.weight.of("e0.f1").bits(), 4.25);
  EXPECT_EQ(oss.bits.weight.of("q").bits(), 16);
  EXPECT_EQ(hub("deepseek-v3").bits.weight.of("q").number, Number::fp8);
}

TEST(HubErrors, say_why_a_model_cannot_be_expressed_and_what_is_nearest) {
  const auto with = [](const std::string& key, const std::string& value) -> std::string {
    try {
      ConfigNode node = load_yaml_file(bondsim::tests::source_dir() + "/tests/data/hub/llama-3-8b.json");
      apply_override(node, key, value);
      decode_model(node);
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_NE(with("model_type", "mamba2").find("keep a state instead of a K and V cache; nearest:"), std::string::npos);
  EXPECT_NE(with("model_type", "t5").find("cross attention; nearest:"), std::string::npos);
  EXPECT_NE(with("model_type", "llava").find("vision or audio tower; nearest:"), std::string::npos);
  EXPECT_NE(with("quantization_config", "{quant_method: aqlm}").find("'aqlm' is not known, allowed: awq, gptq, fp8, mxfp4"),
            std::string::npos);
  EXPECT_NE(with("quantization_config", "{quant_method: awq, bits: 3}").find("bits: 3, allowed: 4, 8"), std::string::npos);
}

/// Rows of experts sum to tokens x top_k in every step and layer, whatever the routing, and no expert has more than the tokens.
TEST(Routing, rows_sum_to_tokens_times_top_k) {
  MoeConfig moe;
  moe.experts = 16;
  moe.top_k = 3;
  moe.first_dense = 1;
  for (const Routing routing : {Routing::expected, Routing::uniform, Routing::zipf, Routing::markov}) {
    moe.routing = routing;
    for (int layer = 1; layer < 6; ++layer) {
      for (std::int64_t step = 0; step < 4; ++step) {
        for (const std::int64_t tokens : {1, 7, 64}) {
          const auto rows = expert_rows(moe, tokens, step, layer);
          std::int64_t sum = 0;
          for (const std::int64_t r : rows) {
            EXPECT_LE(r, tokens);
            sum += r;
          }
          EXPECT_EQ(sum, tokens * moe.top_k) << enum_name(routing);
          EXPECT_EQ(rows, expert_rows(moe, tokens, step, layer)) << "the same again";
        }
      }
    }
  }
}

/// A trace says for each token which experts it has; where it ends it begins again. The same file gives the same rows.
TEST(Routing, trace_is_replayed_and_its_faults_are_named) {
  const std::string directory = bondsim::tests::source_dir() + "/tests/data";
  MoeConfig moe;
  moe.experts = 4;
  moe.top_k = 2;
  moe.routing = Routing::trace;
  moe.trace_file = "routing.csv";
  moe.trace = read_routing_trace(directory, moe);
  EXPECT_EQ(expert_rows(moe, 2, 0, 0), (std::vector<std::int64_t>{2, 1, 1, 0})) << "tokens 0;1 and 0;2";
  EXPECT_EQ(expert_rows(moe, 3, 0, 0), (std::vector<std::int64_t>{3, 2, 1, 0})) << "the third token is the first again";
  EXPECT_EQ(expert_rows(moe, 1, 1, 0), (std::vector<std::int64_t>{0, 0, 1, 1}));
  EXPECT_EQ(expert_rows(moe, 1, 3, 0), expert_rows(moe, 1, 1, 0)) << "step 3 is step 1 again";
  EXPECT_EQ(expert_rows(moe, 1, 0, 1), (std::vector<std::int64_t>{0, 1, 0, 1})) << "layer 1 has rows of its own";
  MoeConfig wide = moe;
  wide.top_k = 3;
  try {
    read_routing_trace(directory, wide);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_NE(std::string(e.what()).find("routing.csv:2: experts: 2 of them, allowed: top_k = 3"), std::string::npos) << e.what();
  }
}

TEST(Routing, a_trace_has_every_layer_of_experts_or_rows_for_those_without) {
  const std::string file = ::testing::TempDir() + "routing-" + std::to_string(::getpid()) + ".csv";
  const auto model_with = [&](const std::string& rows) {
    std::ofstream(file) << "layer,step,token,experts\n" << rows;
    return test::error_of([&] {
      decode_model(
          parse_yaml("schema: bondsim.model/1\nname: m\nlayers: 3\nhidden: 64\nintermediate: 64\nquery_heads: 1\nkv_heads: 1\n"
                     "head_dim: 64\nvocab: 64\nmax_context: 64\ngated_ffn: true\nactivation: silu\nnorm: rms_norm\n"
                     "position: rotary\nmoe: {experts: 4, top_k: 1, first_dense: 1, routing: trace, trace_file: " +
                         file + "}\n",
                     "m.yaml"));
    });
  };
  EXPECT_EQ(model_with("1,0,0,3\n2,0,0,1\n"), "no error");
  EXPECT_EQ(model_with("-1,0,0,3\n"), "no error");
  EXPECT_NE(model_with("1,0,0,3\n").find("m.yaml:15: model.moe.trace_file: " + file + " has no rows of layer 2"), std::string::npos);
  std::remove(file.c_str());
}

TEST(Routing, zipf_favours_as_it_says_and_the_seed_decides_whom) {
  MoeConfig moe;
  moe.experts = 8;
  moe.top_k = 1;
  moe.routing = Routing::zipf;
  auto load = expected_load(moe);
  auto rows = expert_rows(moe, 20000, 1, 0);
  double harmonic = 0;
  for (int i = 1; i <= 8; ++i) harmonic += 1.0 / i;
  EXPECT_NEAR(*std::max_element(load.begin(), load.end()), 1 / harmonic, 1e-12);
  for (std::size_t e = 0; e < rows.size(); ++e) EXPECT_NEAR(static_cast<double>(rows[e]) / 20000, load[e], 0.012);
  moe.seed = 2;
  EXPECT_NE(expert_rows(moe, 20000, 1, 0), rows);
}

/// With chance 1 a token's expert in one layer says which it has in the next.
TEST(Routing, markov_follows_the_layer_before) {
  MoeConfig moe;
  moe.experts = 8;
  moe.top_k = 1;
  moe.routing = Routing::markov;
  moe.markov_stay = 1;
  auto before = expert_rows(moe, 500, 0, 0), after = expert_rows(moe, 500, 0, 1);
  EXPECT_NE(before, after) << "to other experts";
  std::sort(before.begin(), before.end());
  std::sort(after.begin(), after.end());
  EXPECT_EQ(before, after) << "but the same tokens together";
}

TEST(ExpertPlacement, by_load_is_more_even_than_in_turn) {
  MoeConfig moe;
  moe.experts = 64;
  moe.top_k = 6;
  moe.routing = Routing::zipf;
  const auto load = expected_load(moe);
  const auto largest = [&](ExpertPlacement placement) {
    std::vector<double> held(6, 0);
    const auto of = expert_channels(placement, load, 6);
    for (std::size_t e = 0; e < of.size(); ++e) held[static_cast<std::size_t>(of[e])] += load[e];
    return *std::max_element(held.begin(), held.end());
  };
  EXPECT_LT(largest(ExpertPlacement::by_load), 0.22);
  EXPECT_GT(largest(ExpertPlacement::round_robin), largest(ExpertPlacement::by_load) * 1.05);
}

}  // namespace
}  // namespace bondsim
