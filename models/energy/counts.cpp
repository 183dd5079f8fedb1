#include "models/energy/counts.hpp"

namespace bondsim {
namespace {

constexpr std::int64_t EnergyCounts::*counters[] = {
    &EnergyCounts::activates,         &EnergyCounts::host_read_bits,  &EnergyCounts::host_write_bits, &EnergyCounts::buffer_read_bits,
    &EnergyCounts::buffer_write_bits, &EnergyCounts::hb_read_bits,    &EnergyCounts::hb_write_bits,   &EnergyCounts::refreshed_rows,
    &EnergyCounts::pe_macs,           &EnergyCounts::pe_sram_bits,    &EnergyCounts::npu_macs,        &EnergyCounts::npu_sram_bits,
    &EnergyCounts::vector_ops,        &EnergyCounts::channel_time_ps, &EnergyCounts::rows_open_ps,    &EnergyCounts::npu_time_ps,
    &EnergyCounts::pe_time_ps,        &EnergyCounts::pe_listed_macs,  &EnergyCounts::npu_listed_macs, &EnergyCounts::pe_unlisted_macs,
    &EnergyCounts::npu_unlisted_macs, &EnergyCounts::pe_conversions,  &EnergyCounts::npu_conversions, &EnergyCounts::nmp_vector_ops};
static_assert((sizeof counters / sizeof *counters + max_mac_formats) * sizeof(std::int64_t) == sizeof(EnergyCounts),
              "every counter is added");

}  // namespace

Attojoules total_of(const EnergyByComponent& energy) {
  Attojoules total;
  for (const Attojoules part : energy) total += part;
  return total;
}

EnergyCounts& EnergyCounts::operator+=(const EnergyCounts& o) {
  for (const auto counter : counters) this->*counter += o.*counter;
  for (std::size_t i = 0; i < max_mac_formats; ++i) mac_formats[i] += o.mac_formats[i];
  return *this;
}

EnergyCounts& EnergyCounts::operator*=(std::int64_t factor) {
  for (const auto counter : counters) this->*counter *= factor;
  for (std::int64_t& macs : mac_formats) macs *= factor;
  return *this;
}

}  // namespace bondsim
