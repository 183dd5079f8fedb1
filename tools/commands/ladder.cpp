#include "tools/commands/ladder.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <vector>

#include "mapping/emit/mapper.hpp"
#include "sim/simulate.hpp"
#include "tools/app/processes/isolate.hpp"
#include "tools/app/progress.hpp"

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

struct Step {
  std::string name;
  double prefill_s = 0;
  double token_s = 0;
  double total_s = 0;
};

Step simulate_step(const Experiment& experiment, const System& system, const std::string& name) {
  const std::string text = run_isolated([&] {
    const auto schedule = make_schedule(make_plan(system, experiment.model, experiment.workload, experiment.dataflow, experiment.tiling));
    const Results r = simulate(system, *schedule);
    const double steps = static_cast<double>(std::max<std::size_t>(1, r.steps.size()));
    return nlohmann::json{to_seconds(r.prefill), to_seconds(r.decode()) / steps, to_seconds(r.total)}.dump();
  });
  const auto values = nlohmann::json::parse(text);
  return {name, values[0], values[1], values[2]};
}

}  // namespace

int run_ladder(const Experiment& experiment, const std::string& out) {
  System system = experiment.system;
  for (const Rung& rung : rungs) system.fidelity.*rung.effect = false;
  ProgressBar bar(static_cast<std::int64_t>(rungs.size()) + 1);
  std::vector<Step> steps = {simulate_step(experiment, system, "all off")};
  for (const Rung& rung : rungs) {
    bar.show(static_cast<std::int64_t>(steps.size()));
    system.fidelity.*rung.effect = true;
    steps.push_back(simulate_step(experiment, system, std::string("+ ") + rung.name));
  }
  bar.clear();
  std::string csv = "rung,prefill_s,token_s,total_s,change\n";
  fmt::print("fidelity ladder: {} on {}, dataflow {}\n", experiment.model.name, experiment.system.name, experiment.dataflow.name);
  fmt::print("  {:<18}{:>14}{:>16}{:>12}{:>10}\n", "", "prefill ms", "per token ms", "total s", "change");
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const double change = i == 0 ? 0.0 : steps[i].total_s / steps[i - 1].total_s - 1;
    fmt::print("  {:<18}{:>14.3f}{:>16.4f}{:>12.4f}{:>9.2f} %\n", steps[i].name, steps[i].prefill_s * 1e3, steps[i].token_s * 1e3,
               steps[i].total_s, change * 100);
    csv +=
        fmt::format("{},{:.12f},{:.12f},{:.12f},{:.6f}\n", steps[i].name, steps[i].prefill_s, steps[i].token_s, steps[i].total_s, change);
  }
  if (!out.empty()) {
    std::filesystem::create_directories(out);
    const std::string file = (std::filesystem::path(out) / "ladder.csv").string();
    std::ofstream stream(file);
    stream << csv;
    if (!stream.flush()) throw ConfigError(file + ": cannot be written");
    fmt::print("written to {}\n", file);
  }
  return 0;
}

}  // namespace bondsim::tools
