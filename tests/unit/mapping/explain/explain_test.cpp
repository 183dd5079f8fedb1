#include "mapping/explain/explain.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>

#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

std::vector<std::string> lines_with(const std::string& text, const std::string& begin) {
  std::vector<std::string> found;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    if (line.rfind(begin, 0) == 0) found.push_back(line);
  }
  return found;
}

bool has(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

std::string explained(const std::string& model, const std::string& dataflow, const Workload& workload, int layers = 0) {
  Model m = testing::model(model);
  if (layers > 0) m.layers = layers;
  return explain(make_plan(testing::h2llm_system(), m, workload, testing::dataflow(dataflow)));
}

std::string explained(const std::string& model, const std::string& dataflow) {
  return explained(model, dataflow, testing::lengths(1, 16, 2));
}

TEST(Explain, ranges_of_channels_are_short) {
  EXPECT_EQ(channel_ranges({}), "none");
  EXPECT_EQ(channel_ranges({4}), "4");
  EXPECT_EQ(channel_ranges({0, 1, 2, 3, 5}), "0-3, 5");
  EXPECT_EQ(channel_ranges({0, 2, 3, 6}), "0, 2-3, 6");
}

/// Llama-3-8B has 8.03 billion parameters of 2 bytes; a token's K and V are 2 x 8 heads x 128 x 2 B x 32 layers = 128 KiB.
TEST(Explain, says_the_models_size_as_published) {
  const std::string text = explained("llama-3-8b", "fc_offloading");
  EXPECT_EQ(text.rfind("Llama-3-8B on h2llm (6 NMP and 2 normal channels, 16 banks each), dataflow fc_offloading\n"
                       "batch 1, 16 prompt tokens, 2 generated; 32 layers, ",
                       0),
            0U)
      << text;
  EXPECT_TRUE(has(text, "\n8.030 B parameters, 16.061 GB; a token has 128.0 KiB of K and V")) << text;
}

/// Shapes of Llama-3-8B's GEMMs, k x n, and who has each by the dataflow's file.
TEST(Explain, each_gemm_of_decode_stands_once_with_its_shape_and_who_runs_it) {
  const std::vector<std::tuple<std::string, int, int>> gemms = {{"q", 4096, 4096},   {"k", 4096, 1024},        {"v", 4096, 1024},
                                                                {"o", 4096, 4096},   {"f1", 4096, 14336},      {"f3", 4096, 14336},
                                                                {"f2", 14336, 4096}, {"lm_head", 4096, 128256}};
  for (const auto& [dataflow, who] :
       std::map<std::string, std::string>{{"fc_offloading", "held and run by NMP channels 0-5"},
                                          {"npu_only", "run by the NPU, held by NMP channels 0-5 and normal channels 6-7"}}) {
    const std::string text = explained("llama-3-8b", dataflow);
    for (const auto& [name, k, n] : gemms) {
      EXPECT_EQ(lines_with(text, fmt::format("  {:<8} [", name)),
                std::vector<std::string>{fmt::format("  {:<8} [{}, {}] x 1 rows, {:.1f} MB; {}", name, k, n, 2e-6 * k * n, who)});
    }
    EXPECT_EQ(lines_with(text, "      cut K x N as ").size(), dataflow == "npu_only" ? 0U : gemms.size()) << "the NPU's are not cut";
  }
}

TEST(Explain, split_weights_say_their_shares_and_which_cut_is_taken) {
  const std::string text = explained("llama-3-8b", "data_centric");
  const auto q = lines_with(text, "  q ");
  ASSERT_EQ(q.size(), 1U);
  std::smatch share;
  ASSERT_TRUE(std::regex_search(q[0], share,
                                std::regex("split: ([0-9.]+) % held and run by NMP channels 0-3, the rest on normal channels "
                                           "6-7 and run by the NPU$")))
      << q[0];
  EXPECT_GT(std::stod(share[1]), 50);
  EXPECT_LT(std::stod(share[1]), 100);
  for (const auto& [dataflow, rule] : std::map<std::string, std::string>{{"data_centric", "split: search takes the best"},
                                                                         {"fc_offloading", "split: closed_form takes the first"}}) {
    const auto cuts = lines_with(explained("llama-3-8b", dataflow), "      cut K x N as ");
    EXPECT_FALSE(cuts.empty());
    for (const std::string& cut : cuts) {
      EXPECT_TRUE(has(cut, rule)) << cut;
      std::smatch m;
      ASSERT_TRUE(std::regex_search(
          cut, m, std::regex("as ([^:]+): closed form (.+) takes ([0-9.]+) us, the best of all cuts (.+) takes ([0-9.]+) us")));
      EXPECT_LE(std::stod(m[5]), std::stod(m[3])) << "the best of all is at least as good: " << cut;
      EXPECT_EQ(m[1], dataflow == "data_centric" ? m[4] : m[2]) << cut;
    }
  }
}

/// Of each channel, what is needed is the sum of what it holds; the head's parts on one channel have PEs of their own.
TEST(Explain, attention_on_pes_deals_all_heads_and_memory_adds_up) {
  const std::string text = explained("llama-3-8b", "data_centric");
  for (const char* name : {"qk", "sv"}) {
    const auto cache = lines_with(text, fmt::format("  {:<8} ", name));
    ASSERT_EQ(cache.size(), 1U);
    EXPECT_EQ(cache[0], fmt::format("  {:<8} {} cache of 1 requests x 8 heads of 128; held and run by NMP channels 0-5", name,
                                    std::string(name) == "qk" ? "K" : "V"));
  }
  const auto rules = lines_with(text, "      published rule: ");
  ASSERT_EQ(rules.size(), 2U);
  for (const std::string& rule : rules) {
    EXPECT_TRUE(has(rule, "used: the second")) << rule;
    const std::string published = rule.substr(0, rule.find(" ("));
    int heads = 0;
    const std::regex deal("([0-9]+) heads on");
    for (std::sregex_iterator d(published.begin(), published.end(), deal), end; d != end; ++d) heads += std::stoi((*d)[1]);
    EXPECT_EQ(heads, 8) << rule;
  }
  std::istringstream table(text.substr(text.find("memory, all layers")));
  std::string line;
  std::getline(table, line);
  std::getline(table, line);
  int channels = 0;
  while (std::getline(table, line)) {
    std::istringstream cells(line);
    double channel = 0, weights = 0, kv = 0, buffers = 0, padding = 0, needed = 0, there = 0;
    cells >> channel >> weights >> kv >> buffers >> padding >> needed >> there;
    ASSERT_TRUE(cells) << line;
    EXPECT_EQ(channel, channels++);
    EXPECT_NEAR(needed, weights + kv + buffers + padding, 0.21) << line;
    EXPECT_NEAR(there, 4294.967296, 0.05) << "32 Gbit";
  }
  EXPECT_EQ(channels, 8);
}

TEST(Explain, order_is_that_of_the_groups_or_of_the_inputs) {
  const std::string grouped = explained("llama-3-8b", "data_centric");
  EXPECT_EQ(lines_with(grouped, "  group ").size(), 2U);
  EXPECT_TRUE(has(grouped, "    NMP channels 0-5 and the normal ones, vector units 0-7: [q k v] [qk] [sv] [o]\n")) << grouped;
  EXPECT_TRUE(has(grouped, "    NMP channels 0-5 and the normal ones, vector units 0-7: [f1 f3] [f2]\n")) << grouped;
  const std::string flat = explained("llama-3-8b", "fc_offloading");
  EXPECT_TRUE(has(flat, "order: an operator starts when its inputs are there")) << flat;
  EXPECT_TRUE(lines_with(flat, "  group ").empty());
}

TEST(Explain, operators_of_one_input_are_scattered_together) {
  const std::string text = explained("llama-3-8b", "fc_offloading");
  std::size_t together = 0;
  for (const std::string& cut : lines_with(text, "      cut K x N as "))
    together +=
        has(cut, "together with q k v of the same input, one scatter for all") || has(cut, "together with f1 f3 of the same input") ? 1 : 0;
  EXPECT_EQ(together, 5U) << text;
}

/// Gemma 2 takes turns: every other layer attends to a window of 4096 tokens.
TEST(Explain, kinds_of_layers_are_told_where_they_differ) {
  const std::string gemma = explained("gemma-2-2b", "npu_only");
  EXPECT_EQ(lines_with(gemma, "  13 layers from "),
            (std::vector<std::string>{"  13 layers from 0 on: FFN, attention to the last 4096 tokens",
                                      "  13 layers from 1 on: FFN, attention to all tokens"}));
  EXPECT_FALSE(has(explained("llama-3-8b", "npu_only"), " layers from "));
  const std::string latent = explained("deepseek-v2-lite", "npu_only", testing::lengths(1, 16, 2), 4);
  EXPECT_TRUE(has(latent, "  1 layers from 0 on: one FFN, attention to all tokens\n")) << latent;
  EXPECT_TRUE(has(latent, "  3 layers from 1 on: experts, attention to all tokens\n")) << latent;
}

/// DeepSeek-V2 keeps a latent of 512 and a key of 64 elements a token, for K and V at once.
TEST(Explain, a_latent_cache_is_one_for_k_and_v) {
  const std::string text = explained("deepseek-v2-lite", "data_centric_latent", testing::lengths(1, 16, 2), 4);
  const auto shared = lines_with(text, "      V is the first ");
  ASSERT_FALSE(shared.empty()) << text;
  for (const std::string& line : shared)
    EXPECT_EQ(line, "      V is the first 512 of the 576 elements of the rows of K, one cache for both");
  EXPECT_TRUE(has(text, "each of a head's PEs has whole tokens")) << text;
}

TEST(Explain, prefill_is_none_with_prompts_in_the_caches_and_else_told_by_its_blocks) {
  Workload cached = testing::lengths(1, 16, 2);
  cached.prompt_cached = true;
  EXPECT_TRUE(has(explained("llama-3-8b", "npu_only", cached), "\nprefill: none, K and V of the prompts are in the caches\n"));
  const std::string short_one = explained("llama-3-8b", "npu_only");
  EXPECT_TRUE(has(short_one, "\n  a layer takes the prompts in 1 block of at most 16 tokens; residual stream in the scratchpad"))
      << short_one;
  // 48,000 tokens of 4096 elements of 2 B are 375 MiB; the scratchpad has 128.
  const std::string long_one = explained("llama-3-8b", "npu_only", testing::lengths(6, 8000, 2));
  EXPECT_TRUE(has(long_one, "residual stream in DRAM between layers")) << long_one;
  std::smatch blocks;
  ASSERT_TRUE(std::regex_search(long_one, blocks, std::regex("a layer takes the prompts in ([0-9]+) blocks of at most ([0-9]+) tokens")))
      << long_one;
  EXPECT_GE(std::stol(blocks[1]) * std::stol(blocks[2]), 6 * 8000) << "the blocks have all tokens";
}

/// Llama-3-8B's FFN has 14336 columns: with a vector unit in the channels the activation stays where f1 and f3 left it.
TEST(Explain, work_of_the_channels_vector_units_says_where_its_operands_are) {
  System s = testing::h2llm_system();
  s.nmp.vector.lanes = 64;
  Dataflow dataflow = testing::dataflow("fc_offloading");
  VectorRule rule;
  rule.kinds = {"activation"};
  rule.executor = Executor::nmp;
  rule.nmp_channels.all = true;
  dataflow.vectors.push_back(rule);
  const std::string text = explain(make_plan(s, testing::model("llama-3-8b"), testing::lengths(1, 16, 2), dataflow));
  std::vector<std::string> by_units = lines_with(text, "  ");
  by_units.erase(
      std::remove_if(by_units.begin(), by_units.end(), [](const std::string& line) { return !has(line, "vector units of NMP"); }),
      by_units.end());
  EXPECT_EQ(by_units,
            std::vector<std::string>{
                "  activation 14336 elements of a row; by the vector units of NMP channels 0-5, each its columns; operands where f1 "
                "and f3 left them, results loaded"})
      << text;
}

}  // namespace
}  // namespace bondsim
