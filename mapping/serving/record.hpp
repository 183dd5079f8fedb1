#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "mapping/serving/distribution.hpp"
#include "mapping/serving/serving_config.hpp"
#include "mapping/serving/serving_listener.hpp"

namespace bondsim::serving {

/// A request that has left, as a row of requests.csv.
struct RequestRow {
  std::int64_t id = 0;
  std::int64_t prompt_tokens = 0;
  std::int64_t asked_tokens = 0;   ///< output
  std::int64_t output_tokens = 0;  ///< that came
  std::int64_t reused_tokens = 0;
  std::int64_t preemptions = 0;
  Ending ending = Ending::complete;
  Picoseconds arrival, scheduled, first_token, end;
  std::vector<Picoseconds> gaps;  ///< between its tokens
  Attojoules energy;

  Picoseconds queueing() const { return scheduled - arrival; }
  Picoseconds ttft() const { return first_token - arrival; }
  Picoseconds latency() const { return end - arrival; }
  /// Mean time of a token after the first; 0 where there is none.
  double tpot_ps() const;
};

/// What a run of a serving setting came to. Latencies in ps, of requests that were not rejected.
struct ServingTotals {
  Picoseconds end;  ///< of the last iteration
  std::int64_t iterations = 0;
  std::int64_t arrived = 0, complete = 0, truncated = 0, rejected = 0, good = 0;
  std::int64_t unfinished = 0;                                             ///< of a run that was stopped
  std::int64_t prompt_tokens = 0, computed_tokens = 0, reused_tokens = 0;  ///< prompts'; computed: again after making room, too
  std::int64_t output_tokens = 0;
  std::int64_t verifications = 0, verified_tokens = 0;  ///< of requests in decode, with drafts; tokens that these gave
  std::int64_t preemptions = 0;
  std::int64_t swaps = 0;  ///< of these, with the pages moved to normal channels
  Distribution ttft, tpot, itl, latency, queueing;
  Attojoules energy;       ///< of all requests, those that did not finish included
  Attojoules idle_energy;  ///< while nothing ran
  TimeSeries running, waiting, kv_tokens, kv_pages, batch_tokens;
  std::int64_t most_pages = 0;
  Picoseconds busy;  ///< iterations
};

/// Collects what a scheduler does. Holds the requests that are in the system, and distributions; memory does not grow with the run.
class ServingRecord : public ServingListener {
 public:
  using Sink = std::function<void(const RequestRow&)>;
  /// @param sink is given each request as it leaves; null: nobody
  ServingRecord(const ServingConfig& config, Sink sink = nullptr) : slo_(config.slo), sink_(std::move(sink)) {}

  void arrived(const Request& request, Picoseconds now) override;
  void scheduled(const Sequence& sequence, Picoseconds now) override;
  void token(const Sequence& sequence, Picoseconds now) override;
  void preempted(const Sequence& sequence, Picoseconds now) override;
  void left(const Sequence& sequence, Ending ending, Picoseconds now) override;
  void iteration(const Batch& batch, const std::vector<std::int64_t>& requests, const Load& load, Picoseconds now) override;
  void idle(Picoseconds now) override;
  void finished(Picoseconds now) override;

  /// Energy of a part of the present iteration, divided among its requests; all of it to the last attojoule. @param of_decode the part of
  /// requests that decode, if the batch has both phases
  void energy(Attojoules total, double of_decode);
  void idle_energy(Attojoules total) { totals_.idle_energy += total; }

  const ServingTotals& totals() const { return totals_; }
  /// Of the present iteration.
  const Load& load() const { return load_; }
  std::int64_t in_system() const { return static_cast<std::int64_t>(open_.size()); }
  /// Ends the run as it is: what is still in the system is counted as unfinished. @return rows of those requests
  std::vector<RequestRow> close();

 private:
  void until(Picoseconds now);
  bool good(const RequestRow& row) const;

  std::optional<SloConfig> slo_;
  Sink sink_;
  ServingTotals totals_;
  std::map<std::int64_t, RequestRow> open_;  ///< by number: in the system
  std::map<std::int64_t, Picoseconds> last_token_;
  Load load_;
  std::int64_t batch_tokens_ = 0;
  bool iterating_ = false;
  Picoseconds since_;                                                    ///< the load is as it is
  std::vector<std::pair<std::int64_t, std::int64_t>> prefill_, decode_;  ///< of the iteration: request, new tokens
};

const char* name_of(Ending ending);

}  // namespace bondsim::serving
