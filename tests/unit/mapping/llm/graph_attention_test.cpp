#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "mapping/llm/graph_file.hpp"
#include "mapping/llm/size.hpp"
#include "models/system/validate/validator.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/mapping_setup.hpp"

/// Graphs with several attentions a layer, each with heads and caches of its own.
namespace bondsim {
namespace {

using testing::h2llm_system;
using testing::lengths;

/// MACs, softmax and appended bytes of a layer in each step, by operator.
struct Sums {
  std::map<std::string, std::int64_t> macs, softmax, appended;
};

std::map<int, Sums> sums_of(const System& system, const Model& m, const Workload& w, const std::string& how) {
  const auto schedule = make_schedule(system, m, w, testing::dataflow(how));
  ScheduleValidator validator(system, schedule->header());
  std::map<int, Sums> sums;
  Block block;
  while (schedule->next(block)) {
    const auto fault = validator.check(block);
    if (fault) ADD_FAILURE() << how << ": " << fault->text();
    if (block.layer != 0) continue;
    Sums& s = sums[block.step];
    for (const Task& t : block.tasks) {
      if (t.op < 0) continue;
      const std::string& name = schedule->header().operators[static_cast<std::size_t>(t.op)].name;
      s.macs[name] += t.kind == TaskKind::nmp_gemm ? t.nmp.shape.macs() : t.kind == TaskKind::npu_gemm ? t.npu.shape.macs() : 0;
      if (t.kind == TaskKind::npu_vector && t.vector.kind == VectorKind::softmax) s.softmax[name] += t.vector.elements;
      for (const Extent& e : t.extents) s.appended[name] += t.kind == TaskKind::kv_append ? e.bytes() : 0;
    }
  }
  return sums;
}

/// Bytes of K and V that a plan holds: of all banks, without what rounds a bank's region up to rows.
std::int64_t cached(const System& system, const Model& m, const Workload& w) {
  const Plan plan = make_plan(system, m, w, testing::dataflow("npu_only"));
  std::int64_t sum = 0;
  for (int c = 0; c < plan.memory.channels(); ++c) sum += plan.memory.held_per_bank(c, Holding::kv) * plan.memory.banks();
  return sum;
}

/// Two attentions side by side on one input: 8 heads of 64 over 2 of K and V, and 2 heads of 128.
constexpr const char* two_attentions = R"(schema: bondsim.graph/1
name: two
layers: 2
hidden: 512
vocab: 1000
max_context: 1024
query_heads: 8
kv_heads: 2
head_dim: 64
layer:
  - {name: q, op: gemm, k: 512, n: 512}
  - {name: k, op: gemm, k: 512, n: 128}
  - {name: v, op: gemm, k: 512, n: 128}
  - {name: wide_q, op: gemm, k: 512, n: 256}
  - {name: wide_k, op: gemm, k: 512, n: 256}
  - {name: wide_v, op: gemm, k: 512, n: 256}
  - {name: k_append, op: kv_append, kind: k, inputs: [k]}
  - {name: v_append, op: kv_append, kind: v, inputs: [v]}
  - {name: wide_k_append, op: kv_append, kind: k, inputs: [wide_k]}
  - {name: wide_v_append, op: kv_append, kind: v, inputs: [wide_v]}
  - {name: qk, op: scores, inputs: [q, k_append]}
  - {name: wide_qk, op: scores, query_heads: 2, kv_heads: 2, head_dim: 128, inputs: [wide_q, wide_k_append]}
  - {name: softmax, op: vector, kind: softmax, per_context: 8, inputs: [qk]}
  - {name: wide_softmax, op: vector, kind: softmax, per_context: 2, inputs: [wide_qk]}
  - {name: sv, op: values, inputs: [softmax, v_append]}
  - {name: wide_sv, op: values, query_heads: 2, kv_heads: 2, head_dim: 128, inputs: [wide_softmax, wide_v_append]}
  - {name: o, op: gemm, k: 512, n: 512, inputs: [sv]}
  - {name: wide_o, op: gemm, k: 256, n: 512, inputs: [wide_sv]}
  - {name: residual, op: vector, kind: residual, per_token: 1024, inputs: [o, wide_o]}
)";

/// Tiles hand scores to one softmax and that to the values; a graph with more between them, or beside, is told what to turn off.
TEST(GraphAttention, what_tiles_cannot_do_is_refused_and_runs_without_them) {
  const std::string text = two_attentions, softmax = "  - {name: sv, op: values, inputs: [softmax, v_append]}\n";
  const auto with = [&](const std::string& lines) {
    return decode_model(parse_yaml(std::string(text).replace(text.find(softmax), softmax.size(), lines), "two.yaml"));
  };
  const Model chain = with(
      "  - {name: scaled, op: vector, kind: activation, per_context: 8, inputs: [softmax]}\n"
      "  - {name: sv, op: values, inputs: [scaled, v_append]}\n");
  const Model beside = with(softmax + "  - {name: kept, op: vector, kind: activation, per_context: 8, inputs: [softmax]}\n");
  for (const Model& m : {chain, beside}) {
    System system = h2llm_system();
    system.npu.fused_attention = true;
    EXPECT_EQ(test::error_of([&] { make_schedule(system, m, lengths(1, 20, 1), testing::dataflow("npu_only")); }),
              "system.npu.fused_attention: true with model two, whose qk feeds more than one softmax and its values; allowed: false");
    Workload cached = lengths(1, 20, 1);
    cached.prompt_cached = true;
    EXPECT_NO_THROW(make_schedule(system, m, cached, testing::dataflow("npu_only"))) << "no prompt, no tiles";
    system.npu.fused_attention = false;
    EXPECT_EQ(sums_of(system, m, lengths(1, 20, 1), "npu_only").size(), 2u);
  }
}

TEST(GraphAttention, two_in_a_layer_have_heads_and_caches_of_their_own) {
  const Model m = decode_model(parse_yaml(two_attentions, "two.yaml"));
  const ModelSize size = model_size(m);
  EXPECT_EQ(size.kv_bytes, 2 * 2 * (2 * 2 * 64 + 2 * 2 * 128)) << "layers x 2 bytes x (K and V of either)";
  EXPECT_EQ(size.macs_per_context, 2 * (2 * 8 * 64 + 2 * 2 * 128));
  const std::int64_t prompt = 100;
  for (const bool fused : {true, false}) {
    System system = h2llm_system();
    system.npu.fused_attention = fused;
    for (const char* how : {"npu_only", "fc_offloading", "attention_offloading", "all_on_pes"}) {
      const auto sums = sums_of(system, m, lengths(2, prompt, 2), how);
      ASSERT_EQ(sums.size(), 3u);
      for (const auto& [step, s] : sums) {
        const std::int64_t pairs = step == 0 ? 2 * prompt * prompt : 2 * (prompt + step);
        EXPECT_EQ(s.macs.at("qk"), pairs * 8 * 64) << how << " " << step;
        EXPECT_EQ(s.macs.at("sv"), pairs * 8 * 64) << how << " " << step;
        EXPECT_EQ(s.macs.at("wide_qk"), pairs * 2 * 128) << how << " " << step;
        EXPECT_EQ(s.macs.at("wide_sv"), pairs * 2 * 128) << how << " " << step;
        EXPECT_EQ(s.softmax.at("softmax"), pairs * 8) << how << " " << step;
        EXPECT_EQ(s.softmax.at("wide_softmax"), pairs * 2) << how << " " << step;
        const std::int64_t tokens = step == 0 ? 2 * prompt : 2;
        EXPECT_GE(s.appended.at("k_append"), tokens * 2 * 64 * 2) << how << " " << step;
        EXPECT_GE(s.appended.at("wide_k_append"), tokens * 2 * 128 * 2) << how << " " << step;
        EXPECT_GE(s.appended.at("wide_v_append"), tokens * 2 * 128 * 2) << how << " " << step;
      }
    }
  }
  const std::int64_t tokens = 102;
  const std::int64_t held = cached(h2llm_system(), m, lengths(1, prompt, 2));
  EXPECT_GE(held, tokens * size.kv_bytes);
  EXPECT_LE(held, tokens * size.kv_bytes + 2 * 4 * 8 * 16 * 2 * 2048) << "four regions a layer, each whole rows of every bank";
}

TEST(GraphAttention, cross_attention_reads_a_context_that_does_not_grow) {
  const Model m = decode_model(load_yaml_file(testing::config_path("graph/encoder-decoder-small")));
  const ModelSize size = model_size(m);
  const std::int64_t width = 12 * 64, encoded = 1500;
  EXPECT_EQ(size.kv_bytes, 12 * 2 * 2 * width);
  EXPECT_EQ(size.fixed_kv_bytes, 12 * 2 * 2 * width * encoded);
  EXPECT_EQ(size.macs_per_context, 12 * 2 * width);
  const std::int64_t prompt = 20;
  for (const bool fused : {true, false}) {
    System system = h2llm_system();
    system.npu.fused_attention = fused;
    for (const char* how : {"npu_only", "attention_offloading", "all_on_pes"}) {
      for (const auto& [step, s] : sums_of(system, m, lengths(2, prompt, 3), how)) {
        const std::int64_t tokens = step == 0 ? 2 * prompt : 2;
        EXPECT_EQ(s.macs.at("qk"), tokens * (step == 0 ? prompt : prompt + step) * width) << how << " " << step;
        EXPECT_EQ(s.macs.at("cross_qk"), tokens * encoded * width) << how << " " << step;
        EXPECT_EQ(s.macs.at("cross_sv"), tokens * encoded * width) << how << " " << step;
        EXPECT_EQ(s.softmax.at("cross_softmax"), tokens * encoded * 12) << how << " " << step;
        for (const auto& [name, bytes] : s.appended) EXPECT_TRUE(bytes == 0 || name == "k_append" || name == "v_append") << name;
      }
    }
  }
  const std::int64_t exact = (prompt + 3) * size.kv_bytes + size.fixed_kv_bytes, held = cached(h2llm_system(), m, lengths(1, prompt, 3));
  EXPECT_GE(held, exact);
  EXPECT_LE(held, exact + 12 * 4 * 8 * 16 * 2 * 2048);
  // A request at a time joins with its encoder's output in place, but its pages would not be those of a growing context.
  Workload paged = lengths(2, prompt, 3);
  paged.page_tokens = 16;
  EXPECT_THROW(make_plan(h2llm_system(), m, paged, testing::dataflow("npu_only")), ConfigError);
}

/// The shortest context there is: an encoder's output of one token, beside a prompt of 20.
TEST(GraphAttention, cross_attention_over_one_token_has_a_score_a_row_and_head) {
  const Model m = decode_model(parse_yaml(R"(schema: bondsim.graph/1
name: one
layers: 1
hidden: 256
vocab: 1000
max_context: 64
query_heads: 4
kv_heads: 4
head_dim: 64
layer:
  - {name: cross_q, op: gemm, k: 256, n: 256}
  - {name: cross_qk, op: scores, context: 1, inputs: [cross_q]}
  - {name: cross_softmax, op: vector, kind: softmax, per_context: 4, inputs: [cross_qk]}
  - {name: cross_sv, op: values, context: 1, inputs: [cross_softmax]}
  - {name: cross_o, op: gemm, k: 256, n: 256, inputs: [cross_sv]}
)",
                                          "one.yaml"));
  for (const bool fused : {true, false}) {
    System system = h2llm_system();
    system.npu.fused_attention = fused;
    Sums prompt = sums_of(system, m, lengths(2, 20, 1), "npu_only").at(0);
    EXPECT_EQ(prompt.macs["cross_qk"], 2 * 20 * 4 * 64) << "tokens x heads x width, fused " << fused;
    EXPECT_EQ(prompt.macs["cross_sv"], 2 * 20 * 4 * 64) << "fused " << fused;
    EXPECT_EQ(prompt.softmax["cross_softmax"], 2 * 20 * 4) << "fused " << fused;
  }
}

}  // namespace
}  // namespace bondsim
