#include "tools/app/thermal/heat_study.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/base/digest.hpp"
#include "models/base/named_file.hpp"
#include "models/thermal/export.hpp"
#include "tools/app/experiment/configuration.hpp"
#include "tools/app/experiment/experiment_file.hpp"
#include "tools/app/experiment/override.hpp"
#include "tools/app/experiment/shipped.hpp"

namespace bondsim::tools {

ConfigNode stack_tree(const std::string& name, std::vector<std::string>& overrides) {
  ConfigNode node = load_yaml_file(find_input(name, {"stack"}));
  const auto of_others =
      std::stable_partition(overrides.begin(), overrides.end(), [](const std::string& o) { return o.rfind("stack.", 0) != 0; });
  for (auto at = of_others; at != overrides.end(); ++at) {
    const Override change = parse_override(*at);
    apply_override(node, change.key, change.value);
  }
  overrides.erase(of_others, overrides.end());
  return node;
}

Stack find_stack(const std::string& name, std::vector<std::string>& overrides) {
  return decode_stack(stack_tree(name, overrides), "stack");
}

void note_stack(Experiment& experiment, const ConfigNode& tree) {
  experiment.digest = digest(experiment.digest + "\n" + canonical_text(tree, "stack"));
  list_tree(experiment.values, tree, "stack");
  experiment.files.push_back(*tree.file);
}

HeatRequest heat_request(const std::string& experiment) {
  const std::string file = find_input(experiment, {"experiment", "system"});
  const ConfigNode node = load_yaml_file(file);
  const ConfigNode* schema = node.find("schema");
  HeatRequest request;
  if (schema == nullptr || schema->text != "bondsim.experiment/1") return request;
  const auto named = decode_document<ExperimentFile>(node, "experiment", "bondsim.experiment/1").heat;
  if (!named) return request;
  request.stack = named_file(*node.find("heat")->find("stack"), "experiment.heat.stack");
  request.ambients_c = named->ambients_c;
  request.policies = named->policies;
  request.duration_s = named->duration_s;
  request.step_s = named->step_s;
  return request;
}

HeatStudy study_heat(const Experiment& experiment, const Stack& stack, const HeatRequest& request,
                     const std::function<void(const std::string&)>& said) {
  HeatStudy study;
  std::vector<double> ambients = request.ambients_c;
  if (ambients.empty()) ambients.push_back(stack.cooling.ambient_c);
  std::vector<const ThrottlePolicy*> policies{nullptr};
  for (const std::string& name : request.policies) policies.push_back(&stack.policy(name));
  const double step_s = request.step_s > 0 ? request.step_s : request.duration_s / 600;
  if (request.duration_s > 0 && step_s > request.duration_s) {
    throw ConfigError(fmt::format("--step: {:g} s found, allowed: up to the duration, {:g} s", step_s, request.duration_s));
  }
  constexpr double most_steps = 1e6;
  if (request.duration_s > step_s * most_steps) {
    throw ConfigError(fmt::format("--step: {:g} s found, {:g} steps of the {:g} s, allowed: up to {:g} steps, {:g} s or more", step_s,
                                  request.duration_s / step_s, request.duration_s, most_steps, request.duration_s / most_steps));
  }
  for (const ThrottlePolicy* policy : policies) {
    HeatModel model(experiment, stack, request.options, policy);
    for (const double ambient : ambients) {
      if (said) said(fmt::format("{} at {:g} C", policy == nullptr ? "unthrottled" : policy->name, ambient));
      study.points.push_back(steady_point(model, ambient));
      if (policy == nullptr && request.run_step_s > 0) study.runs.push_back(heat_of_run(model, study.points.back(), request.run_step_s));
      if (request.duration_s > 0) study.courses.push_back(heat_course(model, ambient, request.duration_s, step_s));
    }
    study.simulations += model.simulations();
  }
  study.simulations += static_cast<int>(study.runs.size());
  return study;
}

void export_heat(const Experiment& experiment, const Stack& stack, const HeatStudy& study, const std::string& solver,
                 const OutputDirectory& out) {
  const Floorplan floorplan(experiment.system, stack);
  const HeatPoint& point = study.points.front();
  const auto files = solver == "hotspot" ? hotspot_files : three_d_ice_files;
  for (const auto& [name, text] : files(stack, floorplan, point.block_w, point.ambient_c)) out.write(solver + "/" + name, text);
}

}  // namespace bondsim::tools
