#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "models/base/error.hpp"
#include "tools/app/experiment/shipped.hpp"
#include "tools/app/output/output_directory.hpp"
#include "tools/commands/commands.hpp"

namespace bondsim::tools {
namespace {

namespace fs = std::filesystem;

/// Source of a starter project: shipped files, with values that keep its run short.
struct Part {
  const char* kind;
  const char* from;  ///< below configs/
  const char* heading;
  std::vector<std::pair<const char*, const char*>> changes;
};

const std::vector<Part>& parts() {
  static const std::vector<Part> list = {
      {"experiment",
       "experiment/h2llm-llama3-8b-sharegpt.yaml",
       "The run: bondsim run experiment.yaml",
       {{"name", "starter"},
        {"system", "system.yaml"},
        {"model", "model.yaml"},
        {"workload", "workload.yaml"},
        {"dataflow", "dataflow.yaml"}}},
      {"system", "system/h2llm.yaml", "The machine: the H2-LLM device.", {{"dram", "dram.yaml"}, {"energy", "energy.yaml"}}},
      {"dram", "dram/lpddr5-6400-32gb.yaml", "The DRAM part of every channel.", {}},
      {"energy", "energy/lpddr5x-currents.yaml", "Energy of each counted action, with where the number comes from.", {}},
      {"model", "model/llama-3.2-1b.yaml", "The model; a Hugging Face config.json may stand in its place.", {}},
      {"workload",
       "workload/humaneval.yaml",
       "What is asked of the model: short, to begin with.",
       {{"name", "starter"}, {"prompt_tokens", "64"}, {"generated_tokens", "16"}}},
      {"dataflow",
       "dataflow/fc_offloading.yaml",
       "Where each operator's operand lies and who multiplies it; bondsim run --set dataflow... changes one value.",
       {}}};
  return list;
}

int init(const std::string& directory) {
  std::error_code ec;
  if (fs::exists(directory, ec) && !(fs::is_directory(directory, ec) && fs::is_empty(directory, ec))) {
    throw ConfigError(fmt::format("{}: exists and is not an empty directory, it is left alone", directory));
  }
  OutputDirectory out(directory, "init");
  for (const Part& part : parts()) {
    const std::string file = (fs::path(shipped_configs()) / part.from).string();
    ConfigNode node = load_yaml_file(file);
    for (const auto& [key, value] : part.changes) apply_override(node, key, value);
    const std::string heading = fmt::format("{} Values of configs/{}.", part.heading, part.from);
    out.write(std::string(part.kind) + ".yaml", commented_yaml(schema_of(part.kind), node, heading));
  }
  out.commit();
  fmt::print("written to {0}: experiment.yaml and the files it names\nnext: bondsim run {0}/experiment.yaml --out {0}/out\n", directory);
  return 0;
}

}  // namespace

void add_init(Command& app, Action& action) {
  auto* command = app.add_subcommand("init", "write a starter project: every key with its meaning, ready to run and to change");
  auto directory = std::make_shared<std::string>();
  command->add_option("DIR", *directory, "directory to make")->required();
  command->footer("Example:\n  bondsim init my-device && bondsim run my-device/experiment.yaml");
  command->callback([directory, &action] { action = [directory] { return init(*directory); }; });
}

}  // namespace bondsim::tools
