#include "models/system/load.hpp"

#include <algorithm>
#include <filesystem>

namespace bondsim {

void resolve_reference(ConfigNode& node, const std::string& path, const std::string& key, const std::string& schema,
                       std::vector<std::string>& files) {
  for (auto& entry : node.entries) {
    if (entry.first != key || entry.second.kind != ConfigNode::Kind::scalar) continue;
    const std::string key_path = path + "." + key;
    const auto file = (std::filesystem::path(directory_of(entry.second)) / entry.second.text).lexically_normal().string();
    if (!std::filesystem::exists(file)) {
      config_error(entry.second, key_path, "no such file '" + file + "' (paths are relative to the file that names them)");
    }
    ConfigNode content = load_yaml_file(file);
    const ConfigNode* tag = content.find("schema");
    if (tag == nullptr || tag->text != schema) {
      config_error(tag == nullptr ? content : *tag, key_path + ".schema",
                   (tag == nullptr ? std::string("missing") : "'" + tag->text + "' found") + ", allowed: " + schema);
    }
    content.entries.erase(std::find_if(content.entries.begin(), content.entries.end(), [](const auto& e) { return e.first == "schema"; }));
    files.push_back(file);
    entry.second = std::move(content);
  }
}

void resolve_system(ConfigNode& node, const std::string& path, std::vector<std::string>& files) {
  resolve_reference(node, path, "dram", "bondsim.dram/1", files);
  resolve_reference(node, path, "energy", "bondsim.energy/1", files);
}

System decode_system(const ConfigNode& node, const std::string& path) {
  auto system = decode_document<System>(node, path, "bondsim.system/1");
  if (system.channels.total() == 0) config_error(node, path + ".channels", "no channel at all, allowed: at least one");
  validate(system.energy, *node.find("energy"), path + ".energy");
  const DramOrganization& shape = system.dram.organization;
  if (shape.banks() > 64) {
    config_error(*node.find("dram"), path + ".dram.organization", fmt::format("{} banks in a channel, allowed: up to 64", shape.banks()));
  }
  try {
    const AddressMap map(system.controller.address_map, shape);
  } catch (const ConfigError& e) {
    const ConfigNode* controller = node.find("controller");
    const ConfigNode* layout = controller == nullptr ? nullptr : controller->find("address_map");
    throw ConfigError(fmt::format("{}: {}.{}", (layout != nullptr ? *layout : *node.find("dram")).where(), path, e.what()));
  }
  if (system.nmp.placement == NmpPlacement::in_die && system.nmp.pe.double_buffered_weights) {
    config_error(*node.find("nmp"), path + ".nmp.pe.double_buffered_weights",
                 "PEs in the DRAM die compute straight on column data, allowed with placement in_die: false");
  }
  const int page = system.dram.organization.page_bytes();
  if (page % system.nmp.hb.access_bytes != 0) {
    config_error(*node.find("nmp"), path + ".nmp.hb.access_bytes",
                 fmt::format("{} B does not divide a page of {} B", system.nmp.hb.access_bytes, page));
  }
  return system;
}

}  // namespace bondsim
