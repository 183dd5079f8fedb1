#include <gtest/gtest.h>

#include <set>
#include <tuple>

#include "tests/support/mapping_setup.hpp"

/// K whose queries do not fit the input buffer lies in groups of tokens and blocks of elements.
namespace bondsim {
namespace {

using testing::lengths;

/// `qk` beside the banks, all else on the NPU: with latent attention K has a cache of its own.
Dataflow scores_on_pes() {
  return decode_dataflow(
      parse_yaml("schema: bondsim.dataflow/1\nname: scores\noperators:\n"
                 "  - {names: [qk], executor: nmp, nmp_channels: all, normal_channels: false}\n"
                 "  - {names: [all], executor: npu, nmp_channels: all, normal_channels: false}\n",
                 "scores.yaml"));
}

System small_buffers(int hb_access_bytes, double input_kib) {
  System system = testing::h2llm_system(1, 0);
  system.nmp.hb.access_bytes = hb_access_bytes;
  system.nmp.input_buffer_kib = input_kib;
  return system;
}

Model latent() {
  Model m = testing::model("deepseek-v2-lite");
  m.layers = 1;
  m.vocab = 1024;
  m.moe->experts = 2;
  m.moe->top_k = 1;
  return m;
}

struct BankBytes {
  std::int64_t bytes = 0;
  std::int64_t pieces = 0;
};

BankBytes of_bank(const std::vector<Extent>& extents, int bank) {
  BankBytes sum;
  for (const Extent& e : extents) {
    if (bank < e.first_bank || bank >= e.first_bank + e.banks) continue;
    sum.bytes += e.bytes_of_bank(bank - e.first_bank);
    ++sum.pieces;
  }
  return sum;
}

/// Channel, bank and number of each access of `unit` bytes that the extents touch.
std::set<std::tuple<int, int, std::int64_t>> accesses(const std::vector<Extent>& extents, std::int64_t unit) {
  std::set<std::tuple<int, int, std::int64_t>> out;
  for (const Extent& e : extents) {
    for (int b = 0; b < e.banks; ++b) {
      for (std::int64_t byte = e.bank_offset / unit * unit; byte < e.bank_offset + e.bytes_of_bank(b); byte += unit)
        out.emplace(e.channel, e.first_bank + b, byte / unit);
    }
  }
  return out;
}

/// Two prompt and three generated tokens over the 5 PEs of a head: a token each. Its 576 elements are 36 blocks of 16, 32 bytes in an
/// access of 64 each.
TEST(AttentionCache, a_padded_block_is_an_extent_of_its_own) {
  const Plan plan = make_plan(small_buffers(64, 4), latent(), lengths(3, 2, 3), scores_on_pes());
  const AttentionPlacement& keys = plan.attention.at("qk");
  ASSERT_EQ(keys.runs.size(), 1u);
  const HeadRun& run = keys.runs.front();
  ASSERT_EQ(run.pes_per_gemm, 5);
  ASSERT_EQ(run.block_elements, 16);
  const auto extents = cache_extents(keys, run, 5, plan.memory);
  ASSERT_EQ(extents.size(), 36u);
  for (std::size_t block = 0; block < extents.size(); ++block) {
    EXPECT_EQ(extents[block].banks, 15);
    EXPECT_EQ(extents[block].bank_offset, run.cache + 64 * static_cast<std::int64_t>(block));
    EXPECT_EQ(extents[block].bytes(), 15 * 64);
  }
}

/// What the PEs read is what the appends of all tokens have written, and padding lies at the ends of extents: less than an access in each.
void expect_padding_at_ends(const Plan& plan, std::int64_t context) {
  const AttentionPlacement& keys = plan.attention.at("qk");
  const std::int64_t unit = plan.memory.both_unit();
  for (const HeadRun& run : keys.runs) {
    const auto read = cache_extents(keys, run, context, plan.memory);
    EXPECT_EQ(accesses(read, unit), accesses(append_extents(keys, run, 0, context, plan.memory), unit));
    for (int pe = 0; pe < run.gemms * run.pes_per_gemm; ++pe) {
      const BankBytes bank = of_bank(read, run.first_pe + pe);
      const std::int64_t tokens = (context - pe % run.pes_per_gemm + run.pes_per_gemm - 1) / run.pes_per_gemm;
      const std::int64_t needed = tokens * keys.head_dim * 2;
      EXPECT_GE(bank.bytes, needed) << "PE " << pe;
      EXPECT_LE(bank.bytes, needed + bank.pieces * (unit - 1)) << "PE " << pe;
    }
  }
}

TEST(AttentionCache, padding_lies_at_the_ends_of_extents) {
  for (const int batch : {1, 3}) {
    for (const std::int64_t prompt : {2, 13, 401}) {
      const Plan plan = make_plan(small_buffers(64, 4), latent(), lengths(batch, prompt, 3), scores_on_pes());
      for (std::int64_t context = prompt; context <= prompt + 3; ++context) {
        SCOPED_TRACE(fmt::format("batch {}, prompt {}, context {}", batch, prompt, context));
        expect_padding_at_ends(plan, context);
      }
    }
  }
}

/// 576 elements are four blocks of 128 and one of 64: rows of 256 bytes fill an access, two of the last block's do.
TEST(AttentionCache, groups_are_whole_accesses_of_a_narrower_last_block) {
  System system = small_buffers(256, 8);
  system.nmp.pe.fpus = 16;
  system.nmp.pe.output_buffer_kib = 0.5;  // 8 columns of 16 queries
  const Plan plan = make_plan(system, latent(), lengths(1, 401, 3), scores_on_pes());
  const HeadRun& run = plan.attention.at("qk").runs.front();
  ASSERT_EQ(run.block_elements, 128);
  EXPECT_EQ(run.group_tokens % 2, 0);
  expect_padding_at_ends(plan, 404);
}

/// Half a weight buffer is 24 elements of 16 bits, less than the 32 rows of a column that an FPU takes at once: of 20 tokens one column
/// fits. The head's 24 columns are two in a PE, each a block of its own.
TEST(AttentionCache, a_weight_buffer_of_less_than_an_fpus_rows_takes_v_column_by_column) {
  System system = testing::h2llm_system(1, 1);
  system.nmp.pe.weight_buffer_kib = 2 * 24 * 2 / 1024.0;
  Model m = testing::model("llama-3.2-1b");
  m.layers = 1;
  m.vocab = 1024;
  m.query_heads = m.kv_heads = 1;
  m.head_dim = 24;
  const Plan plan = make_plan(system, m, lengths(1, 19, 1), testing::dataflow("attention_offloading"));
  const AttentionPlacement& values = plan.attention.at("sv");
  ASSERT_EQ(values.runs.size(), 1u);
  EXPECT_EQ(elements_of_pe(values, values.runs.front(), 0), 2);
  EXPECT_EQ(values.runs.front().block_elements, 1);
  EXPECT_EQ(run_tiling(system, values, values.runs.front(), {20, 1}).n_tile, 1);
}

}  // namespace
}  // namespace bondsim
