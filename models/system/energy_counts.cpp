#include "models/system/energy_counts.hpp"

#include "models/dram/spec/timing_rules.hpp"
#include "models/nmp/rules.hpp"
#include "models/npu/rules.hpp"

namespace bondsim {
namespace {

/// MACs that are done: products with zeros that the engine skips are not.
std::int64_t macs_done(const GemmShape& shape, const OperandBits& bits, const Multiplication& how) {
  return how.skips_zeros ? shape.macs() / bits.stationary.of * bits.stationary.kept : shape.macs();
}

/// Prices apart the MACs of numbers other than the base pair.
void count_format(EnergyCounts& counts, MacEngine engine, std::int64_t macs, const Multiplication& how, const EnergyTable& table) {
  const bool base = how.weight == how.activation && (how.weight == Number::any || how.weight == Number::fp16);
  const int entry = how.weight == Number::any ? -1 : table.mac_format(engine, how.activation, how.weight);
  const bool pe = engine == MacEngine::pe;
  if (entry >= 0) {
    counts.mac_formats[static_cast<std::size_t>(entry)] = macs;
    (pe ? counts.pe_listed_macs : counts.npu_listed_macs) = macs;
  } else if (!base) {
    (pe ? counts.pe_unlisted_macs : counts.npu_unlisted_macs) = macs;
  }
}

}  // namespace

EnergyCounts pe_mac_counts(const GemmShape& shape, const OperandBits& bits, const NmpConfig& nmp, const EnergyTable& table) {
  const Multiplication how = known_multiplication(nmp.formats, bits.activation, bits.stationary);
  EnergyCounts counts;
  counts.pe_macs = macs_done(shape, bits, how);
  // Weights leave the buffer once a row of activations, and the stage is behind it.
  if (how.conversion != Conversion::native) counts.pe_conversions = shape.macs();
  count_format(counts, MacEngine::pe, counts.pe_macs, how, table);
  return counts;
}

EnergyCounts npu_mac_counts(const GemmShape& shape, const OperandBits& bits, const NpuConfig& npu, const EnergyTable& table) {
  const Multiplication how = known_multiplication(npu.formats, bits.activation, bits.stationary);
  EnergyCounts counts;
  counts.npu_macs = macs_done(shape, bits, how);
  counts.vector_ops = conversion_operations(shape, bits, npu);
  if (how.conversion == Conversion::stage) counts.npu_conversions = converted_elements(shape, bits, npu);
  count_format(counts, MacEngine::npu, counts.npu_macs, how, table);
  return counts;
}

EnergyCounts energy_counts(const Task& task, const System& system) {
  EnergyCounts counts;
  switch (task.kind) {
    case TaskKind::nmp_gemm:
      counts = pe_mac_counts(task.nmp.shape, task.nmp.bits, system.nmp_of(task.channel()), system.energy);
      counts.pe_sram_bits = pe_sram_bits(task.nmp, system.nmp_of(task.channel()));
      break;
    case TaskKind::npu_gemm:
      counts = npu_mac_counts(task.npu.shape, task.npu.bits, system.npu, system.energy);
      counts.npu_sram_bits = gemm_scratchpad_bits(task.npu.shape, task.npu.bits, system.npu);
      break;
    case TaskKind::nmp_vector: {
      const NmpConfig& nmp = system.nmp_of(task.channel());
      counts.nmp_vector_ops = vector_operations(task.vector, nmp.vector.costs);
      counts.pe_sram_bits = vector_buffer_bits(task.nmp);
      break;
    }
    case TaskKind::npu_vector:
      counts.vector_ops = vector_operations(task.vector, system.npu);
      counts.npu_sram_bits = vector_scratchpad_bits(task.vector);
      break;
    default:
      break;
  }
  return counts;
}

EnergyCounts energy_counts(int channel, const ChannelCounts& c, const System& system) {
  EnergyCounts e;
  e.activates = c.activates;
  const std::int64_t burst_bits = system.dram_of(channel).organization.access_bytes() * 8;
  const std::int64_t hb_bits = system.nmp_of(channel).hb.access_bytes * std::int64_t{8};
  e.host_read_bits = c.reads * burst_bits;
  e.host_write_bits = c.writes * burst_bits;
  e.buffer_read_bits = c.buffer_reads * burst_bits;
  e.buffer_write_bits = c.buffer_writes * burst_bits;
  e.hb_read_bits = c.hb_reads * hb_bits;
  e.hb_write_bits = c.hb_writes * hb_bits;
  e.refreshed_rows = refreshed_rows(system.dram_of(channel), c);
  return e;
}

namespace {

EnergyContext context_of(const NmpConfig& nmp, const DramOrganization& shape, EnergyColumn column) {
  EnergyContext context;
  context.pe_clock_mhz = nmp.pe.clock_mhz;
  context.in_die = nmp.placement == NmpPlacement::in_die;
  context.channel_bytes = shape.channel_bytes();
  context.page_bytes = shape.page_bytes();
  context.column = column;
  return context;
}

}  // namespace

EnergyContext energy_context(const System& system, int channel, EnergyColumn column) {
  return context_of(system.nmp_of(channel), system.dram_of(channel).organization, column);
}

EnergyContext energy_context(const System& system, EnergyColumn column) { return context_of(system.nmp, system.dram.organization, column); }

EnergyModel energy_model(const System& system, EnergyColumn column) { return EnergyModel(system.energy, energy_context(system, column)); }

}  // namespace bondsim
