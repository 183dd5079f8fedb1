#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "models/energy/currents.hpp"
#include "tools/app/experiment/experiment.hpp"

namespace bondsim::tools {

/// Time of a run's phases, and their energy by cell of PowerCells.
struct HeatSample {
  double prefill_s = 0;
  double decode_s = 0;
  std::vector<double> prefill_j, decode_j;

  double total_s() const { return prefill_s + decode_s; }
  /// W by cell, the run repeated without a pause.
  std::vector<double> mean_w() const;
  std::vector<double> prefill_w() const;
  std::vector<double> decode_w() const;
};
template <class Visitor>
void members(Visitor& v, HeatSample& s) {
  v("prefill_s", s.prefill_s);
  v("decode_s", s.decode_s);
  v("prefill_j", s.prefill_j);
  v("decode_j", s.decode_j);
}
inline const char* message_schema(const HeatSample&) { return "bondsim.heat_sample/1"; }

/// Simulates one layer (unless the workload wants all) of the prefill and of `decode_samples` decode steps, evenly over the contexts, each
/// counted for its neighbours. In a process of its own. @throws InfeasibleError, ConfigError as a run; ConfigError for drafts
HeatSample sample_heat(const Experiment& experiment, std::int64_t decode_samples, EnergyColumn column);

}  // namespace bondsim::tools
