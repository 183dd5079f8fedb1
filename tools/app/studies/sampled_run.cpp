#include "tools/app/studies/sampled_run.hpp"

#include <algorithm>

#include "mapping/emit/mapper.hpp"
#include "mapping/search/device/device_metrics.hpp"
#include "mapping/speculation/acceptance.hpp"
#include "mapping/speculation/sample.hpp"
#include "mapping/speculation/speculative_schedule.hpp"
#include "sim/simulate.hpp"
#include "tools/app/processes/isolate.hpp"
#include "tools/app/processes/message.hpp"

namespace bondsim::tools {
namespace {

double joules(const Results& results, const std::string& phase) {
  Attojoules total{};
  for (const OperatorResult& op : results.operators) {
    if (op.phase == phase) total += search::sum(op.energy);
  }
  return to_joules(total);
}

SampledRun outcome(const Results& results) {
  SampledRun run;
  run.prefill_s = to_seconds(results.prefill);
  run.decode_s = to_seconds(results.decode());
  run.prefill_energy_j = joules(results, "prefill");
  run.decode_energy_j = joules(results, "decode");
  for (const OperatorResult& op : results.operators) {
    if (op.phase == "decode") run.pe_energy_j += search::logic_die_joules(op.energy);
  }
  for (const Attojoules component : results.energy) run.component_j.push_back(to_joules(component));
  for (const RailResult& rail : results.rails) run.rail_j.push_back(to_joules(rail.maximum));
  return run;
}

/// The prompts alone, in the places of the whole run.
Workload prompts_of(Workload workload) {
  workload.kv_capacity_tokens = std::max(workload.kv_capacity_tokens, workload.prompt_of(0) + workload.generated_tokens);
  workload.generated_tokens = 0;
  return workload;
}

}  // namespace

SampledRun run_sampled(const System& system, const Model& model, const Workload& workload, const Dataflow& dataflow,
                       const RunSample& sample) {
  return decode<SampledRun>(run_isolated([&] {
    const auto schedule = make_schedule(make_plan(system, model, workload, dataflow), {sample.decode_steps, sample.layers_alone});
    return encode(outcome(simulate(system, *schedule)));
  }));
}

SampledRun run_sampled_rounds(const System& system, const Model& model, const Workload& workload, const Dataflow& dataflow,
                              const std::optional<speculation::Draft>& draft) {
  const auto part = [&](const auto& schedule) {
    return decode<SampledRun>(run_isolated([&] { return encode(outcome(simulate(system, *schedule()))); }));
  };
  const auto plans = [&](const Workload& w) { return speculation::make_plans(system, model, w, dataflow, {}, draft); };
  SampledRun run = part([&] { return speculation::make_schedule(plans(prompts_of(workload))); });
  const double rounds = static_cast<double>(workload.generated_tokens) / speculation::expected_tokens(*workload.speculation);
  const std::int64_t context = workload.prompt_of(0) + (workload.generated_tokens + 1) / 2;
  for (const auto sampled : {speculation::SampledPart::draft, speculation::SampledPart::verification}) {
    const SampledRun step = part([&] { return speculation::sample_schedule(plans(workload), sampled, context); });
    run.decode_s += rounds * step.decode_s;
    run.decode_energy_j += rounds * step.decode_energy_j;
    run.pe_energy_j += rounds * step.pe_energy_j;
    for (std::size_t i = 0; i < run.component_j.size(); ++i) run.component_j[i] += rounds * step.component_j[i];
    for (std::size_t i = 0; i < run.rail_j.size(); ++i) run.rail_j[i] += rounds * step.rail_j[i];
  }
  return run;
}

}  // namespace bondsim::tools
