#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "models/base/fields.hpp"
#include "models/base/quantity.hpp"

namespace bondsim {

/// Where energy goes, as reported.
enum class EnergyComponent {
  dram_activate,
  dram_array,
  dram_refresh,
  dram_background,
  hb_io,
  offchip_io,
  pe_mac,
  pe_sram,
  npu_mac,
  npu_sram,
  vector,
  static_power
};
inline constexpr std::size_t energy_components = 12;
template <>
inline constexpr EnumEntry<EnergyComponent> enum_names<EnergyComponent>[] = {{"dram_activate", EnergyComponent::dram_activate},
                                                                             {"dram_array", EnergyComponent::dram_array},
                                                                             {"dram_refresh", EnergyComponent::dram_refresh},
                                                                             {"dram_background", EnergyComponent::dram_background},
                                                                             {"hb_io", EnergyComponent::hb_io},
                                                                             {"offchip_io", EnergyComponent::offchip_io},
                                                                             {"pe_mac", EnergyComponent::pe_mac},
                                                                             {"pe_sram", EnergyComponent::pe_sram},
                                                                             {"npu_mac", EnergyComponent::npu_mac},
                                                                             {"npu_sram", EnergyComponent::npu_sram},
                                                                             {"vector", EnergyComponent::vector},
                                                                             {"static", EnergyComponent::static_power}};

using EnergyByComponent = std::array<Attojoules, energy_components>;

/// Sum over the components.
Attojoules total_of(const EnergyByComponent& energy);

/// MACs and conversions of formats other than the table's base, by engine. `listed` MACs have an entry of their own in the energy table
/// (`mac_formats`, by index), `unlisted` ones none.
inline constexpr std::size_t max_mac_formats = 16;

/// Counted actions and times of one operator (or of none), on all executors together. Bits are those the commands moved.
struct EnergyCounts {
  std::int64_t activates = 0;          ///< rows opened, bank by bank
  std::int64_t host_read_bits = 0;     ///< over the channel bus, to the NPU
  std::int64_t host_write_bits = 0;    ///< over the channel bus, from the NPU
  std::int64_t buffer_read_bits = 0;   ///< over the channel bus from the PEs' result registers, past the banks
  std::int64_t buffer_write_bits = 0;  ///< likewise to their buffers
  std::int64_t hb_read_bits = 0;       ///< from a bank through its own port
  std::int64_t hb_write_bits = 0;      ///< to a bank through its own port
  std::int64_t refreshed_rows = 0;     ///< bank by bank
  std::int64_t pe_macs = 0;
  std::int64_t pe_sram_bits = 0;
  std::int64_t npu_macs = 0;
  std::int64_t npu_sram_bits = 0;
  std::int64_t vector_ops = 0;       ///< of the NPU
  std::int64_t nmp_vector_ops = 0;   ///< of the channels' vector units
  std::int64_t channel_time_ps = 0;  ///< simulated time times channels
  std::int64_t rows_open_ps = 0;     ///< the part of channel_time_ps in which a channel has a row open
  std::int64_t npu_time_ps = 0;
  std::int64_t pe_time_ps = 0;         ///< simulated time times PEs
  std::int64_t pe_listed_macs = 0;     ///< of pe_macs, those priced by mac_formats instead
  std::int64_t npu_listed_macs = 0;    ///< likewise of npu_macs
  std::int64_t pe_unlisted_macs = 0;   ///< of pe_macs, those of numbers that the table says nothing about: base price, an estimate
  std::int64_t npu_unlisted_macs = 0;  ///< likewise of npu_macs
  std::int64_t pe_conversions = 0;     ///< stationary elements made the activations' number
  std::int64_t npu_conversions = 0;
  std::array<std::int64_t, max_mac_formats> mac_formats{};  ///< MACs by entry of the table's mac_formats

  std::int64_t host_bits() const { return host_read_bits + host_write_bits + buffer_read_bits + buffer_write_bits; }
  std::int64_t hb_bits() const { return hb_read_bits + hb_write_bits; }
  EnergyCounts& operator+=(const EnergyCounts& o);
  /// Every count and time times `factor`.
  EnergyCounts& operator*=(std::int64_t factor);
};

}  // namespace bondsim
