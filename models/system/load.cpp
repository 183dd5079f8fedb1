#include "models/system/load.hpp"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "models/base/named_file.hpp"
#include "models/dram/spec/refresh_room.hpp"

namespace bondsim {

void resolve_reference(ConfigNode& node, const std::string& path, const std::string& key, const std::string& schema,
                       std::vector<std::string>& files) {
  for (auto& entry : node.entries) {
    if (entry.first != key || entry.second.kind != ConfigNode::Kind::scalar) continue;
    const std::string key_path = path + "." + key;
    const std::string file = named_file(entry.second, key_path);
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
  for (auto& [key, groups] : node.entries) {
    if (key != "channel_groups") continue;
    for (std::size_t i = 0; i < groups.items.size(); ++i) {
      const std::string group = fmt::format("{}.channel_groups[{}]", path, i);
      resolve_reference(groups.items[i], group, "dram", "bondsim.dram/1", files);
      resolve_reference(groups.items[i], group, "energy", "bondsim.energy/1", files);
    }
  }
}

namespace {

/// Sections of a system, or of a group of its channels, where they stand.
struct Sections {
  const ConfigNode& node;
  std::string path;
  /// A section's own node; the node around it where it is left out.
  const ConfigNode& at(const char* key) const {
    const ConfigNode* child = node.find(key);
    return child != nullptr ? *child : node;
  }
};

void check_dram(const Sections& at, const DramConfig& dram, const ControllerConfig& controller) {
  const DramOrganization& shape = dram.organization;
  if (shape.banks() > 64) {
    config_error(at.at("dram"), at.path + ".dram.organization", fmt::format("{} banks in a channel, allowed: up to 64", shape.banks()));
  }
  if (shape.burst_bytes > 0 &&
      (shape.columns % shape.burst_length != 0 || shape.burst_bytes * 8 > shape.device_width_bits * shape.burst_length)) {
    config_error(at.at("dram"), at.path + ".dram.organization.burst_bytes",
                 fmt::format("{} of {} beats of {} bit in a row of {} columns, allowed: no more than their bits, and rows of whole bursts",
                             shape.burst_bytes, shape.burst_length, shape.device_width_bits, shape.columns));
  }
  if (shape.all_ranks() > 1 && dram.timing.n_wckpst >= 0) {
    config_error(at.at("dram"), at.path + ".dram.timing.n_wckpst",
                 fmt::format("{} with {} ranks or pseudo channels, of which each would synchronise WCK, allowed: -1", dram.timing.n_wckpst,
                             shape.all_ranks()));
  }
  double last = -INFINITY;
  for (const RefreshRate& step : dram.refresh_rates) {
    if (step.up_to_c <= last) {
      config_error(at.at("dram"), at.path + ".dram.refresh_rates", fmt::format("{} C after {} C, allowed: ascending", step.up_to_c, last));
    }
    last = step.up_to_c;
  }
  if (!dram.refresh_rates.empty() && dram.temperature_c > last) {
    config_error(at.at("dram"), at.path + ".dram.temperature_c",
                 fmt::format("{} C, allowed: up to {} C, the last step of refresh_rates", dram.temperature_c, last));
  }
  if (controller.refresh_management && !dram.refresh_management) {
    config_error(at.at("dram"), at.path + ".controller.refresh_management",
                 "on, but the DRAM part has no counts, allowed: a part with refresh_management");
  }
  if (const RefreshFault fault = refresh_fault(dram, controller.refresh); fault.key != nullptr) {
    const ConfigNode* part = at.at("dram").find("timing");
    const ConfigNode* value = part == nullptr ? nullptr : part->find(fault.key + std::string("timing.").size());
    config_error(value != nullptr ? *value : at.at("dram"), at.path + ".dram." + fault.key, fault.what);
  }
  try {
    const AddressMap map(controller.address_map, shape);
  } catch (const ConfigError& e) {
    const ConfigNode* given = at.node.find("controller");
    const ConfigNode* layout = given == nullptr ? nullptr : given->find("address_map");
    throw ConfigError(fmt::format("{}: {}.{}", (layout != nullptr ? *layout : at.at("dram")).where(), at.path, e.what()));
  }
}

void check_nmp(const Sections& at, const NmpConfig& nmp, const DramConfig& dram) {
  if (nmp.placement == NmpPlacement::in_die && nmp.pe.double_buffered_weights) {
    config_error(at.at("nmp"), at.path + ".nmp.pe.double_buffered_weights",
                 "PEs in the DRAM die compute straight on column data, allowed with placement in_die: false");
  }
  if (nmp.placement != NmpPlacement::in_die && (nmp.pe.rows_per_read > 0 || nmp.pe.pipelined_access)) {
    config_error(at.at("nmp"), at.path + (nmp.pe.pipelined_access ? ".nmp.pe.pipelined_access" : ".nmp.pe.rows_per_read"),
                 "PEs on a logic die buffer their weights, allowed with placement hybrid_bonded: left out");
  }
  const int shared = nmp.pe.banks_per_pe;
  if (shared == 3 || dram.organization.banks() % shared != 0 || (shared > 1 && nmp.placement != NmpPlacement::in_die)) {
    config_error(
        at.at("nmp"), at.path + ".nmp.pe.banks_per_pe",
        fmt::format("{}, allowed: 1, and with placement in_die 2 or 4 where they divide the {} banks", shared, dram.organization.banks()));
  }
  if (nmp.pe.issue_interval_ns > 0 && nmp.placement != NmpPlacement::in_die) {
    config_error(at.at("nmp"), at.path + ".nmp.pe.issue_interval_ns", "ports of a logic die have hb.bandwidth_gbps, allowed: 0");
  }
  for (std::size_t i = 0; i < nmp.formats.size(); ++i) {
    const MultiplyConfig& m = nmp.formats[i];
    const std::string key = fmt::format("{}.nmp.formats[{}]", at.path, i);
    const double wide = nmp.pe.macs_per_fpu * m.rate;
    if (wide < 1 || std::abs(wide - std::round(wide)) > 1e-9) {
      config_error(at.at("nmp"), key + ".rate",
                   fmt::format("{} of {} MACs of an FPU, allowed: what makes a whole number of them", m.rate, nmp.pe.macs_per_fpu));
    }
    if (m.conversion == Conversion::vector_units) {
      config_error(at.at("nmp"), key + ".conversion", "vector_units are the NPU's, allowed: native, stage");
    }
  }
  const int page = dram.organization.page_bytes();
  if (page % nmp.hb.access_bytes != 0) {
    config_error(at.at("nmp"), at.path + ".nmp.hb.access_bytes",
                 fmt::format("{} B does not divide a page of {} B", nmp.hb.access_bytes, page));
  }
}

/// Channels may differ in timing, capacity and PEs; tensors are laid over banks, pages and bursts of one size.
void check_same_shape(const Sections& at, const DramOrganization& mine, const DramOrganization& shared) {
  if (mine.banks() == shared.banks() && mine.page_bytes() == shared.page_bytes() && mine.access_bytes() == shared.access_bytes()) return;
  config_error(
      at.at("dram"), at.path + ".dram.organization",
      fmt::format("{} banks, pages of {} B and bursts of {} B beside groups with {}, {} B and {} B, allowed: the same in all groups",
                  mine.banks(), mine.page_bytes(), mine.access_bytes(), shared.banks(), shared.page_bytes(), shared.access_bytes()));
}

/// In NMP mode commands reach the banks of all ranks and pseudo channels at once.
void check_ranks_with_pes(const Sections& at, const System& system, int channel) {
  const DramOrganization& shape = system.dram_of(channel).organization;
  if (shape.all_ranks() == 1) return;
  const ControllerConfig& controller = system.controller_of(channel);
  const std::string having = fmt::format("with PEs behind {} pseudo channels of {} ranks", shape.pseudo_channels, shape.ranks);
  if (system.nmp_of(channel).activate_policy != ActivatePolicy::all_bank) {
    config_error(at.at("nmp"), at.path + ".nmp.activate_policy", fmt::format("staggered {}, allowed: all_bank", having));
  }
  if (controller.refresh == RefreshKind::per_bank) {
    config_error(at.at("controller"), at.path + ".controller.refresh", fmt::format("per_bank {}, allowed: all_bank, none", having));
  }
  // Some are behind by what is put off, others ahead by what is pulled in, and REFab reaches all: 8 intervals are theirs together, one of
  // them the ranks' turns.
  if (const int intervals = controller.refresh_postpone + controller.refresh_pull_in; intervals > 7) {
    config_error(at.at("controller"), at.path + ".controller.refresh_postpone",
                 fmt::format("{} intervals with refresh_pull_in, {}, allowed: up to 7", intervals, having));
  }
  if (controller.refresh_management && shape.pseudo_channels > 1) {
    config_error(at.at("controller"), at.path + ".controller.refresh_management", fmt::format("on {}, allowed: off", having));
  }
}

void check_groups(const System& system, const ConfigNode& node, const std::string& path) {
  const ConfigNode* list = node.find("channel_groups");
  int first = 0;
  for (std::size_t i = 0; i < system.channels.size(); ++i) {
    const ChannelGroup& group = system.channels[i];
    const Sections at{list != nullptr ? list->items[i] : node, list != nullptr ? fmt::format("{}.channel_groups[{}]", path, i) : path};
    const auto plain = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; };
    if (group.name.empty() || group.name == "npu" || !std::all_of(group.name.begin(), group.name.end(), plain)) {
      config_error(at.at("name"), at.path + ".name", "'" + group.name + "', allowed: letters, digits, _ and -, but not npu");
    }
    for (std::size_t before = 0; before < i; ++before) {
      if (system.channels[before].name == group.name) {
        config_error(at.at("name"), at.path + ".name", "'" + group.name + "' is named twice, allowed: once");
      }
    }
    if (group.dram || group.controller) check_dram(at, system.dram_of(first), system.controller_of(first));
    if (group.dram) check_same_shape(at, group.dram->organization, system.dram.organization);
    if (group.nmp && group.engine == ChannelEngine::none) {
      config_error(at.at("nmp"), at.path + ".nmp", "given for channels without PEs, allowed with engine: bank_pes");
    }
    if (group.energy) validate(*group.energy, at.at("energy"), at.path + ".energy");
    if (group.engine == ChannelEngine::bank_pes) check_ranks_with_pes(at, system, first);
    if (group.nmp || group.dram) check_nmp(at, system.nmp_of(first), system.dram_of(first));
    first += group.count;
  }
}

}  // namespace

System decode_system(const ConfigNode& node, const std::string& path) {
  auto system = decode_document<System>(node, path, "bondsim.system/1");
  const ConfigNode* counts = node.find("channels");
  if ((counts != nullptr) == (node.find("channel_groups") != nullptr)) {
    config_error(node, path + ".channels",
                 "memory channels are given either by kind or by group, allowed: one of channels, channel_groups");
  }
  if (counts != nullptr) system.set_channels(system.counts.nmp, system.counts.normal);
  if (system.channels.empty()) config_error(node, path + ".channels", "no channel at all, allowed: at least one");
  validate(system.energy, *node.find("energy"), path + ".energy");
  const Sections at{node, path};
  check_dram(at, system.dram, system.controller);
  check_nmp(at, system.nmp, system.dram);
  check_groups(system, node, path);
  return system;
}

}  // namespace bondsim
