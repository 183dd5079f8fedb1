#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>

#include "mapping/llm/size.hpp"
#include "models/system/validate/validator.hpp"
#include "tests/support/mapping_setup.hpp"

/// Latent attention absorbed (DeepSeek-V2, arXiv 2405.04434, section 2.1): one cache of d_c + d_h^R elements a token and layer is K of all
/// heads, and its first d_c elements are V.
namespace bondsim {
namespace {

using testing::dataflow;
using testing::h2llm_system;
using testing::lengths;

constexpr std::int64_t heads = 16, rank = 512, rope = 64, nope = 128, v_dim = 128, hidden = 2048, fp16 = 2;

/// DeepSeek-V2-Lite's attention in two layers of small experts.
Model lite(const std::string& key = "", const std::string& value = "") {
  ConfigNode node = load_yaml_file(testing::config_path("model/deepseek-v2-lite"));
  apply_override(node, "layers", "2");
  apply_override(node, "moe.experts", "2");
  apply_override(node, "moe.top_k", "1");
  apply_override(node, "vocab", "1024");
  if (!key.empty()) apply_override(node, key, value);
  return decode_model(node);
}

std::int64_t bytes_of_extents(const std::vector<Extent>& extents) {
  std::int64_t sum = 0;
  for (const Extent& e : extents) sum += e.bytes();
  return sum;
}

/// What a decode step of a layer moves and multiplies, by operator.
struct StepTotals {
  std::map<std::string, std::int64_t> macs, read, appended;
};

StepTotals decode_step(const System& system, const Model& m, const Workload& w, const std::string& how) {
  const auto schedule = make_schedule(system, m, w, dataflow(how));
  ScheduleValidator validator(system, schedule->header());
  StepTotals totals;
  Block block;
  while (schedule->next(block)) {
    const auto fault = validator.check(block);
    if (fault) ADD_FAILURE() << how << ": " << fault->text();
    if (block.step != 1 || block.layer != 0) continue;
    for (const Task& t : block.tasks) {
      if (t.op < 0) continue;
      const std::string& name = schedule->header().operators[static_cast<std::size_t>(t.op)].name;
      if (t.kind == TaskKind::nmp_gemm) totals.macs[name] += t.nmp.shape.macs(), totals.read[name] += bytes_of_extents(t.nmp.stationary);
      if (t.kind == TaskKind::npu_gemm) totals.macs[name] += t.npu.shape.macs(), totals.read[name] += bytes_of_extents(t.npu.stationary);
      if (t.kind == TaskKind::kv_append) totals.appended[name] += bytes_of_extents(t.extents);
    }
  }
  return totals;
}

/// Bytes of K and V that a plan holds, of all banks and layers.
std::int64_t cached_bytes(const Plan& plan) {
  std::int64_t sum = 0;
  for (int c = 0; c < plan.memory.channels(); ++c) sum += plan.memory.held_per_bank(c, Holding::kv) * plan.memory.banks();
  return sum;
}

TEST(LatentCache, holds_and_appends_what_the_paper_says) {
  // Tokens that all PEs of all channels have equally many of, so that no part is padded beyond whole rows of a bank.
  const std::int64_t prompt = 96 * 64 - 1;
  for (const char* how : {"all_on_pes", "attention_offloading", "fc_offloading", "npu_only"}) {
    const System system = h2llm_system();
    const Model m = lite();
    const Workload w = lengths(1, prompt, 1);
    const StepTotals t = decode_step(system, m, w, how);
    EXPECT_EQ(t.appended.at("k_append"), (rank + rope) * fp16) << how;
    EXPECT_EQ(t.appended.count("v_append"), 0u) << how;
    const std::int64_t context = prompt + 1;
    EXPECT_EQ(t.read.at("qk"), context * (rank + rope) * fp16) << how;
    EXPECT_EQ(t.read.at("sv"), context * rank * fp16) << how << ": the rotated part is no value";
    const std::int64_t exact = m.layers * context * (rank + rope) * fp16;
    const Plan plan = make_plan(system, m, w, dataflow(how));
    EXPECT_GE(cached_bytes(plan), exact) << how;
    // A region of a bank is whole rows of 2 KB; a run has one, the NPU's has one for the latent and one for the rotated part.
    EXPECT_LE(cached_bytes(plan), exact + m.layers * 8 * 16 * 2 * 2048) << how;
    EXPECT_EQ(model_size(m).kv_bytes, m.layers * (rank + rope) * fp16);
  }
}

TEST(LatentCache, values_lie_in_the_rows_of_keys) {
  const System system = h2llm_system();
  const Workload w = lengths(3, 500, 4);
  const Plan plan = make_plan(system, lite(), w, dataflow("all_on_pes"));
  const AttentionPlacement &keys = plan.attention.at("qk"), &values = plan.attention.at("sv");
  ASSERT_EQ(keys.runs.size(), values.runs.size());
  for (std::size_t i = 0; i < keys.runs.size(); ++i) {
    const auto of_keys = cache_extents(keys, keys.runs[i], 503, plan.memory),
               of_values = cache_extents(values, values.runs[i], 503, plan.memory);
    // Byte by byte: each of V is one of K.
    for (const Extent& v : of_values) {
      for (int bank = 0; bank < v.banks; ++bank) {
        for (std::int64_t byte = v.bank_offset; byte < v.bank_offset + v.bytes_of_bank(bank); byte += 32) {
          const bool found = std::any_of(of_keys.begin(), of_keys.end(), [&](const Extent& k) {
            const int of_k = v.first_bank + bank - k.first_bank;
            return of_k >= 0 && of_k < k.banks && byte >= k.bank_offset && byte < k.bank_offset + k.bytes_of_bank(of_k);
          });
          ASSERT_TRUE(found) << "run " << i << ", bank " << v.first_bank + bank << ", byte " << byte;
        }
      }
    }
  }
}

TEST(LatentCache, macs_of_absorbed_and_expanded_decode_are_the_formulas) {
  const std::int64_t context = 301;
  for (const char* how : {"all_on_pes", "npu_only"}) {
    const StepTotals absorbed = decode_step(h2llm_system(), lite(), lengths(1, 300, 1), how);
    EXPECT_EQ(absorbed.macs.at("qk"), heads * (rank + rope) * context) << how;
    EXPECT_EQ(absorbed.macs.at("sv"), heads * rank * context) << how;
    EXPECT_EQ(absorbed.macs.at("k_up"), heads * nope * rank) << how;
    EXPECT_EQ(absorbed.macs.at("v_up"), heads * v_dim * rank) << how;
    EXPECT_EQ(absorbed.macs.at("q"), hidden * heads * (nope + rope)) << how;
    EXPECT_EQ(absorbed.macs.at("kv_down"), hidden * (rank + rope)) << how;
    EXPECT_EQ(absorbed.macs.at("o"), heads * v_dim * hidden) << how;
    const StepTotals expanded = decode_step(h2llm_system(), lite("mla.absorbed", "false"), lengths(1, 300, 1), how);
    EXPECT_EQ(expanded.macs.at("qk"), heads * (nope + rope) * context) << how;
    EXPECT_EQ(expanded.macs.at("sv"), heads * v_dim * context) << how;
    EXPECT_EQ(expanded.macs.at("k_up"), heads * nope * rank) << how;
    EXPECT_EQ(expanded.macs.at("v_up"), heads * v_dim * rank) << how;
    EXPECT_GE(expanded.appended.at("k_append") + expanded.appended.at("v_append"), heads * (nope + rope + v_dim) * fp16) << how;
  }
}

/// Two copies where they are asked for, or where qk and sv run in different places.
TEST(LatentCache, a_second_copy_is_there_only_when_something_needs_it) {
  const StepTotals copied = decode_step(h2llm_system(), lite("mla.value_copy", "true"), lengths(1, 300, 1), "npu_only");
  EXPECT_EQ(copied.appended.at("k_append"), (rank + rope) * fp16);
  EXPECT_EQ(copied.appended.at("v_append"), rank * fp16);
  EXPECT_EQ(model_size(lite("mla.value_copy", "true")).kv_bytes, 2 * (2 * rank + rope) * fp16);
  const Dataflow apart =
      decode_dataflow(parse_yaml("schema: bondsim.dataflow/1\nname: apart\noperators:\n"
                                 "  - {names: [qk], executor: nmp, nmp_channels: all, normal_channels: false}\n"
                                 "  - {names: [all], executor: npu, nmp_channels: all, normal_channels: true}\n",
                                 "apart.yaml"));
  const Plan plan = make_plan(h2llm_system(), lite(), lengths(1, 300, 1), apart);
  EXPECT_FALSE(plan.attention.at("sv").in_keys);
}

/// Partial sums of the PEs are added up: one of all columns for each PE with tokens, but the first.
TEST(LatentCache, sums_of_the_pes_are_added_up) {
  const System system = h2llm_system();
  const auto schedule = make_schedule(system, lite(), lengths(1, 300, 1), dataflow("all_on_pes"));
  Block block;
  std::int64_t reduced = 0, runs = 0, loaded = 0;
  while (schedule->next(block)) {
    if (block.step != 1 || block.layer != 0) continue;
    for (const Task& t : block.tasks) {
      if (t.op < 0 || schedule->header().operators[static_cast<std::size_t>(t.op)].name != "sv") continue;
      if (t.kind == TaskKind::npu_vector) reduced += t.vector.elements;
      if (t.kind == TaskKind::nmp_gemm) runs += t.nmp.shape.count * t.nmp.k_parts_used();
      if (t.kind == TaskKind::host_load) loaded += bytes_of_extents(t.extents);
    }
  }
  EXPECT_GT(runs, 16);
  EXPECT_EQ(reduced, (runs - 1) * heads * rank);
  EXPECT_EQ(loaded, runs * heads * rank * fp16);
}

}  // namespace
}  // namespace bondsim
