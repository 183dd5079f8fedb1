#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mapping/serving/serving_listener.hpp"
#include "sim/trace/chrome_events.hpp"

namespace bondsim::tools {

/// Writes a trace for ui.perfetto.dev with a lane a request: its waiting, then each iteration it takes part in; a lane of the iterations,
/// and counters of the load.
class RequestTrace : public serving::ServingListener {
 public:
  /// @throws ConfigError when it cannot be written
  explicit RequestTrace(const std::string& path);

  void arrived(const serving::Request& request, Picoseconds now) override;
  void preempted(const serving::Sequence& sequence, Picoseconds now) override;
  void left(const serving::Sequence& sequence, serving::Ending ending, Picoseconds now) override;
  void iteration(const Batch& batch, const std::vector<std::int64_t>& requests, const serving::Load& load, Picoseconds now) override;
  void idle(Picoseconds now) override;
  void finished(Picoseconds now) override;
  /// @throws ConfigError when it could not be written
  void close() { events_.finish(); }

 private:
  void end_iteration(Picoseconds now);

  ChromeEvents events_;
  std::map<std::int64_t, Picoseconds> waiting_since_;
  Batch batch_;  ///< under way; without requests: nothing is
  std::vector<std::int64_t> requests_;
  Picoseconds began_;
};

/// Passes on to several listeners, in their order.
class ServingListeners : public serving::ServingListener {
 public:
  explicit ServingListeners(std::vector<serving::ServingListener*> listeners) : listeners_(std::move(listeners)) {}

  void arrived(const serving::Request& request, Picoseconds now) override { each(&ServingListener::arrived, request, now); }
  void scheduled(const serving::Sequence& sequence, Picoseconds now) override { each(&ServingListener::scheduled, sequence, now); }
  void token(const serving::Sequence& sequence, Picoseconds now) override { each(&ServingListener::token, sequence, now); }
  void preempted(const serving::Sequence& sequence, Picoseconds now) override { each(&ServingListener::preempted, sequence, now); }
  void left(const serving::Sequence& sequence, serving::Ending ending, Picoseconds now) override {
    each(&ServingListener::left, sequence, ending, now);
  }
  void iteration(const Batch& batch, const std::vector<std::int64_t>& requests, const serving::Load& load, Picoseconds now) override {
    each(&ServingListener::iteration, batch, requests, load, now);
  }
  void idle(Picoseconds now) override { each(&ServingListener::idle, now); }
  void finished(Picoseconds now) override { each(&ServingListener::finished, now); }

 private:
  template <class Call, class... Arguments>
  void each(Call call, const Arguments&... arguments) {
    for (serving::ServingListener* listener : listeners_) (listener->*call)(arguments...);
  }

  std::vector<serving::ServingListener*> listeners_;
};

}  // namespace bondsim::tools
