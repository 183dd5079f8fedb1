#include <gtest/gtest.h>

#include <map>

#include "models/system/validate/validator.hpp"
#include "tests/support/mapping_setup.hpp"
#include "tests/support/shipped_system.hpp"

namespace bondsim {
namespace {

/// A head over all six channels, some of which never have a token of it.
TEST(AttentionPlacement, a_head_of_fewer_tokens_than_channels_is_planned) {
  Model m = testing::model("llama-3-8b");
  m.layers = 1;
  m.hidden = m.intermediate = m.vocab = 512;
  m.query_heads = m.kv_heads = 1;
  const System system = testing::h2llm_system();
  for (const std::int64_t tokens : {2, 3, 7}) {
    const Workload w = testing::lengths(1, tokens - 1, 1);
    const auto schedule = make_schedule(system, m, w, testing::dataflow("attention_offloading"));
    std::map<std::string, std::int64_t> macs;
    std::map<std::string, int> gemms;
    for (Block block; schedule->next(block);) {
      if (block.phase != Phase::decode) continue;
      for (const Task& t : block.tasks) {
        if (t.kind != TaskKind::nmp_gemm) continue;
        const std::string& name = schedule->header().operators[static_cast<std::size_t>(t.op)].name;
        macs[name] += t.nmp.shape.macs();
        ++gemms[name];
      }
    }
    for (const char* product : {"qk", "sv"}) {
      EXPECT_EQ(gemms[product], std::min<std::int64_t>(tokens, 6)) << product << " over " << tokens << " tokens";
      EXPECT_EQ(macs[product], tokens * m.head_dim) << product << " over " << tokens << " tokens";
    }
  }
}

/// Where the buffers hold a part of a head alone, blocks are chosen by a tiling, which parts without a token have none of.
TEST(AttentionPlacement, parts_without_a_token_need_no_tiles) {
  for (const char* name : {"hbm2-pim", "id-nmp"}) {
    const System system = test::shipped_system(name);
    for (const auto& [prompt, generated] : {std::pair{1, 1}, {1, 4}, {3, 2}}) {
      const auto schedule = make_schedule(system, testing::model("palm-8b"), testing::lengths(1, prompt, generated),
                                          testing::dataflow("attention_offloading"));
      EXPECT_FALSE(validate_schedule(system, *schedule).has_value()) << name << ", " << prompt << " and " << generated << " tokens";
    }
  }
}

/// A prompt of one token and nothing after it: five of the six channels stay empty for good.
TEST(AttentionPlacement, a_head_of_one_token_is_planned) {
  Model m = testing::model("llama-3-8b");
  m.layers = 1;
  m.hidden = m.intermediate = m.vocab = 512;
  m.query_heads = m.kv_heads = 1;
  const Plan plan = make_plan(testing::h2llm_system(), m, testing::lengths(1, 1, 0), testing::dataflow("attention_offloading"));
  for (const char* product : {"qk", "sv"}) {
    ASSERT_EQ(plan.attention.at(product).runs.size(), 6U) << product;
    for (const HeadRun& run : plan.attention.at(product).runs) {
      EXPECT_EQ(run_shape(plan.attention.at(product), run, {1, 1}).macs(), run.part == 0 ? m.head_dim : 0) << product;
    }
  }
}

/// The weight buffer of three of the six channels holds no tile of K: said when it is planned, whichever group stands first.
TEST(AttentionPlacement, each_kind_of_channel_needs_a_tile_that_fits) {
  Model m = testing::model("llama-3-8b");
  m.layers = 1;
  m.hidden = m.intermediate = m.vocab = 512;
  m.query_heads = m.kv_heads = 6;
  for (const std::size_t weak : {0, 1}) {
    System s = testing::h2llm_system();
    s.channels.front().count = 3;
    s.channels.insert(s.channels.begin() + 1, s.channels.front());
    s.channels[weak].nmp = s.nmp;
    s.channels[weak].nmp->pe.weight_buffer_kib = 0.03;
    EXPECT_THROW(make_plan(s, m, testing::lengths(1, 30, 2), testing::dataflow("attention_offloading")), InfeasibleError) << weak;
  }
}

/// Six heads of 8 queries, one on each channel. An element of a head takes 8 x 2 B of the input buffer and 8 sums of 4 B; 32 tokens on 16
/// PEs are 2 columns of K each.
TEST(AttentionPlacement, buffers_that_are_too_small_are_told_in_bytes) {
  Model m = testing::model("llama-3-8b");
  m.layers = 1;
  m.hidden = m.intermediate = m.vocab = 512;
  m.query_heads = 48;
  m.kv_heads = 6;
  const auto fault = [&](const System& s) -> std::string {
    try {
      make_plan(s, m, testing::lengths(1, 30, 2), testing::dataflow("attention_offloading"));
    } catch (const InfeasibleError& e) {
      return e.what();
    }
    return "";
  };
  System input = testing::h2llm_system(), output = input, weights = input;
  input.nmp.input_buffer_kib = 0.015;
  output.nmp.pe.output_buffer_kib = 0.03;
  weights.nmp.pe.weight_buffer_kib = 0.03;
  EXPECT_EQ(fault(input), "attention: 1 GEMMs of 8 rows need 16 bytes of input buffer for one element of a head, 0.015 KiB there");
  for (const System* no_tile : {&output, &weights}) {
    EXPECT_EQ(fault(*no_tile), "qk on channel 0: no tile of 1 GEMMs [8, 128] x [128, 2] fits the buffers, at 32 tokens of context");
  }
}

}  // namespace
}  // namespace bondsim
