#include "mapping/search/hardware/roofline_evaluator.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "mapping/search/exact_search.hpp"
#include "mapping/search/hardware/gemm_counts.hpp"
#include "models/base/digest.hpp"
#include "models/energy/area.hpp"
#include "models/system/load.hpp"

namespace bondsim::search {
namespace {

std::string beside(const std::string& directory, const std::string& file) {
  return (std::filesystem::path(directory) / file).lexically_normal().string();
}

cost::Layer layer_of(const Model& model, const Workload& workload, std::int64_t longest_context, const std::string& file) {
  const ElementBits& bits = model.bits;
  if (bits.activation != 16 || bits.weight != 16 || bits.kv != 16 || bits.output != 16) {
    throw ConfigError(fmt::format("{}: model.bits: the published roofline's search knows 16 bits for every operand only", file));
  }
  for (int request = 1; request < workload.batch; ++request) {
    if (workload.prompt_of(request) != workload.prompt_of(0)) {
      throw ConfigError(
          fmt::format("{}: workload.prompts: prompts of different lengths, allowed here: one length (make them workloads)", file));
    }
  }
  cost::LayerShape shape;
  shape.model = model.name;
  shape.layers = model.layers;
  shape.hidden = model.hidden;
  shape.intermediate = model.intermediate;
  shape.query_heads = model.query_heads;
  shape.kv_heads = model.kv_heads;
  shape.head_dim = model.head_dim;
  shape.gated_ffn = model.gated_ffn;
  shape.parallel_ffn = model.parallel_block;
  shape.longest_context = std::min(longest_context, model.max_context);
  return cost::make_layer(shape, {workload.prompt_of(0), workload.generated_tokens, workload.batch});
}

/// One burst after the other: 16 bits x 6400 Mb/s are 12.8 GB/s.
double channel_bandwidth_gbps(const DramConfig& dram) {
  return dram.organization.access_bytes() / (dram.timing.n_bl_min * 1e3 / dram.timing.ck_mhz);
}

cost::LayerDevice device_of(const System& system) {
  cost::LayerDevice device;
  const auto& organization = system.dram.organization;
  device.nmp.channels = system.channels.nmp;
  device.nmp.pes_per_channel = organization.banks();
  device.nmp.fpus = system.nmp.pe.fpus;
  device.nmp.macs_per_fpu = system.nmp.pe.macs_per_fpu;
  device.nmp.clock_mhz = system.nmp.pe.clock_mhz;
  device.nmp.hb_bandwidth_gbps = system.nmp.hb.bandwidth_gbps;
  device.nmp.channel_bandwidth_gbps = channel_bandwidth_gbps(system.dram);
  device.normal_channels = system.channels.normal;
  device.npu.channel_bandwidth_gbps = device.nmp.channel_bandwidth_gbps;
  device.npu.peak_tmacs = system.npu.peak_macs() / 1e12;
  return device;
}

/// What a closed form sees of a device: equal texts, equal latencies and counts.
std::string device_text(const System& system) {
  const cost::LayerDevice d = device_of(system);
  return fmt::format("{} {} {} {} {} {:.17g} {:.17g} {:.17g} {} {:.17g} {}", d.nmp.channels, d.normal_channels, d.nmp.pes_per_channel,
                     d.nmp.fpus, d.nmp.macs_per_fpu, d.nmp.clock_mhz, d.nmp.hb_bandwidth_gbps, d.nmp.channel_bandwidth_gbps,
                     system.dram.organization.channel_bytes(), d.npu.peak_tmacs, system.dram.organization.page_bytes());
}

}  // namespace

RooflineEvaluator::RooflineEvaluator(const DesignSpace& space, const std::string& cost_model)
    : space_(space), model_(cost::make_cost_model(cost_model)) {
  const std::string system_file = beside(space.directory, space.system);
  system_node_ = load_yaml_file(system_file);
  std::vector<std::string> files;
  resolve_system(system_node_, "system", files);
  inputs_ = fmt::format("{}\n{}\n{}", cost_model, space.description, canonical_text(system_node_, "system"));
  for (const SpaceWorkload& w : space.workloads) {
    const std::string file = beside(space.directory, w.workload);
    const ConfigNode model = load_yaml_file(beside(space.directory, w.model));
    const ConfigNode workload = load_yaml_file(file);
    jobs_.push_back({layer_of(decode_model(model), decode_workload(workload), space.longest_context, file), w.weight});
    inputs_ += canonical_text(model, "model") + canonical_text(workload, "workload");
  }
  const auto known = metrics();
  const auto require_known = [&](const std::string& metric, const char* where) {
    if (std::find(known.begin(), known.end(), metric) == known.end()) {
      throw ConfigError(fmt::format("{}: space.{}: '{}' is not known, allowed: {}", space.name, where, metric, fmt::join(known, ", ")));
    }
  };
  for (const auto& metric : space.objectives) require_known(metric, "objectives");
  for (const auto& constraint : space.constraints) require_known(constraint.metric, "constraints");
}

std::vector<std::string> RooflineEvaluator::metrics() const {
  return {"latency_s", "prefill_s", "decode_s", "energy_j", "edp_js", "pe_area_mm2"};
}

System RooflineEvaluator::system(const Candidate& candidate) const {
  ConfigNode node = system_node_;
  for (const auto& [key, value] : space_.settings(candidate)) apply_override(node, key, value);
  return decode_system(node, "system");
}

const RooflineEvaluator::Found& RooflineEvaluator::best(const System& system, std::size_t job) {
  const auto [entry, is_new] = found_.emplace(std::make_pair(device_text(system), job), Found{});
  Found& found = entry->second;
  if (!is_new) return found;
  const BindingRule rule = space_.dataflow == "data_centric" ? BindingRule::data_centric : BindingRule::compute_centric;
  SearchProblem problem = make_problem(jobs_[job].layer, device_of(system), rule, *model_);
  problem.channel_capacity_bytes = static_cast<double>(system.dram.organization.channel_bytes());
  try {
    const OperatorTable table(problem);
    const SearchResult result = search_exactly(table);
    found.feasible = true;
    found.latency = result.latency;
    found.counts = gemm_counts(table, result.dataflow, system.dram.organization.page_bytes());
    found.dataflow = to_text(table, result.dataflow);
  } catch (const InfeasibleError& e) {
    found.reason = e.what();
  }
  return found;
}

void RooflineEvaluator::add_metrics(const System& system, std::size_t job, Evaluation& evaluation) {
  const Found& found = best(system, job);
  if (!found.feasible) {
    evaluation.reason = found.reason;
    return;
  }
  double weights = 0;
  for (const Job& j : jobs_) weights += j.weight;
  const double share = jobs_[job].weight / weights;
  const auto layers = static_cast<double>(jobs_[job].layer.shape.layers);
  const double latency_s = layers * found.latency.total_s();
  EnergyCounts counts = found.counts;
  const std::int64_t time_ps = std::llround(found.latency.total_s() * 1e12);
  counts.npu_time_ps = time_ps;
  counts.channel_time_ps = time_ps * system.channels.total();
  counts.pe_time_ps = time_ps * system.channels.nmp * system.dram.organization.banks();
  Attojoules energy{};
  for (const Attojoules part : EnergyModel(system.energy, system.nmp.pe.clock_mhz, false).energy(counts)) energy += part;
  const double energy_j = layers * to_joules(energy);
  evaluation.metrics["latency_s"] += share * latency_s;
  evaluation.metrics["prefill_s"] += share * layers * found.latency.prefill_s;
  evaluation.metrics["decode_s"] += share * layers * found.latency.decode_s;
  evaluation.metrics["energy_j"] += share * energy_j;
  evaluation.metrics["edp_js"] += share * energy_j * latency_s;
}

Evaluation RooflineEvaluator::evaluate(const Candidate& candidate) {
  const System device = system(candidate);
  Evaluation evaluation;
  if (device.channels.nmp > 0 && device.nmp.placement == NmpPlacement::in_die) {
    evaluation.reason = "the published roofline has no utilisation of in-die PEs: use the cycle tier";
    return evaluation;
  }
  evaluation.metrics["pe_area_mm2"] = pe_area(device).total();
  for (std::size_t job = 0; job < jobs_.size() && evaluation.reason.empty(); ++job) add_metrics(device, job, evaluation);
  for (const SpaceConstraint& constraint : space_.constraints) {
    if (!evaluation.reason.empty()) break;
    const double value = evaluation.metrics.at(constraint.metric);
    if (value > constraint.at_most)
      evaluation.reason = fmt::format("{} is {:.6g}, allowed: at most {}", constraint.metric, value, constraint.at_most);
  }
  evaluation.feasible = evaluation.reason.empty();
  return evaluation;
}

std::vector<std::string> RooflineEvaluator::dataflows(const Candidate& candidate) {
  std::vector<std::string> texts;
  const System device = system(candidate);
  for (std::size_t job = 0; job < jobs_.size(); ++job) texts.push_back(best(device, job).dataflow);
  return texts;
}

}  // namespace bondsim::search
