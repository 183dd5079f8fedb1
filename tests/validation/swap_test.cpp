#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/emit/cache_moves.hpp"
#include "sim/simulate.hpp"
#include "tests/support/serving_setup.hpp"
#include "tools/app/studies/plan_experiment.hpp"

namespace bondsim::tools {
namespace {

Experiment swapping(const std::string& dataflow, std::vector<std::string> overrides) {
  overrides.push_back("serving.kv.preemption=swap");
  return chat(std::move(overrides), dataflow);
}

/// A run of nothing but what a step moves.
class OnlyMoves : public ScheduleSource {
 public:
  OnlyMoves(const Plan& plan, const std::vector<CacheChange>& changes) : plan_(plan), moves_(plan) {
    BatchStep step;
    step.caches = changes;
    moves_.begin(step);
  }
  const ScheduleHeader& header() const override { return plan_.header; }
  using ScheduleSource::next;
  bool next(Picoseconds, Block& block) override { return moves_.next(block); }

 private:
  const Plan& plan_;
  CacheMoves moves_;
};

struct Times {
  double out_s = 0, in_s = 0;
};

constexpr std::int64_t tokens = 1024;

Times by_cycles(const Experiment& e) {
  const auto seconds = [&](bool both) {
    return std::stod(run_isolated([&] {
      const Plan plan = plan_experiment(e);
      std::vector<CacheChange> changes = {{CacheEvent::swapped_out, 0, 7, 0, tokens}, {CacheEvent::swapped_in, 1, 7, 0, tokens}};
      if (!both) changes.pop_back();
      OnlyMoves schedule(plan, changes);
      return fmt::format("{:.12g}", to_seconds(simulate(e.system, schedule).total));
    }));
  };
  const double out = seconds(false);
  return {out, seconds(true) - out};
}

Times by_form(const Experiment& e) {
  const Plan plan = plan_experiment(e);
  const auto form = cost::make_cost_model("detailed", &e.system);
  OnlyMoves schedule(plan, {{CacheEvent::swapped_out, 0, 7, 0, tokens}, {CacheEvent::swapped_in, 1, 7, 0, tokens}});
  Times times;
  for (Block block; schedule.next(block);) {
    const bool out = plan.header.operators[static_cast<std::size_t>(block.tasks.front().op)].name == "swap_out";
    (out ? times.out_s : times.in_s) += form->block_seconds(block, e.system) * static_cast<double>(block.executions());
  }
  return times;
}

/// The two normal channels take all bytes that move, and with attention on the NPU they have a quarter of the cache besides: the bus of
/// one, 12.8 GB/s, is what a swap takes. Refresh takes 0.38 of each 3.9 us from it. Beyond that rows change, a bus turns around between
/// reads and writes, and the last accesses of a page are not full.
TEST(Swap, takes_what_the_buses_of_the_normal_channels_take) {
  constexpr double layers = 16, token_bytes = 2048, bus = 12.8e9, refreshes = 0.38 / 3.9;
  for (const auto& [dataflow, of_cache] : {std::make_pair("fc_offloading", 0.25), {"data_centric", 0.0}}) {
    const Experiment e = swapping(dataflow, {});
    const double bytes = layers * static_cast<double>(tokens) * token_bytes * (1 + of_cache) / 2;
    // On PEs the cache lies on the six other channels: the first piece of a layer, 1 MiB, is read before anything is written.
    const double alone = of_cache > 0 ? 0 : layers * 1024 * 1024 / 6;
    const double least = (bytes + alone) / bus / (1 - refreshes);
    const Times cycle = by_cycles(e), form = by_form(e);
    for (const double s : {cycle.out_s, cycle.in_s}) {
      EXPECT_GT(s, 0.99 * least) << dataflow;
      EXPECT_LT(s, 1.2 * least) << dataflow;
    }
    EXPECT_NEAR(form.out_s, cycle.out_s, 0.05 * cycle.out_s) << dataflow;
    EXPECT_NEAR(form.in_s, cycle.in_s, 0.05 * cycle.in_s) << dataflow;
  }
}

using Json = nlohmann::json;

std::vector<std::string> crowded() {
  return {"serving.requests.limit=6",           "serving.requests.rate_per_s=200",
          "serving.requests.prompt_tokens=150", "serving.requests.output_tokens=40",
          "serving.kv.context_tokens=512",      "serving.requests.longest_prompt=300",
          "serving.requests.longest_output=80", "serving.kv.capacity_tokens=512",
          "serving.batch.max_batch=8",          "serving.requests.seed=2"};
}

TEST(Swap, requests_that_make_room_get_their_tokens_and_cycles_confirm_the_closed_form) {
  const Experiment e = swapping("fc_offloading", crowded());
  const Json cycle = served(e, ServingTier::cycle), form = served(e, ServingTier::detailed);
  EXPECT_GE(cycle["requests"]["swaps"].get<int>(), 2);
  EXPECT_EQ(cycle["requests"]["complete"], 6);
  EXPECT_EQ(cycle["tokens"]["prompt_computed"], cycle["tokens"]["prompt"]) << "nothing is computed again";
  for (const char* latency : {"ttft", "tpot", "e2e"}) {
    const double expected = cycle["latency"][latency]["mean_ms"];
    EXPECT_NEAR(form["latency"][latency]["mean_ms"].get<double>(), expected, 0.03 * expected) << latency;
  }
  const double joules = cycle["energy"]["total_j"];
  EXPECT_NEAR(form["energy"]["total_j"].get<double>(), joules, 0.03 * joules);
}

/// Llama-3.2-1B, 32 KiB a token: 128 contexts of 8192 tokens take all 34.4 GB of the device.
TEST(Swap, more_requests_fit_the_memory_than_their_longest_contexts_would) {
  Experiment e = swapping("fc_offloading", {"serving.batch.max_batch=128", "serving.kv.context_tokens=8192", "serving.kv.swap_tokens=8192",
                                            "serving.kv.capacity_tokens=65536"});
  EXPECT_NO_THROW(plan_experiment(e));
  e.workload.kv_pages = 0;
  EXPECT_THROW(plan_experiment(e), CapacityError);
}

}  // namespace
}  // namespace bondsim::tools
