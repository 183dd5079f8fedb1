#include "tools/app/reproduction/cell_judge.hpp"

#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/cost/published/fixed_dataflow.hpp"
#include "mapping/emit/single_operator.hpp"
#include "mapping/search/dataflow/exact_search.hpp"
#include "mapping/search/device/device_dataflow.hpp"
#include "sim/simulate.hpp"
#include "tools/app/experiment/shipped.hpp"
#include "tools/app/processes/isolate.hpp"
#include "tools/app/processes/message.hpp"
#include "tools/app/studies/sampled_run.hpp"

namespace bondsim::tools {
namespace {

const char* const published_form = "h2llm-roofline";

search::BindingRule rule_of(const std::string& dataflow) {
  return dataflow == "data_centric" ? search::BindingRule::data_centric : search::BindingRule::compute_centric;
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

bool CellJudge::searched(const Cell& cell) const {
  const std::string& dataflow = reproduction_.systems[cell.system].dataflow;
  return dataflow == "data_centric" || dataflow == "compute_centric";
}

CellResult CellJudge::roofline(const Cell& cell, double utilization) const {
  const System& system = inputs_.systems[cell.system];
  const std::string& dataflow = reproduction_.systems[cell.system].dataflow;
  const cost::Layer layer = search::layer_of(inputs_.models[cell.model], inputs_.workload(cell), reproduction_.longest_context,
                                             reproduction_.models[cell.model].file);
  CellResult result;
  cost::LayerLatency latency;
  cost::LayerDevice device = search::view_of(system, search::Bandwidths::peak);
  device.nmp.utilization = utilization;
  const auto form = cost::make_cost_model(published_form);
  try {
    if (searched(cell)) {
      search::SearchProblem problem = search::make_problem(layer, device, rule_of(dataflow), *form);
      problem.channel_capacity_bytes = static_cast<double>(system.dram.organization.channel_bytes());
      const search::OperatorTable table(problem);
      const auto found = search::search_exactly(table);
      latency = found.latency;
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

CellResult CellJudge::cycle(const Cell& cell) const {
  const System& system = inputs_.systems[cell.system];
  const Model& model = inputs_.models[cell.model];
  const Workload workload = inputs_.workload(cell);
  const std::string& name = reproduction_.systems[cell.system].dataflow;
  CellResult result;
  result.dataflow = name;
  try {
    Dataflow dataflow;
    if (searched(cell)) {
      search::DeviceQuestion question;
      question.model = &model;
      question.workload = &workload;
      question.system = &system;
      question.cost_model = "h2llm-roofline-corrected";
      question.bandwidths = search::Bandwidths::sustained;
      question.rule = rule_of(name);
      question.reserved_bytes = search::bytes_outside_layers(model);
      const auto found = search::find_dataflow(question);
      result.dataflow = found.text;
      dataflow = found.dataflow;
    } else {
      dataflow = decode_dataflow(load_yaml_file(shipped("configs/dataflow/" + name + ".yaml")));
    }
    const SampledRun run = run_sampled(system, model, workload, dataflow, reproduction_.decode_samples, &inputs_.paper_energy);
    result.prefill_s_per_layer = run.prefill_s / model.layers;
    result.decode_s_per_layer = run.decode_s / model.layers;
    result.energy_j = run.prefill_energy_j + run.decode_energy_j;
    result.decode_energy_j = run.decode_energy_j;
    result.paper_decode_energy_j = run.other_decode_energy_j;
    result.decode_transfer_share = run.decode_transfer_share;
    result.decode_wait_share = run.decode_wait_share;
  } catch (const InfeasibleError& e) {
    result.problem = e.what();
  }
  return result;
}

double CellJudge::in_die_utilization(std::size_t system, std::int64_t batch) const {
  const System& device = inputs_.systems[system];
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

}  // namespace bondsim::tools
