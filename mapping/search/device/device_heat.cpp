#include "mapping/search/device/device_heat.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include "models/base/error.hpp"
#include "models/system/energy_counts.hpp"
#include "models/thermal/floorplan.hpp"

namespace bondsim::search {

namespace {

/// Powers that have a place of their own: the components, static power of the PEs apart from the NPU's, and the NPU's side of the buses.
enum Source { pe_static = energy_components, phy, sources };

/// How a source is divided among the cells that take it.
std::optional<std::size_t> source_of(const PowerCell& cell) {
  if (cell.unit == "phy") return phy;
  if (cell.component == EnergyComponent::static_power && cell.executor != 0) return pe_static;
  return static_cast<std::size_t>(cell.component);
}

/// Rows and arrays of normal channels take little beside those that PEs read.
bool takes(const System& device, const PowerCell& cell) {
  const bool rows = cell.component == EnergyComponent::dram_activate || cell.component == EnergyComponent::dram_array;
  return !rows || device.nmp_channel_count() == 0 || device.has_pes(static_cast<int>(cell.executor) - 1);
}

/// Part of offchip_io that the NPU's side of the bus takes.
double phy_share(const System& device) {
  const EnergyModel model = energy_model(device);
  const double all = (model.pj_per(&EnergyCounts::host_read_bits, EnergyComponent::offchip_io) +
                      model.pj_per(&EnergyCounts::host_write_bits, EnergyComponent::offchip_io)) /
                     2;
  return all > 0 ? std::min(1.0, device.energy.offchip_io.value / all) : 0;
}

}  // namespace

/// Rises of the blocks by W of each source.
struct DeviceHeat::Responses {
  std::array<std::vector<double>, sources> rise;  ///< K/W by block
  std::vector<std::size_t> npu, pes;              ///< blocks that leak
};

DeviceHeat::DeviceHeat(const DesignSpace& space)
    : stack_(load_stack((std::filesystem::path(space.directory) / space.stack).lexically_normal().string())), ambient_c_(space.ambient_c) {}
DeviceHeat::~DeviceHeat() = default;

const DeviceHeat::Responses& DeviceHeat::responses(const System& device) {
  std::string key;
  for (int channel = 0; channel < device.channel_count(); ++channel) {
    const NmpConfig& nmp = device.nmp_of(channel);
    key += fmt::format("{} {} {} {};", device.dram_of(channel).organization.banks(), device.pes_of(channel),
                       nmp.placement == NmpPlacement::in_die, nmp.pe.banks_per_pe);
  }
  auto& known = known_[key];
  if (known) return *known;
  const Floorplan floorplan(device, stack_);
  const ThermalSolver solver(floorplan.grid());
  auto made = std::make_unique<Responses>();
  for (std::size_t source = 0; source < sources; ++source) {
    std::vector<double> watts(floorplan.cells().size());
    double cells = 0;
    for (std::size_t i = 0; i < watts.size(); ++i) {
      if (source_of(floorplan.cells()[i]) != source || !takes(device, floorplan.cells()[i])) continue;
      watts[i] = 1;
      ++cells;
    }
    for (double& w : watts) w /= std::max(cells, 1.0);
    made->rise[source] = floorplan.mean_over_blocks(solver.steady(floorplan.by_node(floorplan.by_block(watts))));
  }
  for (std::size_t block = 0; block < floorplan.blocks().size(); ++block) {
    const HeatBlock& b = floorplan.blocks()[block];
    if (b.executor == 0) made->npu.push_back(block);
    if (b.executor != 0 && b.unit.rfind("pe", 0) == 0) made->pes.push_back(block);
  }
  known = std::move(made);
  return *known;
}

namespace {

double mean_over(const std::vector<std::size_t>& blocks, const std::vector<double>& c) {
  double sum = 0;
  for (const std::size_t block : blocks) sum += c[block];
  return blocks.empty() ? 0 : sum / static_cast<double>(blocks.size());
}

}  // namespace

double DeviceHeat::junction_c(const System& device, const PowerByComponent& power_w) {
  const Responses& r = responses(device);
  std::array<double, sources> watts{};
  std::copy(power_w.begin(), power_w.end(), watts.begin());
  constexpr auto statics = static_cast<std::size_t>(EnergyComponent::static_power),
                 io = static_cast<std::size_t>(EnergyComponent::offchip_io);
  const double npu_static = std::min(watts[statics], device.energy.npu_static.value * 1e-3);
  watts[pe_static] = watts[statics] - npu_static;
  watts[phy] = watts[io] * phy_share(device);
  watts[io] -= watts[phy];
  const double pes_static = watts[pe_static];
  double npu_factor = 1, pe_factor = 1, hottest = 0;
  for (int i = 0; i < 100; ++i) {
    watts[statics] = npu_static * npu_factor;
    watts[pe_static] = pes_static * pe_factor;
    std::vector<double> c(r.rise[0].size(), ambient_c_);
    for (std::size_t source = 0; source < sources; ++source) {
      for (std::size_t block = 0; block < c.size(); ++block) c[block] += watts[source] * r.rise[source][block];
    }
    const double before = hottest;
    hottest = *std::max_element(c.begin(), c.end());
    if (hottest > runaway_c) return runaway_c;
    if (std::abs(hottest - before) < 1e-3) return hottest;
    npu_factor = stack_.leakage.factor(mean_over(r.npu, c));
    if (!r.pes.empty()) pe_factor = stack_.leakage.factor(mean_over(r.pes, c));
  }
  return runaway_c;
}

double mean_rail_a(const System& device, const std::vector<double>& rail_j, double seconds) {
  if (!device.energy.currents || seconds <= 0) return 0;
  const int channels = device.nmp_channel_count() > 0 ? device.nmp_channel_count() : device.channel_count();
  double highest = 0;
  for (std::size_t i = 0; i < rail_j.size() && i < device.energy.currents->rails.size(); ++i) {
    highest = std::max(highest, rail_j[i] / seconds / channels / device.energy.currents->rails[i].voltage_v);
  }
  return highest;
}

}  // namespace bondsim::search
