#include "mapping/search/hardware/pe_area.hpp"

#include <array>

namespace bondsim::search {
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

}  // namespace

double pe_area_mm2(const System& system) {
  const PeConfig& pe = system.nmp.pe;
  const double fpus = interpolated(fpu_mm2, pe.clock_mhz) * pe.fpus * pe.macs_per_fpu / 16;
  const double kib = pe.weight_buffer_kib + pe.output_buffer_kib + system.nmp.input_buffer_kib / system.dram.organization.banks();
  return fpus + kib / 1024 * sram_mm2_per_mib + interpolated(hb_share, system.nmp.hb.bandwidth_gbps) * pe_area_budget_mm2;
}

}  // namespace bondsim::search
