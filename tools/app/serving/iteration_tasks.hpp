#pragma once
#include <cstdint>
#include <string>

#include "sim/trace/hub.hpp"
#include "sim/trace/tasks.hpp"

namespace bondsim::tools {

/// Task traces of some iterations of a serving run, as `run --trace tasks` writes those of a run.
class IterationTasks : public SimulationListener {
 public:
  /// @param iterations the first and the last one @param directory exists already @param system must outlive this
  IterationTasks(const System& system, const TraceWindow::Steps& iterations, const std::string& directory, bool gzip)
      : iterations_(iterations), writer_(system, directory, gzip) {
    hub_.add(*this, {false, true, false});
  }
  IterationTasks(const IterationTasks&) = delete;
  IterationTasks& operator=(const IterationTasks&) = delete;

  TraceHub& hub() { return hub_; }
  void block_ended(const BlockTrace& trace) override {
    const std::int32_t iteration = trace.block.step;
    if (iteration >= iterations_.first && iteration <= iterations_.last && !trace.block.tasks.empty()) writer_.block_ended(trace);
  }
  /// Ends the files. @throws ConfigError when one could not be written.
  void finish() { writer_.finish(); }

 private:
  TraceWindow::Steps iterations_;
  TaskTraceWriter writer_;
  TraceHub hub_;
};

}  // namespace bondsim::tools
