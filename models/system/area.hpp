#pragma once
#include <optional>
#include <string>

#include "models/system/system.hpp"

namespace bondsim {

/// Area of the logic die below one bank that is left for a PE and its HB controller (H2-LLM, ISCA'25, doi 10.1145/3695053.3731008).
constexpr double pe_area_budget_mm2 = 6.76;

/// mm2 at 40 nm of one PE with its HB controller, by part; published figures, linear in between, the nearest beyond.
struct PeArea {
  double fpus = 0;           ///< FPUs of 16 FP16 MACs, by clock
  double sram = 0;           ///< weight and output buffer, and the PE's part of the channel's input buffer
  double hb_controller = 0;  ///< by bandwidth
  double total() const { return fpus + sram + hb_controller; }
};

/// @param banks of a channel, which share its input buffer
PeArea pe_area(const NmpConfig& nmp, int banks);

/// Most FPUs of 16 MACs that fit below a bank beside the HB controller, by the published look-up table (H2-LLM, ISCA'25). A clock or
/// bandwidth between the table's counts as the next higher one; nothing for those above the table.
std::optional<int> most_fpus(double clock_mhz, double hb_bandwidth_gbps);

/// Why a hybrid-bonded device cannot be built as that table goes; nothing when it can, has no NMP channels, or has its PEs in the DRAM die
/// (for which no limit is published).
std::optional<std::string> illegal_device(const System& system);

/// A line for each group of channels: the sum of a PE's areas against the budget, and of a channel's PEs; empty for a device without PEs on
/// a logic die.
std::string area_text(const System& system);

}  // namespace bondsim
