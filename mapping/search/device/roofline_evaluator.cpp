#include "mapping/search/device/roofline_evaluator.hpp"

#include <algorithm>
#include <cmath>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/search/dataflow/machine_form.hpp"
#include "mapping/speculation/acceptance.hpp"
#include "mapping/speculation/plans.hpp"
#include "mapping/speculation/token_tree.hpp"
#include "models/system/energy_counts.hpp"

namespace bondsim::search {
namespace {

const std::string detailed = "detailed";

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

/// Weights and caches of a whole model.
double memory_bytes(const Model& model, const Workload& workload, std::int64_t longest_context) {
  double bytes = bytes_outside_layers(model);
  for (const SearchOperator& op : graph_problem(model, workload, DecodeContext::mean, longest_context).operators)
    bytes += op.stationary_bytes;
  return bytes;
}

/// Rows of a step of the draft, mean over its steps.
std::int64_t draft_rows(const speculation::TokenTree& tree) {
  std::int64_t rows = 1;
  for (int level = 0; level + 1 < tree.depth(); ++level) rows += tree.drafts_at(level);
  return (rows + tree.depth() - 1) / tree.depth();
}

EnergyCounts times(EnergyCounts counts, int factor) {
  counts *= factor;
  return counts;
}

}  // namespace

RooflineEvaluator::RooflineEvaluator(const DesignSpace& space, const std::string& cost_model, Bandwidths bandwidths)
    : space_(space), cost_model_(cost_model), bandwidths_(bandwidths), inputs_(space), heat_(make_heat(space)) {
  require_known_metrics(space);
  const SpaceSetup first = inputs_.setup(space.candidate(0));
  cost::make_cost_model(cost_model, &first.system);  // a name that is not known is found here
  const auto& jobs = *first.jobs;
  const bool any_drafts = std::any_of(jobs.begin(), jobs.end(), [](const SpaceJob& job) { return job.workload.speculation.has_value(); });
  if (any_drafts && cost_model != detailed && bandwidths == Bandwidths::peak) {
    throw ConfigError(fmt::format("{}: space.workloads: drafts under the form {}, allowed: --form detailed", space.name, cost_model));
  }
}

const std::string& RooflineEvaluator::form_of(const SpaceJob& job) const { return job.drafts() ? detailed : cost_model_; }

const JobDataflows& RooflineEvaluator::best(const SpaceSetup& setup, std::size_t job) {
  const std::string key = setup.key + device_key(setup.system, form_of((*setup.jobs)[job]), bandwidths_);
  const auto [entry, is_new] = found_.emplace(std::make_pair(key, job), JobDataflows{});
  if (is_new) entry->second = search(setup, job);
  return entry->second;
}

DeviceQuestion RooflineEvaluator::question_of(const SpaceSetup& setup, std::size_t job) const {
  const SpaceJob& j = (*setup.jobs)[job];
  DeviceQuestion question;
  question.model = &j.model;
  question.workload = &j.workload;
  question.longest_context = space_.longest_context;
  question.system = &setup.system;
  question.cost_model = form_of(j);
  question.bandwidths = bandwidths_;
  question.rule = setup.rule;
  question.lm_head = space_.lm_head;
  if (question.cost_model == detailed || bandwidths_ == Bandwidths::sustained) question.reserved_bytes = bytes_outside_layers(j.model);
  return question;
}

JobDataflows RooflineEvaluator::search(const SpaceSetup& setup, std::size_t job) const {
  JobDataflows found;
  try {
    const DeviceQuestion question = question_of(setup, job);
    if ((*setup.jobs)[job].drafts()) {
      search_with_drafts(question, (*setup.jobs)[job], found);
    } else {
      found.model = find_dataflow(question);
    }
  } catch (const InfeasibleError& e) {
    found.reason = e.what();
  }
  return found;
}

void RooflineEvaluator::search_with_drafts(DeviceQuestion question, const SpaceJob& job, JobDataflows& found) const {
  const SpeculationConfig& config = *job.workload.speculation;
  const speculation::TokenTree tree(config);
  const double rounds = static_cast<double>(job.workload.generated_tokens) / speculation::expected_tokens(config);
  const MachineForm form(*question.system);
  question.form = &form;
  const Workload verified = speculation::target_workload(job.workload);
  DeviceQuestion of_draft = question;
  question.workload = &verified;
  question.decode_steps = rounds;
  if (job.draft) question.reserved_bytes += memory_bytes(*job.draft, verified, space_.longest_context);
  found.model = find_dataflow(question);
  if (config.draft == DraftKind::ngram) return;

  Workload drafted = verified;
  drafted.decode_rows = draft_rows(tree);
  of_draft.workload = &drafted;
  of_draft.decode_steps = rounds * tree.depth();
  if (job.draft) {
    of_draft.model = &*job.draft;
    of_draft.reserved_bytes = bytes_outside_layers(*job.draft) + memory_bytes(job.model, verified, space_.longest_context);
    found.draft = find_dataflow(of_draft);
    found.draft_has_dataflow = true;
  } else {
    drafted.prompt_cached = true;  // the layers' caches are the model's
    found.draft = judge_dataflow(of_draft, found.model);
  }
}

WorkloadMetrics RooflineEvaluator::measure(const SpaceSetup& setup, std::size_t job) {
  const JobDataflows& found = dataflows(setup, job);
  const System& device = setup.system;
  WorkloadMetrics metrics;
  EnergyCounts counts;
  const auto add = [&](const DeviceDataflow& part, int layers) {
    metrics.prefill_s += layers * part.latency.prefill_s + part.head.prefill_s;
    metrics.decode_s += layers * part.latency.decode_s + part.head.decode_s;
    counts += times(part.counts, layers);
    counts += part.head_counts;
  };
  const SpaceJob& j = (*setup.jobs)[job];
  add(found.model, j.model.layers);
  if (found.draft) add(*found.draft, j.draft ? j.draft->layers : j.workload.speculation->layers);
  const std::int64_t time_ps = std::llround((metrics.prefill_s + metrics.decode_s) * 1e12);
  counts.npu_time_ps = time_ps;
  counts.channel_time_ps = counts.rows_open_ps = time_ps * device.channel_count();
  counts.pe_time_ps = time_ps * device.nmp_channel_count() * device.dram.organization.banks();
  const EnergyModel model = energy_model(device);
  const EnergyByComponent energy = model.energy(counts);
  for (std::size_t i = 0; i < energy.size(); ++i) metrics.component_j[i] = to_joules(energy[i]);
  for (const Attojoules rail : model.by_rail(counts)) metrics.rail_j.push_back(to_joules(rail));
  metrics.energy_j = to_joules(sum(energy));
  metrics.pe_energy_j = logic_die_joules(energy);
  return metrics;
}

Evaluation RooflineEvaluator::evaluate(const Candidate& candidate) {
  const SpaceSetup setup = inputs_.setup(candidate);
  const auto judged = [&](std::size_t job) {
    if (cost_model_ != detailed && setup.system.nmp_channel_count() > 0 && setup.system.nmp.placement == NmpPlacement::in_die) {
      throw InfeasibleError("the published roofline has no utilisation of in-die PEs: use the cycle tier");
    }
    return measure(setup, job);
  };
  return judge_device(space_, setup.system, judged, heat_.get());
}

const JobDataflows& RooflineEvaluator::dataflows(const SpaceSetup& setup, std::size_t job) {
  const JobDataflows& found = best(setup, job);
  if (!found.reason.empty()) throw InfeasibleError(found.reason);
  return found;
}

}  // namespace bondsim::search
