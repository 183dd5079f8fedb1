#include <gtest/gtest.h>

#include <map>

#include "mapping/plan/plan.hpp"
#include "models/system/validate/validator.hpp"
#include "tests/support/inputs.hpp"

/// Data that the NPU's scratchpad does not hold, and attention that needs less of it.
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

/// The same in one block of tokens, whatever that spills.
Case at_once(double scratchpad_mib, bool fused) {
  Case c = prefill(scratchpad_mib);
  c.system.npu.prefill_block_tokens = 1 << 20;
  c.system.npu.fused_attention = fused;
  return c;
}

OperatorId by_name(const OperatorGraph& graph, const std::string& name) {
  for (OperatorId v = 0; v < graph.size(); ++v) {
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
  const Case c = at_once(32, false);
  const Plan plan = plan_of(c);
  ASSERT_EQ(plan.prefill.size(), 1U);
  const auto spills = plan.prefill.front().spills;
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
  const Case apart = at_once(256, false), fused = at_once(256, true), fused_small = at_once(48, true);
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
  EXPECT_GT(moved(at_once(48, false), TaskKind::host_scatter)["qk"], 0);
  EXPECT_EQ(moved(fused_small, TaskKind::host_scatter).count("qk"), 0U);
}

/// The tasks of fused attention, with the schedule's names.
struct Attention {
  std::unique_ptr<ScheduleSource> schedule;
  Block block;

  explicit Attention(const Case& c) : schedule(make_schedule(plan_of(c))) {
    while (schedule->next(block) && block.layer < 0) block = Block{};
  }
  const Task& task(std::int32_t i) const { return block.tasks[static_cast<std::size_t>(i)]; }
  bool is(std::int32_t i, TaskKind kind, const char* op) const {
    return task(i).kind == kind && schedule->header().operators[static_cast<std::size_t>(task(i).op)].name == op;
  }
  std::vector<std::int32_t> all(TaskKind kind, const char* op) const {
    std::vector<std::int32_t> out;
    for (std::int32_t i = 0; i < static_cast<std::int32_t>(block.tasks.size()); ++i) {
      if (is(i, kind, op)) out.push_back(i);
    }
    return out;
  }
  /// The only task of that kind it waits for.
  std::int32_t wait(std::int32_t i, TaskKind kind, const char* op) const {
    std::vector<std::int32_t> found;
    for (const std::int32_t d : task(i).dependencies) {
      if (is(d, kind, op)) found.push_back(d);
    }
    EXPECT_EQ(found.size(), 1U) << "task " << i;
    return found.empty() ? 0 : found.front();
  }
};

TEST(FusedAttention, every_tile_goes_from_scores_through_softmax_to_values) {
  const Attention a(at_once(64, true));
  std::int64_t heads = 0;
  for (const std::int32_t values : a.all(TaskKind::npu_gemm, "sv")) {
    const std::int32_t softmax = a.wait(values, TaskKind::npu_vector, "softmax");
    const NpuGemm& scores = a.task(a.wait(softmax, TaskKind::npu_gemm, "qk")).npu;
    const NpuGemm& v = a.task(values).npu;
    EXPECT_EQ(scores.part.gemm, v.part.gemm);
    EXPECT_EQ(scores.part.m, v.part.m);
    EXPECT_EQ(scores.shape.count, v.shape.count);
    EXPECT_EQ(scores.shape.count * scores.shape.m * scores.shape.n, a.task(softmax).vector.elements);
    EXPECT_FALSE(v.accumulate) << "scores of all columns fit";
    if (v.part.m == 0) heads += v.shape.count;
  }
  EXPECT_EQ(heads, 2 * 8) << "KV heads of two requests";
}

/// A scratchpad so small that no row of scores fits: softmax runs over tiles of columns.
Case small_scratchpad() {
  Case c = at_once(10, true);
  c.workload.prompt_tokens = 3000;
  c.workload.generated_tokens = 0;
  return c;
}

TEST(FusedAttention, a_running_softmax_rescales_the_sums_before_the_next_values_are_added) {
  const Case c = small_scratchpad();
  const auto schedule = make_schedule(plan_of(c));
  const auto fault = validate_schedule(c.system, *schedule);
  ASSERT_FALSE(fault) << fault->text();
  const Attention a(c);
  const auto values = a.all(TaskKind::npu_gemm, "sv");
  std::int64_t running = 0, products = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const NpuGemm& v = a.task(values[i]).npu;
    products += v.shape.macs();
    EXPECT_EQ(v.accumulate, v.part.k > 0);
    if (!v.accumulate) continue;
    ++running;
    const std::int32_t rescale = a.wait(values[i], TaskKind::npu_vector, "softmax");
    EXPECT_EQ(a.task(rescale).vector.kind, VectorKind::rescale);
    EXPECT_EQ(a.task(rescale).vector.elements, v.shape.count * v.shape.m * 128) << "what has been summed so far";
    EXPECT_EQ(a.wait(rescale, TaskKind::npu_gemm, "sv"), values[i - 1]);
    EXPECT_EQ(a.task(a.wait(rescale, TaskKind::npu_vector, "softmax")).vector.kind, VectorKind::softmax);
  }
  EXPECT_GT(running, 0);
  EXPECT_EQ(products, std::int64_t{2} * 32 * 3000 * 3000 * 128);
  // Nothing of the scores leaves the scratchpad, and their tiles are in it.
  EXPECT_EQ(moved(c, TaskKind::host_scatter).count("qk"), 0U);
  const Plan plan = plan_of(c);
  for (const auto& entry : plan.prefill.front().tiles.at("qk")) {
    const auto& [problem, tile] = entry.second;
    EXPECT_LE(score_bytes(problem, tile), problem.activation_bytes);
    EXPECT_LE(stationary_bytes(problem, tile), problem.stationary_bytes);
  }
}

/// The time of attention is what the tile was chosen by: the busiest of arrays, vector units and loads, without a pause.
TEST(FusedAttention, takes_the_time_its_tiles_were_chosen_by) {
  for (Case c : {at_once(32, true), at_once(64, true), at_once(256, true), small_scratchpad()}) {
    c.workload.generated_tokens = 0;
    c.workload.prompt_tokens = 3000;
    const Plan plan = plan_of(c);
    const auto& tiles = plan.prefill.front().tiles.at("qk");
    ASSERT_EQ(tiles.size(), 1U);
    const TiledAttention& tiled = tiles.begin()->second;
    const double expected = attention_seconds(c.system, tiled.problem, tiled.tile);
    const double seconds = std::stod(simulate_isolated(c, {}, [](const Results& r) {
      for (const OperatorResult& op : r.operators) {
        if (op.name == "softmax" && op.phase == "prefill")
          return fmt::format("{}", static_cast<double>(op.span.value) * 1e-12 / 2);  // layers
      }
      return std::string("0");
    }));
    EXPECT_NEAR(seconds, expected, 0.1 * expected) << c.system.npu.scratchpad_mib << " MiB";
    RecordProperty(fmt::format("us_{}_mib", c.system.npu.scratchpad_mib), fmt::format("{:.1f} of {:.1f}", 1e6 * seconds, 1e6 * expected));
  }
}

}  // namespace
}  // namespace bondsim::test
