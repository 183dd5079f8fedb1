#include "mapping/plan/vector_placement.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "mapping/plan/plan.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

constexpr std::int64_t batch = 5, row_bytes = 2048, banks = 16;

/// Llama-3-8B, all of whose vector operators of some kinds are done by all NMP channels in decode.
Plan plan_with(std::vector<std::string> kinds, int nmp = 6) {
  VectorRule rule;
  rule.kinds = std::move(kinds);
  rule.executor = Executor::nmp;
  rule.nmp_channels.all = true;
  Dataflow dataflow = testing::dataflow("fc_offloading");
  dataflow.vectors.push_back(rule);
  System system = testing::h2llm_system(nmp, 8 - nmp);
  system.nmp.vector.lanes = 64;
  return make_plan(system, testing::model("llama-3-8b"), testing::lengths(batch, 50, 2), dataflow);
}

/// Region of every bank of a channel.
struct Region {
  std::int64_t begin = 0, end = 0;
  std::string what;
};

/// Fp16 elements of a channel, spread over its banks: at least an even part of each.
Region region(std::int64_t offset, std::int64_t elements, const std::string& what) {
  return {offset, offset + (2 * elements + banks - 1) / banks, what};
}

std::map<int, std::vector<Region>> regions_of(const Plan& plan) {
  std::map<int, std::vector<Region>> regions;
  for (const auto& [name, p] : plan.vectors) {
    const auto channels = static_cast<std::int64_t>(p.shares.size());
    const std::int64_t rows = p.by_rows ? (batch + channels - 1) / channels : batch;
    for (const VectorShare& share : p.shares) {
      const std::int64_t results = rows * share.columns.size();
      std::vector<Region>& of = regions[share.channel];
      if (p.from.empty()) of.push_back(region(share.input, p.operands * results, name + " input"));
      if (p.into.empty()) of.push_back(region(share.output, results, name + " output"));
    }
  }
  return regions;
}

TEST(VectorPlacement, operands_and_results_of_a_channel_lie_apart_in_whole_rows) {
  const Plan plan = plan_with({"activation", "residual", "norm", "rotary"});
  ASSERT_EQ(plan.vectors.size(), 8u) << "two norms, two rotations, two sums, an activation, and the last norm";
  for (auto& [channel, regions] : regions_of(plan)) {
    EXPECT_EQ(regions.size(), 7 * 2u + 1) << "the activation takes its operands where f1 and f3 leave them";
    std::sort(regions.begin(), regions.end(), [](const Region& a, const Region& b) { return a.begin < b.begin; });
    for (std::size_t i = 0; i < regions.size(); ++i) {
      EXPECT_EQ(regions[i].begin % row_bytes, 0) << regions[i].what;
      if (i == 0) continue;
      EXPECT_GE(regions[i].begin, regions[i - 1].end) << regions[i - 1].what << ", " << regions[i].what << ", channel " << channel;
    }
  }
}

/// Columns of a sum and of a rotation are dealt to the channels, a norm's rows.
TEST(VectorPlacement, every_column_is_one_channels_and_of_a_norm_every_channel_has_all) {
  const Plan plan = plan_with({"activation", "residual", "norm", "rotary"});
  const std::map<std::string, std::pair<std::int64_t, std::int64_t>> width_and_operands = {
      {"norm", {4096, 1}},     {"norm_ffn", {4096, 1}},           {"final_norm", {4096, 1}},   {"rotary_q", {4096, 1}},
      {"rotary_k", {1024, 1}}, {"residual_attention", {4096, 2}}, {"residual_ffn", {4096, 2}}, {"activation", {14336, 2}}};
  for (const auto& [name, p] : plan.vectors) {
    EXPECT_EQ(std::make_pair(p.width, p.operands), width_and_operands.at(name)) << name;
    ASSERT_EQ(p.shares.size(), 6u) << name;
    std::int64_t next = 0;
    for (const VectorShare& share : p.shares) {
      EXPECT_EQ(share.columns.begin, p.by_rows ? 0 : next) << name;
      EXPECT_EQ(share.columns.end == p.width, p.by_rows || &share == &p.shares.back()) << name;
      next = share.columns.end;
    }
    EXPECT_EQ(next, p.width) << name;
    EXPECT_EQ(p.by_rows, name.find("norm") != std::string::npos) << name;
  }
}

/// Four channels cut f1 and f3 over N, and f2 over K in the same columns.
TEST(VectorPlacement, an_activation_between_gemms_that_agree_reserves_nothing) {
  const Plan plan = plan_with({"activation"}, 4);
  const VectorPlacement& p = plan.vectors.at("activation");
  EXPECT_EQ(p.from, (std::vector<std::string>{"f1", "f3"}));
  EXPECT_EQ(p.into, "f2");
  EXPECT_EQ(plan.taken_by("f1"), &p);
  EXPECT_EQ(plan.left_by("f2"), &p);
}

}  // namespace
}  // namespace bondsim
