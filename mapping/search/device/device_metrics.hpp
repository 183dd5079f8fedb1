#pragma once
#include <functional>

#include "mapping/search/device/evaluator.hpp"
#include "models/energy/counts.hpp"
#include "models/system/system.hpp"

namespace bondsim::search {

/// Time and energy of one workload on a device: all layers, one batch.
struct WorkloadMetrics {
  double prefill_s = 0;
  double decode_s = 0;
  double energy_j = 0;
  double pe_energy_j = 0;  ///< of the logic dies while they compute: MACs and buffers of the PEs, HB ports
};

Attojoules sum(const EnergyByComponent& energy);
/// The part of an energy that becomes heat on the logic dies while they compute.
double logic_die_joules(const EnergyByComponent& energy);

/// Metrics of a device, by name:
///   latency_s, prefill_s, decode_s, energy_j      weighted means over the workloads
///   edp_js                                        energy times latency, likewise
///   pe_area_mm2                                   of one PE with its HB controller
///   pe_power_density_w_per_mm2                    of the logic dies, mean over the decode of the workload where it is largest
const std::vector<std::string>& device_metric_names();

/// Judges a device by what `measure` finds for each workload of the space; it may throw InfeasibleError. A device that is not legal by the
/// published area table (unless the space allows it), does not hold a workload, or exceeds a constraint is infeasible, with the reason.
Evaluation judge_device(const DesignSpace& space, const System& device, const std::function<WorkloadMetrics(std::size_t)>& measure);

}  // namespace bondsim::search
