#include <gtest/gtest.h>

#include <map>

#include "tests/support/mapping_setup.hpp"

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

}  // namespace
}  // namespace bondsim
