#include "mapping/explain/explain.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
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

/// Numbers of a text in the order in which they stand.
std::vector<double> numbers_of(const std::string& text) {
  const std::regex number("[0-9]+(\\.[0-9]+)?");
  std::vector<double> found;
  for (std::sregex_iterator n(text.begin(), text.end(), number), end; n != end; ++n) found.push_back(std::stod(n->str()));
  return found;
}

/// A layer of Llama-3-8B has 218,103,808 weights, its LM head 128256 x 4096; a token of context is 128 products for K and V each, of 32
/// query heads in 32 layers.
TEST(Explain, macs_of_a_token_are_those_of_all_layers_and_the_head) {
  EXPECT_TRUE(has(explained("llama-3-8b", "npu_only"), " and takes 7.505 GMAC, and 262.1 kMAC for each token of its context\n"));
}

/// GEMMs of Llama-3-8B on 6 channels of 16 banks, cut as told. A bank has k x columns of 2 B, in rows of 2 KiB that take 125 ns each (18.75
/// to open, 32 accesses of 2.5 behind the first, 10 and 18.75 to close) and 15 % more at most for refresh (380 of 3906 ns) and the last
/// MACs. The bus brings a channel's k inputs and takes its n outputs at 12.8 GB/s.
TEST(Explain, a_cut_takes_its_channels_rows_and_the_bus_and_its_tiles_fill_what_they_say) {
  struct Gemm {
    std::string name, cut;
    int k, columns;            ///< of a bank
    std::vector<int> outputs;  ///< of a channel, of all that share the input
    std::vector<std::string> group;
  };
  const std::vector<Gemm> gemms = {
      {"q", "2 x 3", 2048, 86, {1366, 342, 342}, {"q", "k", "v"}}, {"k", "2 x 3", 2048, 22, {1366, 342, 342}, {"q", "k", "v"}},
      {"v", "2 x 3", 2048, 22, {1366, 342, 342}, {"q", "k", "v"}}, {"o", "2 x 3", 2048, 86, {1366}, {"o"}},
      {"f1", "1 x 6", 4096, 150, {2390, 2390}, {"f1", "f3"}},      {"f3", "1 x 6", 4096, 150, {2390, 2390}, {"f1", "f3"}},
      {"lm_head", "1 x 6", 4096, 1336, {21376}, {"lm_head"}}};
  const std::vector<std::string> lines = lines_with(explained("llama-3-8b", "fc_offloading"), "  ");
  std::map<std::string, double> pes_us, cut_us;
  for (const Gemm& g : gemms) {
    const auto at = std::find_if(lines.begin(), lines.end(),
                                 [&](const std::string& line) { return line.rfind(fmt::format("  {:<8} [", g.name), 0) == 0; });
    ASSERT_GE(lines.end() - at, 3) << g.name;
    const std::string cut = at[1], tile = at[2];
    ASSERT_EQ(cut.rfind(fmt::format("      cut K x N as {0}: closed form {0} takes ", g.cut), 0), 0U) << cut;
    cut_us[g.name] = numbers_of(cut).at(4);
    ASSERT_EQ(tile.rfind("      tiles of ", 0), 0U) << tile;
    const std::vector<double> n = numbers_of(tile);
    ASSERT_EQ(n.size(), 9U) << tile;
    const double columns = n[0], k = n[1];
    const double rows = n[2] * 1024 / (2 * columns), half_of_a_digit = 0.05 * 1024 / (2 * columns);
    EXPECT_NEAR(rows, 16 * std::round(rows / 16), half_of_a_digit) << "a piece is whole sets of 16 rows: " << tile;
    EXPECT_GE(rows, 16 - half_of_a_digit) << tile;
    EXPECT_LE(n[2], n[3]) << tile;
    EXPECT_EQ(n[3], 16) << "half of 32 KiB: " << tile;
    EXPECT_NEAR(n[4], k * 2 / 1024, 0.0501) << tile;
    EXPECT_EQ(n[5], 32) << tile;
    EXPECT_NEAR(n[6], columns * 4 / 1024, 0.00501) << tile;
    EXPECT_EQ(n[7], 4) << tile;
    const double rows_us = 0.125 * g.k * g.columns * 2 / 2048;
    EXPECT_GE(n[8], rows_us) << tile;
    EXPECT_LE(n[8], 1.15 * rows_us) << tile;
    pes_us[g.name] = n[8];
  }
  for (const Gemm& g : gemms) {
    double us = g.k * 2 / 12.8e3;
    for (const int n : g.outputs) us += n * 2 / 12.8e3;
    for (const std::string& other : g.group) us += pes_us.at(other);
    EXPECT_NEAR(cut_us.at(g.name), us, 0.03) << g.name << ", and sums of two halves of K by 1024 lanes at 1 GHz are 6 ns at most";
  }
}

/// Scores are held twice in 2 B each, a row's 128 sums of values in 4 B each where a tile lacks columns; K and V of 128 in 2 B each twice.
TEST(Explain, tiles_of_attention_take_the_scratchpad_that_their_shape_takes) {
  int parts_of_columns = 0, several_loads = 0;
  for (const auto& [prompt, scratchpad_mib] : std::vector<std::pair<int, double>>{{16, 128}, {783, 128}, {783, 2}, {6000, 2}}) {
    System s = testing::h2llm_system();
    s.npu.scratchpad_mib = scratchpad_mib;
    const std::string text =
        explain(make_plan(s, testing::model("llama-3-8b"), testing::lengths(1, prompt, 2), testing::dataflow("npu_only")));
    const auto tiles = lines_with(text, "  attention over ");
    ASSERT_FALSE(tiles.empty()) << prompt;
    for (const std::string& line : tiles) {
      std::smatch m;
      ASSERT_TRUE(std::regex_match(line, m,
                                   std::regex("  attention over ([0-9]+) tokens, 8 heads of ([0-9]+) query rows: tiles of ([0-9]+) heads x "
                                              "([0-9]+) rows x ([0-9]+) columns of scores, ([0-9.]+) KiB of the scratchpad(, running "
                                              "softmax)?; K and V are loaded (once|([0-9]+) times), in ([0-9.]+) KiB")))
          << line;
      const double context = std::stod(m[1]), all = std::stod(m[2]), heads = std::stod(m[3]), rows = std::stod(m[4]),
                   columns = std::stod(m[5]);
      EXPECT_LE(context, static_cast<double>(prompt)) << line;
      EXPECT_EQ(m[7].matched, columns < context) << line;
      const double scores = 2 * 2 * heads * rows * columns, sums = columns < context ? 4 * heads * rows * 128 : 0;
      EXPECT_NEAR(std::stod(m[6]), (scores + sums) / 1024, 0.0501) << line;
      const bool once = m[8] == "once";
      EXPECT_NEAR(std::stod(m[10]), 2 * heads * (once ? context : columns) * 2 * 128 * 2 / 1024, 0.0501) << line;
      parts_of_columns += columns < context ? 1 : 0;
      several_loads += once ? 0 : 1;
      if (!once) {
        EXPECT_EQ(std::stod(m[9]), std::ceil(all / rows)) << line;
      }
    }
  }
  EXPECT_GT(parts_of_columns, 0);
  EXPECT_GT(several_loads, 0);
}

/// Six heads of 4 queries on six channels, one on each. K takes 4 x 128 queries and gives 4 x 992 scores of 2 B over the bus at 12.8 GB/s,
/// V the other way round; both read 992 x 128 x 2 B from 16 banks, 7.75 rows of 2 KiB in each. Deals are compared by an estimate of
/// the PEs' time, a tenth from that of the tiles at most.
TEST(Explain, a_deal_of_heads_takes_its_channels_pes_and_the_bus) {
  Model m = testing::model("llama-3-8b");
  m.layers = 1;
  m.hidden = m.intermediate = m.vocab = 512;
  m.query_heads = 24;
  m.kv_heads = 6;
  const std::string text =
      explain(make_plan(testing::h2llm_system(), m, testing::lengths(1, 783, 209), testing::dataflow("attention_offloading")));
  const auto deals = lines_with(text, "      published rule: "), tiles = lines_with(text, "      tiles of ");
  ASSERT_EQ(deals.size(), 2U) << text;
  ASSERT_EQ(tiles.size(), 2U) << text;
  for (std::size_t i = 0; i < 2; ++i) {
    ASSERT_EQ(deals[i].rfind("      published rule: 6 heads on 1 channel each (", 0), 0U) << deals[i];
    const double pes_us = numbers_of(tiles[i]).at(8);
    EXPECT_GE(pes_us, 7.75 * 0.125) << tiles[i];
    EXPECT_LE(pes_us, 1.25 * 7.75 * 0.125) << tiles[i];
    EXPECT_NEAR(numbers_of(deals[i]).at(2), pes_us + 4 * (128 + 992) * 2 / 12.8e3, 0.1 * pes_us) << deals[i] << "\n" << tiles[i];
  }
}

}  // namespace
}  // namespace bondsim
