#include "models/system/area.hpp"

#include <array>

namespace bondsim {
namespace {

struct Point {
  double at;
  double value;
};

template <std::size_t Count>
double interpolated(const std::array<Point, Count>& points, double at) {
  if (at <= points.front().at) return points.front().value;
  for (std::size_t i = 1; i < Count; ++i) {
    const Point& a = points[i - 1];
    const Point& b = points[i];
    if (at <= b.at) return a.value + (b.value - a.value) * (at - a.at) / (b.at - a.at);
  }
  return points.back().value;
}

/// mm2 of a 16-MAC FP16 FPU at MHz; share of the budget an HB controller takes at GB/s (H2-LLM, ISCA'25).
constexpr std::array<Point, 4> fpu_mm2 = {{{400, 0.31}, {600, 0.44}, {800, 0.59}, {1000, 0.77}}};
constexpr std::array<Point, 4> hb_share = {{{6.4, 0.046}, {12.8, 0.107}, {25.6, 0.197}, {51.2, 0.402}}};
constexpr double sram_mm2_per_mib = 2.72;

/// Most FPUs of a PE (H2-LLM, ISCA'25): a row for each HB bandwidth in GB/s, a column for each clock in MHz.
constexpr std::array<double, 4> table_mhz = {400, 600, 800, 1000};
struct LimitRow {
  double gbps;
  std::array<int, 4> fpus;
};
constexpr std::array<LimitRow, 4> limits = {{{6.4, {8, 8, 8, 8}}, {12.8, {8, 8, 8, 4}}, {25.6, {8, 8, 4, 4}}, {51.2, {8, 4, 4, 2}}}};

double fpus_of_16(const PeConfig& pe) { return static_cast<double>(pe.fpus) * pe.macs_per_fpu / 16; }

bool on_logic_die(const NmpConfig& nmp) { return nmp.placement == NmpPlacement::hybrid_bonded; }

/// First channel of each group with PEs.
std::vector<int> pe_groups(const System& system) {
  std::vector<int> first;
  int channel = 0;
  for (const ChannelGroup& group : system.channels) {
    if (group.engine == ChannelEngine::bank_pes) first.push_back(channel);
    channel += group.count;
  }
  return first;
}

}  // namespace

PeArea pe_area(const NmpConfig& nmp, int banks) {
  const PeConfig& pe = nmp.pe;
  PeArea area;
  area.fpus = interpolated(fpu_mm2, pe.clock_mhz) * fpus_of_16(pe);
  const double kib = pe.weight_buffer_kib + pe.output_buffer_kib + nmp.input_buffer_kib / banks;
  area.sram = kib / 1024 * sram_mm2_per_mib;
  area.hb_controller = interpolated(hb_share, nmp.hb.bandwidth_gbps) * pe_area_budget_mm2;
  return area;
}

std::optional<int> most_fpus(double clock_mhz, double hb_bandwidth_gbps) {
  for (const LimitRow& row : limits) {
    if (hb_bandwidth_gbps > row.gbps) continue;
    for (std::size_t i = 0; i < table_mhz.size(); ++i) {
      if (clock_mhz <= table_mhz[i]) return row.fpus[i];
    }
  }
  return std::nullopt;
}

namespace {

std::optional<std::string> illegal_pe(const NmpConfig& nmp) {
  if (!on_logic_die(nmp)) return std::nullopt;
  const PeConfig& pe = nmp.pe;
  const double gbps = nmp.hb.bandwidth_gbps;
  const auto limit = most_fpus(pe.clock_mhz, gbps);
  if (!limit) {
    return fmt::format("a PE at {} MHz with {} GB/s of HB is beyond the published table (up to {} MHz and {} GB/s)", pe.clock_mhz, gbps,
                       table_mhz.back(), limits.back().gbps);
  }
  if (fpus_of_16(pe) <= *limit) return std::nullopt;
  return fmt::format("{} FPUs of {} MACs at {} MHz beside an HB port of {} GB/s: at most {} of 16 MACs fit below a bank (H2-LLM, ISCA'25)",
                     pe.fpus, pe.macs_per_fpu, pe.clock_mhz, gbps, *limit);
}

}  // namespace

std::optional<std::string> illegal_device(const System& system) {
  for (const int channel : pe_groups(system)) {
    if (auto reason = illegal_pe(system.nmp_of(channel))) return reason;
  }
  return std::nullopt;
}

std::string area_text(const System& system) {
  std::string text;
  for (const int channel : pe_groups(system)) {
    const NmpConfig& nmp = system.nmp_of(channel);
    if (!on_logic_die(nmp)) continue;
    const int pes = system.dram_of(channel).organization.banks() / nmp.pe.banks_per_pe;
    const PeArea area = pe_area(nmp, pes);
    text += fmt::format("PE area {:.2f} mm2 of {} (FPUs {:.2f}, SRAM {:.2f}, HB controller {:.2f}); {} PEs of a channel {:.1f} mm2\n",
                        area.total(), pe_area_budget_mm2, area.fpus, area.sram, area.hb_controller, pes, pes * area.total());
  }
  return text;
}

}  // namespace bondsim
