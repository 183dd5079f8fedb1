#include "tools/app/studies/sampled_run.hpp"

#include <algorithm>

#include "mapping/emit/mapper.hpp"
#include "mapping/search/device/device_metrics.hpp"
#include "models/system/energy_counts.hpp"
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

/// Of the time of all NMP channels in the decode steps.
struct DecodeShares {
  double transfer = 0;
  double wait = 0;
};

DecodeShares decode_shares(const Results& results) {
  TimeParts time;
  for (const ChannelResult& channel : results.channels) {
    if (channel.kind != "nmp") continue;
    time.add_scaled(channel.time, 1);
    time.add_scaled(channel.prefill, -1);
  }
  const auto of_all = [&](Picoseconds part) {
    return static_cast<double>(part.value) / static_cast<double>(std::max<std::int64_t>(1, time.sum().value));
  };
  return {of_all(time.host_transfer + time.mode_switch), of_all(time.dependency + time.idle)};
}

/// The decode's actions by other energies.
double priced_joules(const Results& results, const System& system, const EnergyTable& energies) {
  const EnergyModel model(energies, energy_context(system));
  Attojoules total{};
  for (const OperatorResult& op : results.operators) {
    if (op.phase == "decode") total += search::sum(model.energy(op.counts));
  }
  return to_joules(total);
}

SampledRun outcome(const Results& results, double other_j) {
  SampledRun run;
  run.prefill_s = to_seconds(results.prefill);
  run.decode_s = to_seconds(results.decode());
  run.prefill_energy_j = joules(results, "prefill");
  run.decode_energy_j = joules(results, "decode");
  for (const OperatorResult& op : results.operators) {
    if (op.phase == "decode") run.pe_energy_j += search::logic_die_joules(op.energy);
  }
  run.other_decode_energy_j = other_j;
  const DecodeShares shares = decode_shares(results);
  run.decode_transfer_share = shares.transfer;
  run.decode_wait_share = shares.wait;
  run.estimated_energy = to_joules(results.energy_estimated) / std::max(1e-30, to_joules(results.energy_total));
  return run;
}

}  // namespace

SampledRun run_sampled(const System& system, const Model& model, const Workload& workload, const Dataflow& dataflow,
                       std::int64_t decode_samples, const EnergyTable* other) {
  return decode<SampledRun>(run_isolated([&] {
    const auto schedule = make_schedule(make_plan(system, model, workload, dataflow), {decode_samples, true});
    const Results results = simulate(system, *schedule);
    return encode(outcome(results, other == nullptr ? 0.0 : priced_joules(results, system, *other)));
  }));
}

}  // namespace bondsim::tools
