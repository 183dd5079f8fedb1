#include "tools/app/experiment/experiment.hpp"

#include <filesystem>
#include <map>

#include "mapping/serving/scheduler.hpp"
#include "models/base/digest.hpp"
#include "models/base/input_file.hpp"
#include "models/base/named_file.hpp"
#include "models/system/area.hpp"
#include "models/system/load.hpp"
#include "tools/app/experiment/configuration.hpp"
#include "tools/app/experiment/experiment_file.hpp"
#include "tools/app/experiment/override.hpp"
#include "tools/app/experiment/shipped.hpp"

namespace bondsim::tools {
namespace {

/// Sections of a run, or of requests that are served.
std::vector<std::string> sections_of(const ExperimentRequest& request) {
  return {"system", "model", request.serves ? "serving" : "workload", "dataflow"};
}

struct Inputs {
  std::map<std::string, ConfigNode> trees;  ///< by section
  std::vector<std::string> files;
};

std::string tag_of(const ConfigNode& node) {
  const ConfigNode* tag = node.find("schema");
  return tag == nullptr ? std::string() : tag->text;
}

/// Loads the file a key of the experiment names; the error points at the key.
ConfigNode load_section(const ConfigNode& experiment, const std::string& key, std::vector<std::string>& files) {
  files.push_back(named_file(*experiment.find(key), "experiment." + key));
  return load_yaml_file(files.back());
}

void apply_overrides(Inputs& inputs, const std::vector<std::string>& overrides, const std::vector<std::string>& sections) {
  for (const std::string& text : overrides) {
    const Override change = parse_override(text);
    const auto tree = inputs.trees.find(change.section);
    if (tree == inputs.trees.end()) {
      throw ConfigError(fmt::format("--set {}: '{}' is not a section, allowed: {}", text, change.section, fmt::join(sections, ", ")));
    }
    apply_override(tree->second, change.key, change.value);
  }
}

Inputs gather(const ExperimentRequest& request) {
  Inputs inputs;
  const std::string file = find_input(request.file, {"experiment", "system"});
  ConfigNode top = load_yaml_file(file);
  inputs.files.push_back(file);
  std::map<std::string, std::string> replaced = {{"model", request.model}, {"dataflow", request.dataflow}};
  const std::string what = request.serves ? "serving" : "workload";
  replaced[what] = request.serves ? request.serving : request.workload;
  const std::string schema = tag_of(top);
  if (schema == "bondsim.experiment/1") {
    const auto file = decode_document<ExperimentFile>(top, "experiment", "bondsim.experiment/1");
    inputs.trees["system"] = load_section(top, "system", inputs.files);
    const std::map<std::string, std::string> named = {
        {"model", file.model}, {what, request.serves ? file.serving : file.workload}, {"dataflow", file.dataflow}};
    for (const auto& entry : named) {
      if (entry.second.empty() && replaced[entry.first].empty()) {
        config_error(top, "experiment." + entry.first,
                     fmt::format("is missing; {}, or --{} FILE",
                                 request.serves ? "bondsim serve needs a serving file"
                                                : "a run needs a workload (bondsim serve takes experiments with `serving`)",
                                 entry.first));
      }
      if (replaced[entry.first].empty()) inputs.trees[entry.first] = load_section(top, entry.first, inputs.files);
    }
  } else if (schema == "bondsim.system/1") {
    inputs.trees["system"] = top;
  } else {
    throw ConfigError(fmt::format("{}: schema: '{}' found, allowed: bondsim.experiment/1, bondsim.system/1", top.where(), schema));
  }
  for (const auto& entry : replaced) {
    if (!entry.second.empty()) {
      const std::string named = find_input(entry.second, {entry.first});
      inputs.trees[entry.first] = load_yaml_file(named);
      inputs.files.push_back(named);
    } else if (inputs.trees.count(entry.first) == 0) {
      throw ConfigError(
          fmt::format("{}: is a system alone; --{} FILE is needed too (or name an experiment file)", request.file, entry.first));
    }
  }
  resolve_system(inputs.trees["system"], "system", inputs.files);
  apply_overrides(inputs, request.overrides, sections_of(request));
  return inputs;
}

/// A model may be a Hugging Face config.json, whose keys are not the schema's: then all that is known of a value is its file.
void list_model(std::vector<ConfigValue>& out, const ConfigNode& node, const std::string& section, const Model& model) {
  const std::size_t first = out.size();
  list_values(out, node, section, model);
  if (!tag_of(node).empty()) return;
  for (std::size_t i = first; i < out.size(); ++i) out[i].where = *node.file;
}

std::vector<ConfigValue> all_values(const Inputs& inputs, const Experiment& experiment) {
  std::vector<ConfigValue> out;
  list_values(out, inputs.trees.at("system"), "system", experiment.system);
  list_model(out, inputs.trees.at("model"), "model", experiment.model);
  if (experiment.serving) {
    list_values(out, inputs.trees.at("serving"), "serving", *experiment.serving);
  } else {
    list_values(out, inputs.trees.at("workload"), "workload", experiment.workload);
  }
  list_tree(out, inputs.trees.at("dataflow"), "dataflow");
  if (experiment.draft) {
    list_model(out, inputs.trees.at("draft_model"), "draft_model", experiment.draft->model);
    list_tree(out, inputs.trees.at("draft_dataflow"), "draft_dataflow");
  }
  return out;
}

/// The files that a workload's speculation names. @return their text
std::string load_draft(Inputs& inputs, Experiment& experiment) {
  const auto& speculation = experiment.workload.speculation;
  if (!speculation || speculation->model.empty()) return "";
  std::string text;
  for (const auto& [section, file] : {std::pair("draft_model", speculation->model), std::pair("draft_dataflow", speculation->dataflow)}) {
    inputs.trees[section] = load_yaml_file(file);
    inputs.files.push_back(file);
    text += canonical_text(inputs.trees[section], section);
  }
  experiment.draft = {decode_model(inputs.trees["draft_model"]), decode_dataflow(inputs.trees["draft_dataflow"])};
  return text;
}

/// Traces and lengths that the configuration names: what is in them belongs to the experiment. @return names of their bytes
std::string load_tables(Inputs& inputs, const Experiment& experiment) {
  std::vector<std::string> files;
  const auto add_routing = [&](const char* section, const Model& model) {
    if (!model.moe || !model.moe->trace) return;
    files.push_back((std::filesystem::path(directory_of(inputs.trees.at(section))) / model.moe->trace_file).lexically_normal().string());
  };
  add_routing("model", experiment.model);
  if (experiment.draft) add_routing("draft_model", experiment.draft->model);
  if (experiment.workload.speculation) files.push_back(experiment.workload.speculation->trace_file);
  if (experiment.serving) {
    const serving::RequestsConfig& requests = experiment.serving->requests;
    if (requests.source != serving::TraceFormat::made) files.push_back(requests.file);
    if (requests.source == serving::TraceFormat::made && requests.lengths == serving::LengthKind::file)
      files.push_back(requests.lengths_file);
  }
  std::string text;
  for (const std::string& file : files) {
    if (file.empty()) continue;
    inputs.files.push_back(file);
    text += file_digest(file) + "\n";
  }
  return text;
}

}  // namespace

void require_legal(const System& system, bool allow) {
  if (allow) return;
  if (const auto reason = illegal_device(system)) throw InfeasibleError(*reason + "; --allow-illegal runs it all the same");
}

Experiment load_experiment(const ExperimentRequest& request) {
  Inputs inputs = gather(request);
  Experiment experiment;
  experiment.system = decode_system(inputs.trees["system"], "system");
  require_legal(experiment.system, request.allow_illegal);
  experiment.model = decode_model(inputs.trees["model"]);
  if (request.serves) {
    experiment.serving = serving::decode_serving(inputs.trees["serving"]);
    experiment.workload = serving::serving_workload(*experiment.serving, LayerMode::one);
  } else {
    experiment.workload = decode_workload(inputs.trees["workload"]);
  }
  experiment.dataflow = decode_dataflow(inputs.trees["dataflow"]);
  std::string text;
  for (const std::string& section : sections_of(request)) text += canonical_text(inputs.trees[section], section);
  text += load_draft(inputs, experiment);
  text += load_tables(inputs, experiment);
  if (!request.tiling.empty()) {
    const ConfigNode node = load_yaml_file(request.tiling);
    experiment.tiling = TilingOverrides(node);
    text += canonical_text(node, "tiling");
    inputs.files.push_back(request.tiling);
  }
  experiment.digest = digest(text);
  experiment.values = all_values(inputs, experiment);
  experiment.files = inputs.files;
  return experiment;
}

System load_system(const std::string& file, const std::vector<std::string>& overrides) {
  Inputs inputs;
  ConfigNode top = load_yaml_file(find_input(file, {"system"}));
  if (tag_of(top) == "bondsim.experiment/1") {
    decode_document<ExperimentFile>(top, "experiment", "bondsim.experiment/1");
    top = load_section(top, "system", inputs.files);
  }
  inputs.trees["system"] = std::move(top);
  resolve_system(inputs.trees["system"], "system", inputs.files);
  apply_overrides(inputs, overrides, {"system", "model", "workload", "dataflow"});
  return decode_system(inputs.trees["system"], "system");
}

}  // namespace bondsim::tools
