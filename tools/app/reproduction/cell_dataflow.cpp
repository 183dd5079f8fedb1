#include "tools/app/reproduction/cell_dataflow.hpp"

#include <limits>
#include <optional>
#include <utility>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "tools/app/experiment/found_dataflow.hpp"
#include "tools/app/experiment/shipped.hpp"

namespace bondsim::tools {
namespace {

/// Seconds of steps by `detailed`. @param prefill count it too
double estimated_seconds(const std::vector<StepSchedule>& steps, const System& system, bool prefill) {
  const auto form = cost::make_cost_model("detailed", &system);
  double sum = 0;
  for (std::size_t i = prefill ? 0 : 1; i < steps.size(); ++i) {
    double now = 0;
    for (const Block& block : steps[i].blocks) {
      const double seconds = form->block_seconds(block, system, now);
      now += seconds;
      sum += seconds * static_cast<double>(block.layers * steps[i].stands_for);
    }
  }
  return sum;
}

}  // namespace

std::vector<StepSchedule> cell_steps(const Reproduction& reproduction, const Inputs& inputs, const Cell& cell, const Dataflow& dataflow) {
  return step_schedules(make_plan(inputs.system(cell), inputs.models[cell.model], inputs.workload(cell), dataflow),
                        reproduction.decode_samples);
}

const search::MachineForm& DataflowChooser::machine_form(const System& system) {
  std::string machine = search::device_key(system, "detailed", search::Bandwidths::sustained);
  if (!form_ || machine != machine_) form_ = std::make_unique<search::MachineForm>(system);
  machine_ = std::move(machine);
  return *form_;
}

CellDataflow DataflowChooser::searched(const Cell& cell, const SearchedDataflow& how) {
  const Workload workload = inputs_.workload(cell);
  search::DeviceQuestion question;
  question.model = &inputs_.models[cell.model];
  question.workload = &workload;
  question.system = &inputs_.system(cell);
  question.bandwidths = search::Bandwidths::sustained;
  question.rule = how.data_centric ? search::BindingRule::data_centric : search::BindingRule::compute_centric;
  question.prefill_counts = how.prefill_counts;
  std::optional<CellDataflow> best;
  double best_s = std::numeric_limits<double>::infinity();
  std::string reason;
  for (const char* form : {"detailed", "h2llm-roofline-corrected"}) {
    question.cost_model = form;
    question.form = question.cost_model == "detailed" ? &machine_form(*question.system) : nullptr;
    try {
      const search::DeviceDataflow found = find_fitting_dataflow(question);
      CellDataflow candidate{found.dataflow, found.text, cell_steps(r_, inputs_, cell, found.dataflow)};
      const double seconds = estimated_seconds(candidate.steps, *question.system, question.prefill_counts);
      if (seconds < best_s) best = std::move(candidate);
      best_s = std::min(best_s, seconds);
    } catch (const InfeasibleError& e) {
      if (reason.empty()) reason = e.what();
    }
  }
  if (!best) throw InfeasibleError(reason);
  return *best;
}

CellDataflow DataflowChooser::choose(const Cell& cell) {
  const std::string& name = inputs_.device(cell).dataflow;
  if (const auto how = searched_dataflow(name)) return searched(cell, *how);
  CellDataflow named;
  named.dataflow = decode_dataflow(load_yaml_file(shipped("configs/dataflow/" + name + ".yaml")));
  named.text = name;
  named.steps = cell_steps(r_, inputs_, cell, named.dataflow);
  return named;
}

}  // namespace bondsim::tools
