#include "tools/app/reproduction/cell_judge.hpp"

#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/cost/published/fixed_dataflow.hpp"
#include "mapping/emit/single_operator.hpp"
#include "mapping/emit/step_sample.hpp"
#include "mapping/search/dataflow/exact_search.hpp"
#include "mapping/search/device/device_dataflow.hpp"
#include "sim/simulate.hpp"
#include "tools/app/processes/isolate.hpp"
#include "tools/app/processes/message.hpp"

namespace bondsim::tools {
namespace {

const char* const published_form = "h2llm-roofline";

/// The best dataflow for the decode alone, with its times: where the search knows nothing of the prefill.
cost::LayerLatency with_prefill(search::SearchProblem problem, const search::FoundDataflow& found) {
  problem.prefill_counts = true;
  return search::evaluate(search::OperatorTable(problem), found);
}

struct SimulatedTime {
  Picoseconds total;
};
template <class Visitor>
void members(Visitor& v, SimulatedTime& t) {
  v("total_ps", t.total);
}
const char* message_schema(const SimulatedTime&) { return "bondsim.simulated_time/1"; }

/// One operator alone on all NMP channels of a device.
double simulated_seconds(const System& system, const GemmShape& shape) {
  const std::string text = run_isolated([&] {
    SingleOperator op;
    op.executor = Executor::nmp;
    for (int c = 0; c < system.channel_count(); ++c) op.channels.push_back(c);
    op.shape = shape;
    const auto schedule = single_operator_schedule(system, op);
    return encode(SimulatedTime{simulate(system, *schedule).total});
  });
  return to_seconds(decode<SimulatedTime>(text).total);
}

}  // namespace

CellResult CellJudge::roofline(const Cell& cell, double utilization) const {
  const System& system = inputs_.system(cell);
  const std::string& dataflow = inputs_.device(cell).dataflow;
  const cost::Layer layer = search::layer_of(inputs_.models[cell.model], inputs_.workload(cell), reproduction_.longest_context,
                                             reproduction_.models[cell.model].file);
  CellResult result;
  cost::LayerLatency latency;
  cost::LayerDevice device = search::view_of(system, search::Bandwidths::peak);
  device.nmp.utilization = utilization;
  const auto form = cost::make_cost_model(published_form);
  const auto searched = searched_dataflow(dataflow);
  try {
    if (searched) {
      const auto rule = searched->data_centric ? search::BindingRule::data_centric : search::BindingRule::compute_centric;
      search::SearchProblem problem = search::make_problem(layer, device, rule, *form);
      problem.channel_capacity_bytes = static_cast<double>(system.dram.organization.channel_bytes());
      problem.prefill_counts = searched->prefill_counts;
      const search::OperatorTable table(problem);
      const auto found = search::search_exactly(table);
      latency = searched->prefill_counts ? found.latency : with_prefill(problem, found.dataflow);
      result.dataflow = search::to_text(table, found.dataflow);
    } else {
      latency = cost::fixed_dataflow_latency(*form, dataflow, layer, device);
      result.dataflow = dataflow;
    }
  } catch (const InfeasibleError& e) {
    result.problem = e.what();
  }
  result.prefill_s_per_layer = latency.prefill_s;
  result.decode_s_per_layer = latency.decode_s;
  return result;
}

CellPlan CellJudge::plan_of(const Cell& cell, const CellDataflow& chosen) const {
  CellPlan plan;
  plan.dataflow = chosen.text;
  plan.file = to_file(chosen.dataflow);
  const Inputs::Device& device = inputs_.device(cell);
  for (const StepSchedule& step : chosen.steps) {
    plan.steps.emplace_back(fmt::format("step {}", plan.steps.size()), step_key(step, device.system, device.energy));
  }
  return plan;
}

CellPlan CellJudge::plan(const Cell& cell) {
  CellPlan none;
  try {
    return plan_of(cell, dataflows_.choose(cell));
  } catch (const InfeasibleError& e) {
    none.problem = e.what();
  }
  return none;
}

CellPlan CellJudge::plan_with(const Cell& cell, const std::string& dataflow_file) const {
  CellPlan none;
  try {
    const Dataflow dataflow = decode_dataflow(parse_yaml(dataflow_file, "dataflow of the reproduction"));
    return plan_of(cell, {dataflow, dataflow.name, cell_steps(reproduction_, inputs_, cell, dataflow)});
  } catch (const InfeasibleError& e) {
    none.problem = e.what();
  }
  return none;
}

StepOutcome CellJudge::step(const Cell& cell, const std::string& dataflow_file, std::size_t step) {
  const bool known = mapped_ && !(mapped_->cell < cell) && !(cell < mapped_->cell) && mapped_->file == dataflow_file;
  if (!known) {
    const Dataflow dataflow = decode_dataflow(parse_yaml(dataflow_file, "dataflow of the reproduction"));
    mapped_ = Mapped{cell, dataflow_file, cell_steps(reproduction_, inputs_, cell, dataflow)};
  }
  return simulate_step(mapped_->steps.at(step), inputs_.system(cell), &inputs_.paper_energy);
}

double CellJudge::in_die_utilization(std::size_t system, std::int64_t batch) const {
  const System& device = inputs_.system({system, 0, 0, batch});
  System all_nmp = device;
  all_nmp.set_channels(device.nmp_channel_count(), 0);
  const auto form = cost::make_cost_model(published_form);
  const cost::LayerDevice view = search::view_of(all_nmp, search::Bandwidths::peak);
  double by_form = 0;
  double by_cycles = 0;
  for (const auto& op : cost::make_layer(cost::published_layer("llama"), {157, 67, batch}).operators) {
    if (op.attention) continue;
    by_form += form->nmp_seconds(op.decode, cost::published_element_bytes, view.nmp);
    by_cycles += simulated_seconds(all_nmp, op.decode);
  }
  return by_form / by_cycles;
}

CellResult cell_result(const Reproduction& reproduction, const Inputs& inputs, const Cell& cell, const CellPlan& plan,
                       const std::vector<StepOutcome>& steps) {
  CellResult result;
  result.dataflow = plan.dataflow;
  result.problem = plan.problem;
  if (steps.empty()) return result;
  const double layers = inputs.models[cell.model].layers;
  result.prefill_s_per_layer = 1e-12 * static_cast<double>(steps[0].time_ps) / layers;
  result.energy_j = steps[0].energy_j;
  const auto samples = sample_steps(inputs.workload(cell).generated_tokens, reproduction.decode_samples);
  double time = 0, transfer = 0, wait = 0;
  for (std::size_t i = 1; i < steps.size(); ++i) {
    const auto times = static_cast<double>(samples.at(i - 1).stands_for);
    result.decode_s_per_layer += times * 1e-12 * static_cast<double>(steps[i].time_ps) / layers;
    result.decode_energy_j += times * steps[i].energy_j;
    result.paper_decode_energy_j += times * steps[i].other_energy_j;
    time += times * static_cast<double>(steps[i].nmp_time_ps);
    transfer += times * static_cast<double>(steps[i].nmp_transfer_ps);
    wait += times * static_cast<double>(steps[i].nmp_wait_ps);
  }
  result.energy_j += result.decode_energy_j;
  result.decode_transfer_share = time > 0 ? transfer / time : 0;
  result.decode_wait_share = time > 0 ? wait / time : 0;
  return result;
}

}  // namespace bondsim::tools
