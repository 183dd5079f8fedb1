#include "mapping/search/device/device_metrics.hpp"

#include <algorithm>

#include "models/system/area.hpp"
#include "models/system/peaks.hpp"

namespace bondsim::search {
namespace {

void add(const WorkloadMetrics& found, double share, double pes_mm2, std::map<std::string, double>& metrics) {
  const double latency_s = found.prefill_s + found.decode_s;
  metrics["latency_s"] += share * latency_s;
  metrics["prefill_s"] += share * found.prefill_s;
  metrics["decode_s"] += share * found.decode_s;
  metrics["energy_j"] += share * found.energy_j;
  metrics["edp_js"] += share * found.energy_j * latency_s;
  const bool computes = pes_mm2 > 0 && found.decode_s > 0;
  double& density = metrics["pe_power_density_w_per_mm2"];
  density = std::max(density, computes ? found.pe_energy_j / found.decode_s / pes_mm2 : 0.0);
}

void raise(double& metric, double value) { metric = std::max(metric, value); }

/// Power, current and temperature of a workload, where the space asks for them.
void add_limits(const DesignSpace& space, const System& device, const WorkloadMetrics& found, DeviceHeat* heat,
                std::map<std::string, double>& metrics) {
  const double seconds = std::max(found.prefill_s + found.decode_s, 1e-12);
  if (asks_for(space, "power_budget_w")) raise(metrics["power_budget_w"], found.energy_j / seconds);
  if (asks_for(space, "max_current_a")) {
    const ActivationCurrent a = activation_current(device);
    raise(metrics["max_current_a"], std::max(mean_rail_a(device, found.rail_j, seconds), a.window_ma(a.in_window) * 1e-3));
  }
  if (heat == nullptr) return;
  PowerByComponent watts{};
  for (std::size_t i = 0; i < watts.size(); ++i) watts[i] = found.component_j[i] / seconds;
  raise(metrics["max_junction_c"], heat->junction_c(device, watts));
}

void check_constraints(const DesignSpace& space, Evaluation& evaluation) {
  for (const SpaceConstraint& constraint : space.constraints) {
    const double value = evaluation.metrics.at(constraint.metric);
    if (value <= constraint.at_most) continue;
    evaluation.reason = fmt::format("{} is {:.6g}, allowed: at most {}", constraint.metric, value, constraint.at_most);
    return;
  }
}

}  // namespace

Attojoules sum(const EnergyByComponent& energy) {
  Attojoules total{};
  for (const Attojoules part : energy) total += part;
  return total;
}

double logic_die_joules(const EnergyByComponent& energy) {
  double joules = 0;
  for (const auto part : {EnergyComponent::pe_mac, EnergyComponent::pe_sram, EnergyComponent::hb_io}) {
    joules += to_joules(energy[static_cast<std::size_t>(part)]);
  }
  return joules;
}

const std::vector<std::string>& device_metric_names() {
  static const std::vector<std::string> names = {
      "latency_s",      "prefill_s",     "decode_s",      "energy_j", "edp_js", "pe_area_mm2", "pe_power_density_w_per_mm2",
      "power_budget_w", "max_current_a", "max_junction_c"};
  return names;
}

bool asks_for(const DesignSpace& space, const std::string& metric) {
  const auto constrains = [&](const SpaceConstraint& c) { return c.metric == metric; };
  return std::find(space.objectives.begin(), space.objectives.end(), metric) != space.objectives.end() ||
         std::any_of(space.constraints.begin(), space.constraints.end(), constrains);
}

std::unique_ptr<DeviceHeat> make_heat(const DesignSpace& space) {
  if (!asks_for(space, "max_junction_c")) return nullptr;
  if (space.stack.empty()) {
    throw ConfigError(fmt::format("{}: space.stack: missing, allowed with max_junction_c: a file of configs/stack/", space.name));
  }
  return std::make_unique<DeviceHeat>(space);
}

Evaluation judge_device(const DesignSpace& space, const System& device, const std::function<WorkloadMetrics(std::size_t)>& measure,
                        DeviceHeat* heat) {
  Evaluation evaluation;
  if (const auto illegal = illegal_device(device); illegal && !space.allow_illegal) {
    evaluation.reason = *illegal;
    return evaluation;
  }
  evaluation.metrics["pe_area_mm2"] = pe_area(device.nmp, device.dram.organization.banks()).total();
  const double pes_mm2 = device.nmp_channel_count() * device.dram.organization.banks() * evaluation.metrics["pe_area_mm2"];
  double weights = 0;
  for (const SpaceWorkload& w : space.workloads) weights += w.weight;
  try {
    for (std::size_t job = 0; job < space.workloads.size(); ++job) {
      const WorkloadMetrics found = measure(job);
      add(found, space.workloads[job].weight / weights, pes_mm2, evaluation.metrics);
      add_limits(space, device, found, heat, evaluation.metrics);
    }
    check_constraints(space, evaluation);
  } catch (const InfeasibleError& e) {
    evaluation.reason = e.what();
  }
  evaluation.feasible = evaluation.reason.empty();
  return evaluation;
}

}  // namespace bondsim::search
