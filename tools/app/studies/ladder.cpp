#include "tools/app/studies/ladder.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "sim/simulate.hpp"
#include "tools/app/processes/isolate.hpp"
#include "tools/app/processes/message.hpp"
#include "tools/app/studies/plan_experiment.hpp"

namespace bondsim::tools {
namespace {

struct Rung {
  const char* name;
  bool FidelityConfig::*effect;
};

/// In the order they are turned on. All but the last can only cost time; overlap can only save it.
const std::vector<Rung> rungs = {{"vector_ops", &FidelityConfig::vector_ops},   {"finite_buffers", &FidelityConfig::finite_buffers},
                                 {"mode_switch", &FidelityConfig::mode_switch}, {"bus_contention", &FidelityConfig::bus_contention},
                                 {"row_timing", &FidelityConfig::row_timing},   {"refresh", &FidelityConfig::refresh},
                                 {"overlap", &FidelityConfig::overlap}};

LadderStep simulate_step(Experiment experiment, const System& system, const std::string& name) {
  experiment.system = system;
  return decode<LadderStep>(run_isolated([&] {
    const auto schedule = schedule_experiment(experiment);
    const Results r = simulate(system, *schedule);
    const double steps = static_cast<double>(std::max<std::size_t>(1, r.steps.size()));
    return encode(LadderStep{name, to_seconds(r.prefill), to_seconds(r.decode()) / steps, to_seconds(r.total)});
  }));
}

}  // namespace

std::vector<LadderStep> fidelity_ladder(const Experiment& experiment, const std::function<void(std::size_t, std::size_t)>& progress) {
  System system = experiment.system;
  for (const Rung& rung : rungs) system.fidelity.*rung.effect = false;
  progress(0, rungs.size() + 1);
  std::vector<LadderStep> steps = {simulate_step(experiment, system, "all off")};
  for (const Rung& rung : rungs) {
    progress(steps.size(), rungs.size() + 1);
    system.fidelity.*rung.effect = true;
    steps.push_back(simulate_step(experiment, system, std::string("+ ") + rung.name));
  }
  return steps;
}

double change_at(const std::vector<LadderStep>& steps, std::size_t step) {
  return step == 0 ? 0.0 : steps[step].total_s / steps[step - 1].total_s - 1;
}

std::string ladder_csv(const std::vector<LadderStep>& steps) {
  std::string csv = "rung,prefill_s,token_s,total_s,change\n";
  for (std::size_t i = 0; i < steps.size(); ++i) {
    csv += fmt::format("{},{:.12f},{:.12f},{:.12f},{:.6f}\n", steps[i].name, steps[i].prefill_s, steps[i].token_s, steps[i].total_s,
                       change_at(steps, i));
  }
  return csv;
}

}  // namespace bondsim::tools
