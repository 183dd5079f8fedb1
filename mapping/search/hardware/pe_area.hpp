#pragma once
#include "models/system/system.hpp"

namespace bondsim::search {

/// Area of the logic die below one bank that is left for a PE and its HB controller (H2-LLM, ISCA'25, doi 10.1145/3695053.3731008).
constexpr double pe_area_budget_mm2 = 6.76;

/// mm2 of one PE at 40 nm: FPUs of 16 MACs by clock, SRAM (weight and output buffer, and a PE's part of the channel's input buffer), and
/// the HB controller by bandwidth; published figures, linear in between, the nearest beyond.
double pe_area_mm2(const System& system);

}  // namespace bondsim::search
