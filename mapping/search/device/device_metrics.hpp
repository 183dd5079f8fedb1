#pragma once
#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "mapping/search/device/device_heat.hpp"
#include "mapping/search/device/evaluator.hpp"
#include "models/energy/counts.hpp"
#include "models/system/system.hpp"

namespace bondsim::search {

/// Time and energy of one workload on a device: all layers, one batch.
struct WorkloadMetrics {
  double prefill_s = 0;
  double decode_s = 0;
  double energy_j = 0;
  double pe_energy_j = 0;                               ///< of the logic dies while they compute: MACs and buffers of the PEs, HB ports
  std::array<double, energy_components> component_j{};  ///< of energy_j
  std::vector<double> rail_j{};                         ///< of the DRAM's, by rail of the system's energy table
};

Attojoules sum(const EnergyByComponent& energy);
/// The part of an energy that becomes heat on the logic dies while they compute.
double logic_die_joules(const EnergyByComponent& energy);

/// Metrics of a device, by name:
///   latency_s, prefill_s, decode_s, energy_j      weighted means over the workloads
///   edp_js                                        energy times latency, likewise
///   pe_area_mm2                                   of one PE with its HB controller
///   pe_power_density_w_per_mm2                    of the logic dies, mean over the decode of the workload where it is largest
///   power_budget_w                                mean power of the run, the highest of the workloads
///   max_current_a                                 highest current of a supply rail of a channel: the mean over a run, or what the
///   activation
///                                                 policy takes within t_faw
///   max_junction_c                                hottest part of the device in the space's stack, likewise (device_heat)
/// The last three are judged where an objective or a constraint names them.
const std::vector<std::string>& device_metric_names();

/// Judges a device by what `measure` finds for each workload of the space; it may throw InfeasibleError. A device that is not legal by the
/// published area table (unless the space allows it), does not hold a workload, or exceeds a constraint is infeasible, with the reason.
/// @param heat null: no max_junction_c
Evaluation judge_device(const DesignSpace& space, const System& device, const std::function<WorkloadMetrics(std::size_t)>& measure,
                        DeviceHeat* heat = nullptr);

/// Whether an objective or a constraint of the space is this metric.
bool asks_for(const DesignSpace& space, const std::string& metric);
/// What judges temperatures of the space's devices; null where it does not ask for them. @throws ConfigError when it asks and has no stack
std::unique_ptr<DeviceHeat> make_heat(const DesignSpace& space);

}  // namespace bondsim::search
