#include "models/system/energy_counts.hpp"

#include "models/dram/spec/timing_rules.hpp"
#include "models/nmp/rules.hpp"
#include "models/npu/rules.hpp"

namespace bondsim {

EnergyCounts energy_counts(const Task& task, const System& system) {
  EnergyCounts counts;
  switch (task.kind) {
    case TaskKind::nmp_gemm:
      counts.pe_macs = task.nmp.shape.macs();
      counts.pe_sram_bits = pe_sram_bits(task.nmp, system.nmp_of(task.channel()));
      break;
    case TaskKind::npu_gemm:
      counts.npu_macs = task.npu.shape.macs();
      counts.npu_sram_bits = gemm_scratchpad_bits(task.npu.shape, task.npu.bits, system.npu);
      break;
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
  e.hb_read_bits = c.hb_reads * hb_bits;
  e.hb_write_bits = c.hb_writes * hb_bits;
  e.refreshed_rows = refreshed_rows(system.dram_of(channel), c);
  return e;
}

EnergyContext energy_context(const System& system, EnergyColumn column) {
  EnergyContext context;
  context.pe_clock_mhz = system.nmp.pe.clock_mhz;
  context.in_die = system.nmp.placement == NmpPlacement::in_die;
  context.channel_bytes = system.dram.organization.channel_bytes();
  context.page_bytes = system.dram.organization.page_bytes();
  context.column = column;
  return context;
}

EnergyModel energy_model(const System& system, EnergyColumn column) { return EnergyModel(system.energy, energy_context(system, column)); }

}  // namespace bondsim
