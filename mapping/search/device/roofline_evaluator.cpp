#include "mapping/search/device/roofline_evaluator.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "models/base/digest.hpp"
#include "models/system/energy_counts.hpp"
#include "models/system/load.hpp"

namespace bondsim::search {
namespace {

std::string beside(const std::string& directory, const std::string& file) {
  return (std::filesystem::path(directory) / file).lexically_normal().string();
}

void require_known_metrics(const DesignSpace& space) {
  const auto& known = device_metric_names();
  const auto require_known = [&](const std::string& metric, const char* where) {
    if (std::find(known.begin(), known.end(), metric) == known.end()) {
      throw ConfigError(fmt::format("{}: space.{}: '{}' is not known, allowed: {}", space.name, where, metric, fmt::join(known, ", ")));
    }
  };
  for (const auto& metric : space.objectives) require_known(metric, "objectives");
  for (const auto& constraint : space.constraints) require_known(constraint.metric, "constraints");
}

}  // namespace

RooflineEvaluator::RooflineEvaluator(const DesignSpace& space, const std::string& cost_model, Bandwidths bandwidths)
    : space_(space), cost_model_(cost_model), bandwidths_(bandwidths) {
  require_known_metrics(space);
  const std::string system_file = beside(space.directory, space.system);
  system_node_ = load_yaml_file(system_file);
  std::vector<std::string> files;
  resolve_system(system_node_, "system", files);
  const System base = decode_system(system_node_, "system");
  cost::make_cost_model(cost_model, &base);  // a name that is not known is found here
  inputs_ = fmt::format("{}\n{}\n{}", cost_model, space.description, canonical_text(system_node_, "system"));
  for (const SpaceWorkload& w : space.workloads) {
    const ConfigNode model = load_yaml_file(beside(space.directory, w.model));
    const ConfigNode workload = load_yaml_file(beside(space.directory, w.workload));
    models_.push_back(decode_model(model));
    workloads_.push_back(decode_workload(workload));
    if (workloads_.back().speculation) {
      config_error(
          *workload.find("speculation"), "workload.speculation",
          "drafts in a design space, allowed: a workload without (bondsim dataflows chooses depth, width and dataflows of one device)");
    }
    inputs_ += canonical_text(model, "model") + canonical_text(workload, "workload");
  }
}

System RooflineEvaluator::system(const Candidate& candidate) const {
  ConfigNode node = system_node_;
  for (const auto& [key, value] : space_.settings(candidate)) apply_override(node, key, value);
  return decode_system(node, "system");
}

const RooflineEvaluator::Found& RooflineEvaluator::best(const System& device, std::size_t job) {
  const auto [entry, is_new] = found_.emplace(std::make_pair(device_key(device, cost_model_, bandwidths_), job), Found{});
  if (is_new) entry->second = search(device, job);
  return entry->second;
}

RooflineEvaluator::Found RooflineEvaluator::search(const System& device, std::size_t job) const {
  Found found;
  DeviceQuestion question;
  question.model = &models_[job];
  question.workload = &workloads_[job];
  question.longest_context = space_.longest_context;
  question.system = &device;
  question.cost_model = cost_model_;
  question.bandwidths = bandwidths_;
  question.rule = space_.dataflow == "data_centric" ? BindingRule::data_centric : BindingRule::compute_centric;
  if (cost_model_ == "detailed" || bandwidths_ == Bandwidths::sustained) question.reserved_bytes = bytes_outside_layers(models_[job]);
  try {
    found.dataflow = find_dataflow(question);
  } catch (const InfeasibleError& e) {
    found.reason = e.what();
  }
  return found;
}

WorkloadMetrics RooflineEvaluator::measure(const System& device, std::size_t job) {
  const Found& found = best(device, job);
  if (!found.reason.empty()) throw InfeasibleError(found.reason);
  const auto layers = static_cast<double>(models_[job].layers);
  EnergyCounts counts = found.dataflow.counts;
  const std::int64_t time_ps = std::llround(found.dataflow.latency.total_s() * 1e12);
  counts.npu_time_ps = time_ps;
  counts.channel_time_ps = counts.rows_open_ps = time_ps * device.channel_count();
  counts.pe_time_ps = time_ps * device.nmp_channel_count() * device.dram.organization.banks();
  const EnergyByComponent energy = energy_model(device).energy(counts);
  WorkloadMetrics metrics;
  metrics.prefill_s = layers * found.dataflow.latency.prefill_s;
  metrics.decode_s = layers * found.dataflow.latency.decode_s;
  metrics.energy_j = layers * to_joules(sum(energy));
  metrics.pe_energy_j = layers * logic_die_joules(energy);
  return metrics;
}

Evaluation RooflineEvaluator::evaluate(const Candidate& candidate) {
  const System device = system(candidate);
  return judge_device(space_, device, [&](std::size_t job) {
    if (cost_model_ != "detailed" && device.nmp_channel_count() > 0 && device.nmp.placement == NmpPlacement::in_die) {
      throw InfeasibleError("the published roofline has no utilisation of in-die PEs: use the cycle tier");
    }
    return measure(device, job);
  });
}

const Dataflow& RooflineEvaluator::dataflow(const System& device, std::size_t job) {
  const Found& found = best(device, job);
  if (!found.reason.empty()) throw InfeasibleError(found.reason);
  return found.dataflow.dataflow;
}

}  // namespace bondsim::search
