#include "tools/app/serving/service.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/support/serving_setup.hpp"
#include "tools/app/studies/plan_experiment.hpp"

namespace bondsim::tools {
namespace {

/// Numbers of the iterations before which a request's pages moved to the normal channels.
struct SwapsBefore : serving::ServingListener {
  std::map<std::int64_t, int> swaps;
  int now_out = 0;
  void preempted(const serving::Sequence& sequence, Picoseconds) override { now_out += sequence.swapped > 0 ? 1 : 0; }
  void iteration(const Batch& batch, const std::vector<std::int64_t>&, const serving::Load&, Picoseconds) override {
    if (now_out > 0) swaps[batch.step] = now_out;
    now_out = 0;
  }
};

/// Drives a service with reuse whose iterations take 1 us each.
struct Driven {
  serving::ServingTotals totals;
  ReuseFigures reuse;
  SwapsBefore listener;
  std::map<std::int64_t, int> out;  ///< moves to the normal channels, by the iteration handed out
  std::int64_t in = 0, released = 0, handed_out = 0;

  explicit Driven(const std::vector<std::string>& more) {
    std::vector<std::string> settings = {"model.layers=1",
                                         "serving.requests.lengths=fixed",
                                         "serving.requests.prompt_tokens=40",
                                         "serving.requests.output_tokens=20",
                                         "serving.batch.max_batch=4",
                                         "serving.kv.context_tokens=256"};
    settings.insert(settings.end(), more.begin(), more.end());
    const Experiment e = chat(settings);
    ServeOptions options;
    options.reuse_pages = true;
    options.listeners = {&listener};
    serving::ServingRecord record(*e.serving);
    Service service(e, plans_of_experiment(e).target, options, record);
    Picoseconds now;
    while (const auto step = service.next(now)) {
      ++handed_out;
      for (const CacheChange& change : step->caches) {
        if (change.event == CacheEvent::swapped_out) ++out[step->batch.step];
        if (change.event == CacheEvent::swapped_in) ++in;
        if (change.event == CacheEvent::released) ++released;
      }
      now = std::max(now, step->not_before) + Picoseconds(1'000'000);
    }
    totals = record.totals();
    reuse = service.reuse();
  }
  void expect_all_counted() const {
    EXPECT_EQ(reuse.simulated, handed_out);
    EXPECT_EQ(reuse.simulated + reuse.reused, totals.iterations);
    EXPECT_GT(reuse.reused, reuse.simulated);
    EXPECT_EQ(reuse.worst_error, 0);
    EXPECT_EQ(totals.busy, Picoseconds(1'000'000 * totals.iterations));
  }
};

/// Pairs of requests that outgrow seven pages, one pair after the other.
TEST(ServiceReuse, hands_out_each_iteration_before_which_pages_move) {
  const Driven run({"serving.requests.limit=12", "serving.requests.rate_per_s=1000000", "serving.kv.capacity_tokens=112",
                    "serving.kv.watermark=0", "serving.kv.preemption=swap"});
  run.expect_all_counted();
  EXPECT_GE(run.listener.swaps.size(), 3u);
  EXPECT_EQ(run.out, run.listener.swaps);
  EXPECT_EQ(run.in, run.totals.swaps);
}

/// A user's requests, all but the first few iterations of which are known: a cache is released between two that are not handed out.
TEST(ServiceReuse, tells_of_caches_that_were_released_before_iterations_that_it_does_not_hand_out) {
  const Driven run({"serving.requests.limit=30", "serving.requests.arrivals=closed_loop", "serving.requests.users=1"});
  run.expect_all_counted();
  EXPECT_LT(run.handed_out, 60);
  // Those since the last iteration handed out are of nobody's interest: a sixteenth of the prompts and of each page's iterations is.
  EXPECT_GE(run.released, 28);
}

}  // namespace
}  // namespace bondsim::tools
