#include "tools/app/dataflows/candidates.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include "mapping/emit/mapper.hpp"
#include "mapping/llm/graph.hpp"
#include "mapping/search/device/device_dataflow.hpp"
#include "tools/app/experiment/found_dataflow.hpp"
#include "tools/app/experiment/shipped.hpp"

namespace bondsim::tools {
namespace {

std::vector<std::string> shipped_files() {
  std::vector<std::string> files;
  for (const auto& file : std::filesystem::directory_iterator(shipped("configs/dataflow"))) {
    if (file.path().extension() == ".yaml") files.push_back(file.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

void add_found(const Experiment& e, const std::string& name, const search::DeviceQuestion& question, std::vector<RankedDataflow>& out) {
  RankedDataflow candidate;
  candidate.dataflow.name = name;
  try {
    candidate.dataflow = find_fitting_dataflow(question, e.tiling).dataflow;
    candidate.dataflow.name = name;
    candidate.dataflow.split = SplitPolicy::search;
    out.push_back(candidate);
    candidate.dataflow.groups.clear();
    candidate.dataflow.name = name + "_ungrouped";
  } catch (const InfeasibleError& error) {
    candidate.problem = error.what();
  }
  out.push_back(candidate);
}

void add_searched(const Experiment& e, std::vector<RankedDataflow>& out) {
  search::DeviceQuestion question;
  question.model = &e.model;
  question.workload = &e.workload;
  question.system = &e.system;
  question.bandwidths = search::Bandwidths::sustained;
  question.cost_model = "detailed";
  add_found(e, "found", question, out);
  question.rule = search::BindingRule::compute_centric;
  add_found(e, "found_whole", question, out);
  question.rule = search::BindingRule::data_centric;
  question.cost_model = "h2llm-roofline-corrected";
  add_found(e, "found_roofline", question, out);
}

// ---- Refinement -------------------------------------------------------------------------------------------------------------------------

/// One rule for every GEMM, so that each can change alone; a `balanced` share as its number.
Dataflow spelled_out(const Experiment& e, const Dataflow& dataflow) {
  const OperatorGraph layer = layer_graph(e.model), head = head_graph(e.model);
  const ResolvedDataflow resolved = resolve(dataflow, e.system, layer, head);
  Dataflow out = dataflow;
  out.operators.clear();
  std::set<std::string> named;
  for (const OperatorGraph* graph : {&layer, &head}) {
    for (const std::string& gemm : gemm_names(*graph)) {
      const Binding& b = resolved.binding(gemm);
      const std::size_t dot = gemm.find('.');
      OperatorRule rule;
      rule.names = {dot == std::string::npos ? gemm : gemm.substr(dot + 1)};  // experts are alike
      if (!named.insert(rule.names.front()).second) continue;
      rule.executor = b.executor;
      rule.nmp_channels.channels = b.nmp_channels;
      rule.nmp_channels.all = !b.nmp_channels.empty() && static_cast<int>(b.nmp_channels.size()) == e.system.nmp_channel_count();
      if (rule.nmp_channels.all) rule.nmp_channels.channels.clear();
      rule.normal_channels = !b.normal_channels.empty();
      if (b.executor == Executor::split) rule.nmp_share = b.nmp_share;
      out.operators.push_back(rule);
    }
  }
  return out;
}

class Refinement {
 public:
  Refinement(const Experiment& experiment, const RankedDataflow& from, std::int64_t samples, int& budget)
      : e_(experiment), samples_(samples), budget_(budget), best_(from) {
    best_.dataflow = spelled_out(e_, from.dataflow);
    best_.dataflow.name = from.dataflow.name + "_refined";
    best_.origin = DataflowOrigin::found;
  }

  RankedDataflow run() {
    for (bool better = true; better && budget_ > 0;) {
      better = false;
      for (std::size_t op = 0; op < best_.dataflow.operators.size(); ++op) better = change(op) || better;
      better = change_prefill() || better;
    }
    return best_;
  }

 private:
  bool change(std::size_t op) {
    bool better = false;
    if (best_.dataflow.groups.empty()) {
      for (const OperatorRule& rule : other_executors(best_.dataflow.operators[op])) better = try_rule(op, rule) || better;
    }
    for (const double step : {0.08, 0.02, 0.005}) better = move_share(op, step) || better;
    return better;
  }

  /// As far as it helps, in both directions.
  bool move_share(std::size_t op, double step) {
    bool better = false;
    for (const double direction : {step, -step}) {
      while (best_.dataflow.operators[op].nmp_share && budget_ > 0) {
        OperatorRule rule = best_.dataflow.operators[op];
        const double share = std::get<double>(*rule.nmp_share) + direction;  // all are numbers since spelled_out()
        rule.nmp_share = share;
        if (share <= 0 || share >= 1 || !try_rule(op, rule)) break;
        better = true;
      }
    }
    return better;
  }

  std::vector<OperatorRule> other_executors(const OperatorRule& now) const {
    std::vector<OperatorRule> rules;
    const bool nmp = e_.system.nmp_channel_count() > 0, normal = e_.system.channel_count() > e_.system.nmp_channel_count();
    const auto add = [&](Executor executor, bool on_nmp, bool on_normal, std::optional<double> share) {
      OperatorRule rule;
      rule.names = now.names;
      rule.executor = executor;
      rule.nmp_channels.all = on_nmp;
      rule.normal_channels = on_normal;
      if (share) rule.nmp_share = *share;
      rules.push_back(rule);
    };
    if (nmp && (now.executor != Executor::nmp || !now.nmp_channels.all)) add(Executor::nmp, true, false, {});
    if (nmp && normal && now.executor != Executor::split) add(Executor::split, true, true, 0.95);
    if (now.executor != Executor::npu) add(Executor::npu, nmp, normal, {});
    return rules;
  }

  /// Copies of NMP-bound weights on the normal channels: none, as many as even out what channels hold, and from the best on step by step;
  /// and who multiplies by the LM head.
  bool change_prefill() {
    bool better = false;
    const int normal = e_.system.channel_count() - e_.system.nmp_channel_count();
    const auto try_copies = [&](double copies) {
      Dataflow dataflow = best_.dataflow;
      dataflow.prefill_copies = copies;
      return copies >= 0 && copies <= 1 && copies != best_.dataflow.prefill_copies && try_dataflow(dataflow);
    };
    if (normal > 0) {
      for (const double copies : {static_cast<double>(normal) / e_.system.channel_count(), 0.0}) better = try_copies(copies) || better;
      for (const double step : {0.04, -0.04, 0.01, -0.01}) {
        while (budget_ > 0 && best_.dataflow.prefill_copies > 0 && try_copies(best_.dataflow.prefill_copies + step)) better = true;
      }
    }
    for (const PrefillHead head : {PrefillHead::npu, PrefillHead::as_decode}) {
      Dataflow dataflow = best_.dataflow;
      dataflow.prefill_head = head;
      better = (head != best_.dataflow.prefill_head && try_dataflow(dataflow)) || better;
    }
    return better;
  }

  bool try_rule(std::size_t op, const OperatorRule& rule) {
    Dataflow dataflow = best_.dataflow;
    dataflow.operators[op] = rule;
    return try_dataflow(dataflow);
  }

  bool try_dataflow(const Dataflow& dataflow) {
    if (budget_ <= 0) return false;
    --budget_;
    try {
      const RunTimes times = estimated_times(e_, dataflow, samples_);
      if (times.total_s() >= best_.estimate.total_s() * (1 - 2e-4)) return false;
      best_.dataflow = dataflow;
      best_.estimate = times;
      return true;
    } catch (const InfeasibleError&) {
      return false;
    }
  }

  const Experiment& e_;
  std::int64_t samples_;
  int& budget_;
  RankedDataflow best_;
};

}  // namespace

std::vector<RankedDataflow> dataflow_candidates(const Experiment& experiment, const std::vector<std::string>& files) {
  std::vector<RankedDataflow> out;
  std::set<std::string> names;
  const auto add = [&](const std::string& file, DataflowOrigin origin) {
    RankedDataflow candidate;
    candidate.dataflow = decode_dataflow(load_yaml_file(file));
    candidate.origin = origin;
    if (!names.insert(candidate.dataflow.name).second) candidate.dataflow.name = file;
    out.push_back(std::move(candidate));
  };
  for (const std::string& file : shipped_files()) add(file, DataflowOrigin::shipped);
  for (const std::string& file : files) add(find_input(file, {"dataflow"}), DataflowOrigin::given);
  if (!experiment.dataflow.name.empty() && names.count(experiment.dataflow.name) == 0) {
    RankedDataflow own;
    own.dataflow = experiment.dataflow;
    own.origin = DataflowOrigin::given;
    out.push_back(std::move(own));
  }
  add_searched(experiment, out);
  return out;
}

RankedDataflow refined_dataflow(const Experiment& experiment, const RankedDataflow& from, std::int64_t decode_samples, int& budget) {
  return Refinement(experiment, from, decode_samples, budget).run();
}

}  // namespace bondsim::tools
