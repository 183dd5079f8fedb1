#include <gtest/gtest.h>

#include <map>

#include "mapping/plan.hpp"
#include "models/schedule/validator.hpp"
#include "tests/support/inputs.hpp"

/// What the NPU's scratchpad does not hold, and attention that needs less of it.
namespace bondsim::test {
namespace {

/// Llama-3-8B cut to two layers and a small vocabulary, 600 tokens for each of two requests.
Case prefill(double scratchpad_mib) {
  Case c{shipped_system("h2llm"), shipped_model("llama-3-8b"), shipped_workload("sharegpt"), shipped_dataflow("attention_offloading")};
  c.system.npu.scratchpad_mib = scratchpad_mib;
  c.model.layers = 2;
  c.model.vocab = 2048;
  c.workload.batch = 2;
  c.workload.prompt_tokens = 600;
  c.workload.generated_tokens = 1;
  return c;
}

OperatorId by_name(const OperatorGraph& graph, const std::string& name) {
  for (const OperatorId v : boost::make_iterator_range(boost::vertices(graph))) {
    if (graph[v].name == name) return v;
  }
  ADD_FAILURE() << "no operator " << name;
  return 0;
}

Plan plan_of(const Case& c) { return make_plan(c.system, c.model, c.workload, c.dataflow); }

/// Bytes that an operator's transfers move in the prefill of a layer.
std::map<std::string, std::int64_t> moved(const Case& c, TaskKind kind) {
  const auto schedule = make_schedule(plan_of(c));
  Block block;
  while (schedule->next(block) && block.layer < 0) block = Block{};
  std::map<std::string, std::int64_t> bytes;
  for (const Task& t : block.tasks) {
    if (t.kind != kind) continue;
    for (const Extent& e : t.extents) bytes[schedule->header().operators[static_cast<std::size_t>(t.op)].name] += e.bytes();
  }
  return bytes;
}

TEST(Scratchpad, what_fits_is_not_spilled) {
  const Plan plan = plan_of(prefill(256));
  EXPECT_TRUE(plan.spill_regions.empty());
  EXPECT_TRUE(moved(prefill(256), TaskKind::host_scatter).empty());
}

TEST(Scratchpad, outputs_take_what_is_left_and_the_rest_is_written_and_read_back) {
  const Case c = prefill(32);
  const Plan plan = plan_of(c);
  const auto spills = layer_spills(plan, 0);
  // 32 MiB less 2 x 8 chunks of 512 KiB and the residual stream.
  const std::int64_t tokens = 1200, capacity = (32 - 8) * 1024 * 1024 - tokens * 4096 * 2;
  EXPECT_EQ(activation_capacity(c.system, c.model, tokens), capacity);
  // Q is made while norm's output is still needed by K and V. The scores are made beside what of Q is there.
  const std::int64_t scores = 2 * 600 * 600 * 32 * 2, queries = tokens * 4096 * 2, normed = queries;
  const std::int64_t q = normed + queries - capacity;
  EXPECT_EQ(spills[by_name(plan.layer, "q")].bytes, q);
  EXPECT_EQ(spills[by_name(plan.layer, "qk")].bytes, scores - (capacity - (queries - q)));
  EXPECT_EQ(spills[by_name(plan.layer, "softmax")].bytes, spills[by_name(plan.layer, "qk")].bytes) << "in place";
  auto written = moved(c, TaskKind::host_scatter), read = moved(c, TaskKind::host_load);
  const auto rounded = [&](const std::string& name) { return ceil_div<std::int64_t>(spills[by_name(plan.layer, name)].bytes, 32) * 32; };
  EXPECT_EQ(written["qk"], rounded("qk"));
  EXPECT_EQ(read["softmax"], rounded("qk"));
  EXPECT_EQ(written["softmax"], rounded("softmax"));
  EXPECT_EQ(read["sv"], rounded("softmax"));
  EXPECT_EQ(read["f2"], rounded("activation"));
  EXPECT_EQ(written["q"], rounded("q"));
  EXPECT_EQ(written["norm"], 0) << "fits";
}

TEST(Scratchpad, spills_cost_time_and_their_schedule_is_valid) {
  Case large = prefill(256), small = prefill(32);
  for (Case* c : {&large, &small}) c->workload.generated_tokens = 0;
  const auto schedule = make_schedule(plan_of(small));
  const auto fault = validate_schedule(small.system, *schedule);
  EXPECT_FALSE(fault) << fault->text();
  const auto report = [](const Results& r) { return fmt::format("{} {}", r.prefill.value, r.npu_prefill_utilization()); };
  const std::string fast = simulate_isolated(large, {}, report), slow = simulate_isolated(small, {}, report);
  EXPECT_LT(std::stoll(fast), std::stoll(slow));
  for (const std::string& text : {fast, slow}) EXPECT_LE(std::stod(text.substr(text.find(' '))), 1.0) << "above the peak";
}

TEST(FusedAttention, keeps_the_scores_and_hides_the_arrays_behind_the_vector_units) {
  Case apart = prefill(256), fused = apart, fused_small = prefill(48);
  for (Case* c : {&fused, &fused_small}) c->system.npu.fused_attention = true;
  const auto schedule = make_schedule(plan_of(fused));
  const auto fault = validate_schedule(fused.system, *schedule);
  EXPECT_FALSE(fault) << fault->text();
  const auto report = [](const Results& r) {
    std::int64_t macs = 0;
    for (const OperatorResult& op : r.operators) macs += op.macs;
    return fmt::format("{} {}", r.prefill.value, macs);
  };
  const std::string one = simulate_isolated(apart, {}, report), other = simulate_isolated(fused, {}, report);
  EXPECT_LT(std::stoll(other), std::stoll(one));
  EXPECT_EQ(one.substr(one.find(' ')), other.substr(other.find(' '))) << "MACs";
  EXPECT_GT(moved(prefill(48), TaskKind::host_scatter)["qk"], 0);
  EXPECT_EQ(moved(fused_small, TaskKind::host_scatter)["qk"], 0);
}

TEST(FusedAttention, every_tile_goes_from_scores_through_softmax_to_values) {
  Case c = prefill(64);
  c.system.npu.fused_attention = true;
  const auto schedule = make_schedule(plan_of(c));
  Block block;
  while (schedule->next(block) && block.layer < 0) block = Block{};
  const auto name = [&](const Task& t) { return schedule->header().operators[static_cast<std::size_t>(t.op)].name; };
  int tiles = 0;
  for (const Task& values : block.tasks) {
    if (name(values) != "sv" || values.kind != TaskKind::npu_gemm) continue;
    ++tiles;
    const Task* softmax = nullptr;
    for (const std::int32_t d : values.dependencies) {
      if (name(block.tasks[static_cast<std::size_t>(d)]) == "softmax") softmax = &block.tasks[static_cast<std::size_t>(d)];
    }
    ASSERT_NE(softmax, nullptr);
    ASSERT_EQ(softmax->dependencies.size(), 1U);
    const Task& scores = block.tasks[static_cast<std::size_t>(softmax->dependencies.front())];
    EXPECT_EQ(name(scores), "qk");
    EXPECT_EQ(scores.npu.part.gemm, values.npu.part.gemm);
    EXPECT_EQ(scores.npu.part.m, values.npu.part.m);
    EXPECT_EQ(scores.npu.shape.m * scores.npu.shape.n, softmax->vector.elements);
  }
  EXPECT_EQ(tiles, 2 * 8) << "KV heads of two requests";
}

}  // namespace
}  // namespace bondsim::test
