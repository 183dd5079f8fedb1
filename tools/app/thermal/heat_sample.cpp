#include "tools/app/thermal/heat_sample.hpp"

#include "mapping/emit/mapper.hpp"
#include "sim/simulate.hpp"
#include "sim/trace/power_meter.hpp"
#include "tools/app/processes/isolate.hpp"
#include "tools/app/processes/message.hpp"
#include "tools/app/studies/plan_experiment.hpp"

namespace bondsim::tools {
namespace {

std::vector<double> joules(const std::vector<WideInt>& attojoules) {
  std::vector<double> out;
  out.reserve(attojoules.size());
  for (const WideInt energy : attojoules) out.push_back(to_joules(Attojoules(energy)));
  return out;
}

std::vector<double> over(std::vector<double> joules, double seconds) {
  for (double& j : joules) j = seconds > 0 ? j / seconds : 0;
  return joules;
}

HeatSample simulate_sample(const Experiment& experiment, std::int64_t decode_samples, EnergyColumn column) {
  const auto schedule = make_schedule(plan_experiment(experiment), {decode_samples, false});
  PowerTotals totals(experiment.system, column);
  TraceHub hub;
  hub.add(totals, {false, true, false});
  SimulateOptions options;
  options.traces = &hub;
  simulate(experiment.system, *schedule, options);
  const auto& prefill = totals.of(Phase::prefill);
  const auto& decode = totals.of(Phase::decode);
  return {to_seconds(prefill.time), to_seconds(decode.time), joules(prefill.cells), joules(decode.cells)};
}

}  // namespace

std::vector<double> HeatSample::mean_w() const {
  std::vector<double> sum = prefill_j;
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += decode_j[i];
  return over(std::move(sum), total_s());
}
std::vector<double> HeatSample::prefill_w() const { return over(prefill_j, prefill_s); }
std::vector<double> HeatSample::decode_w() const { return over(decode_j, decode_s); }

HeatSample sample_heat(const Experiment& experiment, std::int64_t decode_samples, EnergyColumn column) {
  if (experiment.workload.speculation) throw ConfigError("heat: a workload with drafts, allowed: without workload.speculation");
  return decode<HeatSample>(run_isolated([&] { return encode(simulate_sample(experiment, decode_samples, column)); }));
}

}  // namespace bondsim::tools
