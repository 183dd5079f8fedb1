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
  e.host_bits = (c.reads + c.writes) * system.dram_of(channel).organization.access_bytes() * 8;
  e.hb_bits = (c.hb_reads + c.hb_writes) * system.nmp_of(channel).hb.access_bytes * 8;
  e.refreshed_rows = refreshed_rows(system.dram_of(channel), c);
  return e;
}

EnergyModel energy_model(const System& system) {
  return EnergyModel(system.energy, system.nmp.pe.clock_mhz, system.nmp.placement == NmpPlacement::in_die);
}

}  // namespace bondsim
