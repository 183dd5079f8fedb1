#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "mapping/emit/lockstep.hpp"
#include "models/system/validate/validator.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/own_process.hpp"

namespace bondsim::test {
namespace {

using nlohmann::json;

/// Batches of a list, and the times at which they were asked for.
class ListedBatches : public BatchSource {
 public:
  ListedBatches(std::vector<BatchStep> steps, std::vector<std::int64_t>& asked_ps) : steps_(std::move(steps)), asked_ps_(asked_ps) {}
  std::optional<BatchStep> next(Picoseconds now) override {
    asked_ps_.push_back(now.value);
    if (at_ == steps_.size()) return std::nullopt;
    return steps_[at_++];
  }

 private:
  std::vector<BatchStep> steps_;
  std::vector<std::int64_t>& asked_ps_;
  std::size_t at_ = 0;
};

/// Two requests of different prompts on a narrow model.
Case two_requests(const std::string& flow) {
  Case c{shipped_system("h2llm"), shipped_model("llama-3-8b"), shipped_workload("sharegpt"), shipped_dataflow(flow)};
  c.model.layers = 3;
  c.model.hidden = 512;
  c.model.intermediate = 1024;
  c.model.vocab = 2048;
  c.workload.batch = 2;
  c.workload.prompt_tokens = 0;
  c.workload.prompts = {40, 56};
  c.workload.generated_tokens = 4;
  return c;
}

Plan plan_of(const Case& c) { return make_plan(c.system, c.model, c.workload, c.dataflow); }

/// Results of a run of batches as JSON: the checks below are of numbers that cross a process.
json run_batches(const Case& c, const std::vector<BatchStep>& steps) {
  return json::parse(run_isolated([&] {
    std::vector<std::int64_t> asked_ps;
    auto schedule = make_schedule(plan_of(c), std::make_unique<ListedBatches>(steps, asked_ps));
    const auto checked = validated(c.system, std::move(schedule));
    const Results r = simulate(c.system, *checked);
    json out = {{"total", r.total.value}, {"prefill", r.prefill.value}, {"asked", asked_ps}};
    for (const Picoseconds step : r.steps) out["steps"].push_back(step.value);
    for (const RequestResult& request : r.requests)
      out["requests"].push_back({request.request, request.tokens, request.first_token.value, request.finish.value});
    std::map<std::string, std::int64_t> busy;
    for (const OperatorResult& op : r.operators) busy[op.phase] += op.busy.value;
    out["busy"] = busy;
    for (const ChannelResult& ch : r.channels) {
      out["channels"].push_back({{"prefill", ch.prefill.sum().value}, {"time", ch.time.sum().value}, {"idle", ch.time.idle.value}});
    }
    for (const ExecutorResult& executor : r.executors) {
      std::int64_t sum = 0;
      for (const Picoseconds b : executor.busy) sum += b.value;
      out["executors"].push_back(sum);
    }
    return out.dump();
  }));
}

std::vector<BatchStep> lockstep(const Workload& workload) {
  std::vector<BatchStep> steps;
  LockstepBatches batches(workload, 0);
  while (auto step = batches.next(Picoseconds())) steps.push_back(*step);
  return steps;
}

BatchEntry prefill_of(const Case& c, int request) {
  return {request, Phase::prefill, c.workload.prompt_of(request), c.workload.prompt_of(request), 1};
}
BatchEntry decode_of(const Case& c, int request, std::int64_t step) {
  return {request, Phase::decode, 1, c.workload.prompt_of(request) + step, 1};
}

TEST(Batches, a_fixed_workload_is_one_source_of_batches_and_hears_the_time_with_layers_multiplied) {
  const Case c = two_requests("fc_offloading");
  const json listed = run_batches(c, lockstep(c.workload));
  const json fixed = json::parse(run_isolated([&] {
    auto schedule = make_schedule(plan_of(c));
    const Results r = simulate(c.system, *schedule);
    return json{{"total", r.total.value}, {"prefill", r.prefill.value}}.dump();
  }));
  EXPECT_EQ(listed["total"], fixed["total"]);
  EXPECT_EQ(listed["prefill"], fixed["prefill"]);
  std::vector<std::int64_t> expected = {0, listed["prefill"].get<std::int64_t>()};
  for (const auto& step : listed["steps"]) expected.push_back(expected.back() + step.get<std::int64_t>());
  EXPECT_EQ(listed["asked"].get<std::vector<std::int64_t>>(), expected);
}

TEST(Batches, a_request_has_its_first_token_with_the_prefill_and_its_last_with_the_run) {
  const Case c = two_requests("data_centric");
  const json run = run_batches(c, lockstep(c.workload));
  for (int request = 0; request < 2; ++request) {
    const auto& row = run["requests"][static_cast<std::size_t>(request)];
    EXPECT_EQ(row[0], request);
    EXPECT_EQ(row[1], 1 + c.workload.generated_tokens);
    EXPECT_EQ(row[2], run["prefill"]);
    EXPECT_EQ(row[3], run["total"]);
  }
}

/// Request 0 decodes while request 1 is prefilled, in blocks with tasks of both phases.
TEST(Batches, prefill_and_decode_stand_in_one_block_and_every_time_sums) {
  for (const char* flow : {"fc_offloading", "attention_offloading", "npu_only", "data_centric"}) {
    SCOPED_TRACE(flow);
    const Case c = two_requests(flow);
    std::vector<BatchStep> steps(4);
    steps[0].batch = {0, {prefill_of(c, 0)}};
    steps[1].batch = {1, {decode_of(c, 0, 1), prefill_of(c, 1)}};
    steps[2].batch = {2, {decode_of(c, 0, 2), decode_of(c, 1, 1)}};
    steps[3].batch = {3, {decode_of(c, 1, 2)}};
    steps.push_back({{4, {decode_of(c, 1, 3)}}, 1, Picoseconds()});
    const json together = run_batches(c, steps);
    const std::int64_t total = together["total"], prefill = together["prefill"];
    EXPECT_EQ(together["busy"]["prefill"], prefill);
    EXPECT_EQ(together["busy"]["decode"], total - prefill);
    for (const auto& executor : together["executors"]) EXPECT_EQ(executor, total);
    for (const auto& channel : together["channels"]) EXPECT_EQ(channel["time"], total);
    // [request, tokens, first token, last token], at the ends of their steps
    const json& asked = together["asked"];
    EXPECT_EQ(together["requests"], (json{{0, 3, asked[1], asked[3]}, {1, 4, asked[2], total}}));
    // The mixed step is shorter than its parts one after the other, and longer than each of them.
    std::vector<BatchStep> apart(3);
    apart[0].batch = {0, {prefill_of(c, 0)}};
    apart[1].batch = {1, {decode_of(c, 0, 1)}};
    apart[2].batch = {2, {prefill_of(c, 1)}};
    auto in_turn = apart;
    for (std::int64_t s = 3; s <= 4; ++s) in_turn.push_back({{s, {decode_of(c, 1, s - 2)}}, 1, Picoseconds()});
    const json serial = run_batches(c, in_turn);
    const std::int64_t mixed = together["steps"][0], decode = serial["steps"][0], second = serial["steps"][1];
    // Refresh meets them elsewhere: 1 %.
    EXPECT_LE(static_cast<double>(mixed), 1.01 * static_cast<double>(decode + second));
    EXPECT_GE(static_cast<double>(mixed), 0.99 * static_cast<double>(std::max(decode, second)));
  }
}

TEST(Batches, a_run_pauses_until_a_batch_may_begin_with_everybody_idle) {
  const Case c = two_requests("fc_offloading");
  std::vector<BatchStep> steps = lockstep(c.workload);
  const json at_once = run_batches(c, steps);
  const std::int64_t gap = 50'000'000'000;
  steps[3].not_before = Picoseconds(at_once["asked"][3].get<std::int64_t>() + gap);
  const json paused = run_batches(c, steps);
  // Work after the pause meets the refreshes elsewhere: a step may differ by one of them.
  const std::int64_t later = paused["total"].get<std::int64_t>() - at_once["total"].get<std::int64_t>();
  EXPECT_NEAR(static_cast<double>(later), static_cast<double>(gap), 1e-3 * static_cast<double>(gap));
  EXPECT_EQ(paused["steps"].size(), at_once["steps"].size());
  EXPECT_NEAR(paused["steps"][2].get<double>(), at_once["steps"][2].get<double>(), 2e6 * c.model.layers) << "the pause is of no step";
  for (std::size_t i = 0; i < paused["channels"].size(); ++i) {
    EXPECT_EQ(paused["channels"][i]["time"], paused["total"]);
    const std::int64_t idle = paused["channels"][i]["idle"].get<std::int64_t>() - at_once["channels"][i]["idle"].get<std::int64_t>();
    EXPECT_GT(idle, gap * 8 / 10) << "idle but for refresh";
  }
  EXPECT_GE(paused["asked"][4].get<std::int64_t>(), paused["asked"][3].get<std::int64_t>() + gap);
}

}  // namespace
}  // namespace bondsim::test
