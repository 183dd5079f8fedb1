#include "tools/app/reproduction/cell.hpp"

#include <algorithm>
#include <tuple>

#include "models/base/digest.hpp"
#include "models/system/load.hpp"

namespace bondsim::tools {
namespace {

bool concerns(const Variant& variant, const std::string& system) {
  return variant.systems.empty() || std::find(variant.systems.begin(), variant.systems.end(), system) != variant.systems.end();
}

void apply(ConfigNode& node, const std::string& name, const std::vector<std::string>& changes) {
  for (const std::string& change : changes) {
    const std::size_t equals = change.find('=');
    if (equals == std::string::npos) throw ConfigError(fmt::format("reproduction: {}: set: '{}', allowed: key=value", name, change));
    apply_override(node, change.substr(0, equals), change.substr(equals + 1));
  }
}

}  // namespace

bool Cell::operator<(const Cell& o) const {
  return std::tie(variant, system, model, dataset, batch) < std::tie(o.variant, o.system, o.model, o.dataset, o.batch);
}

Inputs::Inputs(const Reproduction& r) {
  std::string text = fmt::format("{} {}", r.longest_context, r.decode_samples);
  const auto load = [&](const std::string& file) {
    ConfigNode node = load_yaml_file(r.path(file));
    text += canonical_text(node, file);
    return node;
  };
  for (std::size_t v = 0; v < r.variants().size(); ++v) {
    const bool policy = v < r.policies();
    base_.push_back(policy ? 0 : r.changed_policy());
    devices_.emplace_back(r.systems.size());
    for (std::size_t s = 0; s < r.systems.size(); ++s) {
      if (v > 0 && !concerns(r.variants()[v], r.systems[s].name)) continue;
      std::vector<const Variant*> all = {&r.variants()[v]};
      if (!policy) all.insert(all.begin(), &r.variants()[base_[v]]);
      devices_[v][s] = make_device(r, s, all, text);
    }
  }
  for (const auto& m : r.models) models.push_back(decode_model(load(m.file)));
  for (const auto& d : r.datasets) workloads.push_back(decode_workload(load(d.file)));
  paper_energy = decode_document<EnergyTable>(load(r.paper_energy), "energy", "bondsim.energy/1");
  digest = bondsim::digest(text);
}

Inputs::Device Inputs::make_device(const Reproduction& r, std::size_t system, const std::vector<const Variant*>& variants,
                                   std::string& text) const {
  const ReproducedSystem& entry = r.systems[system];
  ConfigNode node = load_yaml_file(r.path(entry.system));
  std::vector<std::string> files;
  resolve_system(node, "system", files);
  apply(node, "systems: " + entry.name, entry.set);
  Device device;
  device.dataflow = entry.dataflow;
  for (const Variant* variant : variants) {
    if (!concerns(*variant, entry.name)) continue;
    apply(node, variant->name, variant->set);
    if (!variant->dataflow.empty()) device.dataflow = variant->dataflow;
  }
  device.system = decode_system(node, "system");
  for (const char* key : {"energy", "channel_groups"}) {
    if (const ConfigNode* part = node.find(key)) device.energy += canonical_text(*part, key);
  }
  device.text = canonical_text(node, "system");
  text += entry.name + device.text + device.dataflow;
  return device;
}

Cell Inputs::shared(Cell cell) const {
  while (!devices_[cell.variant][cell.system]) cell.variant = base_[cell.variant];
  return cell;
}

Workload Inputs::workload(const Cell& cell) const {
  Workload w = workloads[cell.dataset];
  w.batch = static_cast<int>(cell.batch);
  return w;
}

}  // namespace bondsim::tools
