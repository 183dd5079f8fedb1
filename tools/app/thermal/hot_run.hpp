#pragma once
#include "sim/simulate.hpp"
#include "tools/app/thermal/heat_study.hpp"

namespace bondsim::tools {

/// A run at the temperatures that it makes: samples of it find refresh rates and leakage, the whole run confirms them.
class HotRun {
 public:
  /// The stack must outlive this. @throws InfeasibleError where leakage runs away
  HotRun(const Experiment& experiment, const Stack& stack, const HeatOptions& options = {});
  HotRun(const HotRun&) = delete;
  HotRun& operator=(const HotRun&) = delete;

  /// The experiment at the refresh rates and with the leakage of its temperatures.
  Experiment experiment() const;
  /// As sampled.
  const HeatPoint& point() const { return point_; }
  /// The temperatures that the whole run's power makes. `settled`: they ask for the refresh rates that the run had.
  HeatStudy confirmed(const Results& results) const;

 private:
  std::vector<double> scaled(const Results& results) const;

  Experiment unheated_;
  mutable HeatModel model_;
  HeatPoint point_;
};

}  // namespace bondsim::tools
