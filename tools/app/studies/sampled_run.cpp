#include "tools/app/studies/sampled_run.hpp"

#include "mapping/emit/mapper.hpp"
#include "mapping/search/device/device_metrics.hpp"
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
  return run;
}

}  // namespace

SampledRun run_sampled(const System& system, const Model& model, const Workload& workload, const Dataflow& dataflow,
                       std::int64_t decode_samples) {
  return decode<SampledRun>(run_isolated([&] {
    const auto schedule = make_schedule(make_plan(system, model, workload, dataflow), {decode_samples, true});
    return encode(outcome(simulate(system, *schedule)));
  }));
}

}  // namespace bondsim::tools
