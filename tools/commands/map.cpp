#include <fmt/format.h>

#include <memory>
#include <optional>

#include "mapping/emit/mapper.hpp"
#include "mapping/explain/explain.hpp"
#include "models/schedule/schedule_json.hpp"
#include "models/system/validate/validator.hpp"
#include "tools/app/experiment/experiment.hpp"
#include "tools/app/output/output_file.hpp"
#include "tools/app/studies/plan_experiment.hpp"
#include "tools/commands/commands.hpp"
#include "tools/commands/run.hpp"

namespace bondsim::tools {
namespace {

struct MapOptions {
  ExperimentRequest request;
  std::string out;
  std::string dot;
  bool explain = false;
};

/// A model that does not fit is explained by what it would take of each channel.
Plan explained_plan(const Experiment& experiment, bool explains) {
  try {
    Plan plan = plan_experiment(experiment);
    if (explains) fmt::print("{}", explain(plan));
    return plan;
  } catch (const CapacityError& e) {
    if (explains) fmt::print("memory, all layers, KV for every token of the run\n{}", e.memory());
    throw;
  }
}

int map(const MapOptions& options) {
  const Experiment experiment = load_experiment(options.request);
  std::optional<OutputFile> out;
  std::optional<OutputFile> dot;
  if (!options.out.empty()) out.emplace(options.out);
  if (!options.dot.empty()) dot.emplace(options.dot);
  const Plan plan = explained_plan(experiment, options.explain);
  if (dot) {
    dot->stream() << to_dot(plan);
    dot->commit();
  }
  const auto schedule = validated(experiment.system, schedule_experiment(experiment));
  std::int64_t blocks = 0;
  std::int64_t tasks = 0;
  const auto drain = [&](ScheduleWriter* writer) {
    Block block;
    while (schedule->next(block)) {
      ++blocks;
      tasks += static_cast<std::int64_t>(block.tasks.size());
      if (writer != nullptr) writer->write(block);
    }
  };
  if (out) {
    ScheduleWriter writer(out->stream(), schedule->header());
    drain(&writer);
    writer.finish();
    out->commit();
  } else {
    drain(nullptr);
  }
  fmt::print("{} on {}, dataflow {}: {} steps, {} blocks, {} tasks, checked\n", plan.model.name, plan.system.name, plan.dataflow.name(),
             schedule->header().steps, blocks, tasks);
  if (!options.out.empty()) fmt::print("written to {}\n", options.out);
  return 0;
}

}  // namespace

void add_map(Command& app, Action& action) {
  auto* command = app.add_subcommand("map", "write the schedule of a run instead of running it, or explain it");
  auto options = std::make_shared<MapOptions>();
  add_experiment_options(*command, options->request);
  command->add_option("-o,--out", options->out, "schedule file to write: a header line, then one block a line (bondsim.schedule/2)");
  command->add_flag("--explain", options->explain, "say who holds and runs what, on which channels, with which tiles and why");
  command->add_option("--dot", options->dot, "write the operator graph with its groups for Graphviz");
  command->footer(
      "Example:\n  bondsim map configs/experiment/h2llm-llama3-8b-sharegpt.yaml --explain\n"
      "  bondsim map configs/experiment/h2llm-llama3-8b-sharegpt.yaml --dataflow configs/dataflow/data_centric.yaml --out llama.schedule");
  command->callback([options, &action] { action = [options] { return map(*options); }; });
}

}  // namespace bondsim::tools
