#include "models/thermal/stack.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

namespace bondsim {
namespace {

constexpr double hottest_leakage_c = 150;

template <class Named>
std::vector<std::string> names_of(const std::vector<Named>& list) {
  std::vector<std::string> names;
  names.reserve(list.size());
  for (const Named& item : list) names.push_back(item.name);
  return names;
}

template <class Named>
void check_unique(const ConfigNode& node, const std::string& path, const std::vector<Named>& list) {
  std::vector<std::string> names = names_of(list);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) config_error(node, path, "'" + *twice + "' is named twice, allowed: once");
}

void check_material(const ConfigNode& node, const std::string& path, const Stack& stack, const std::string& name) {
  const std::vector<std::string> names = names_of(stack.materials);
  if (std::find(names.begin(), names.end(), name) != names.end()) return;
  config_error(node, path, fmt::format("'{}' is no material, allowed: {}", name, fmt::join(names, ", ")));
}

void check_layers(const ConfigNode& node, const std::string& path, const Stack& stack) {
  check_unique(node, path, stack.layers);
  for (std::size_t i = 0; i < stack.layers.size(); ++i) {
    const StackLayer& layer = stack.layers[i];
    check_material(node.items[i], fmt::format("{}[{}].material", path, i), stack, layer.material);
    if (!layer.die_material.empty()) {
      check_material(node.items[i], fmt::format("{}[{}].die_material", path, i), stack, layer.die_material);
    }
  }
  for (const LayerHeat heat : {LayerHeat::logic, LayerHeat::dram}) {
    const auto is = [heat](const StackLayer& layer) { return layer.heat == heat; };
    const auto count = std::count_if(stack.layers.begin(), stack.layers.end(), is);
    if (count < 1 || (heat == LayerHeat::logic && count > 1)) {
      config_error(
          node, path,
          fmt::format("{} layers with heat: {}, allowed: {}", count, enum_name(heat), heat == LayerHeat::logic ? "one" : "at least one"));
    }
  }
}

void check_throttle(const ConfigNode& node, const std::string& path, const Stack& stack) {
  check_unique(node, path, stack.throttle);
  for (std::size_t i = 0; i < stack.throttle.size(); ++i) {
    const auto& steps = stack.throttle[i].steps;
    for (std::size_t s = 1; s < steps.size(); ++s) {
      if (steps[s].above_c > steps[s - 1].above_c) continue;
      config_error(node.items[i], fmt::format("{}[{}].steps[{}].above_c", path, i, s),
                   fmt::format("{} C after {} C, allowed: ascending", steps[s].above_c, steps[s - 1].above_c));
    }
  }
}

void check_shares(const ConfigNode& node, const std::string& path, const StackNpu& npu) {
  const double sum = npu.arrays_share + npu.scratchpad_share + npu.vector_share + npu.phy_share;
  if (std::abs(sum - 1) > 1e-6) config_error(node, path, fmt::format("shares sum to {:.6g}, allowed: 1", sum));
}

}  // namespace

double StackLeakage::factor(double temperature_c) const {
  if (doubles_every_c <= 0) return 1;
  return std::exp2((std::min(temperature_c, hottest_leakage_c) - reference_c) / doubles_every_c);
}

const StackMaterial& Stack::material(const std::string& wanted) const {
  for (const StackMaterial& m : materials) {
    if (m.name == wanted) return m;
  }
  throw InternalError("no material " + wanted);
}

const ThrottlePolicy& Stack::policy(const std::string& wanted) const {
  for (const ThrottlePolicy& p : throttle) {
    if (p.name == wanted) return p;
  }
  throw ConfigError(fmt::format("{}: no throttling policy '{}', allowed: {}", file, wanted, fmt::join(names_of(throttle), ", ")));
}

Stack decode_stack(const ConfigNode& node, const std::string& path) {
  auto stack = decode_document<Stack>(node, path, "bondsim.stack/1");
  check_unique(*node.find("materials"), path + ".materials", stack.materials);
  check_layers(*node.find("layers"), path + ".layers", stack);
  check_shares(*node.find("floorplan")->find("npu"), path + ".floorplan.npu", stack.floorplan.npu);
  if (const ConfigNode* policies = node.find("throttle")) check_throttle(*policies, path + ".throttle", stack);
  if (node.file) stack.file = *node.file;
  return stack;
}

Stack load_stack(const std::string& file) { return decode_stack(load_yaml_file(file), "stack"); }

}  // namespace bondsim
