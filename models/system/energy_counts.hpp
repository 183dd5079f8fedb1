#pragma once
#include "models/dram/spec/command.hpp"
#include "models/energy/model.hpp"
#include "models/schedule/schedule.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// Counted actions of a task's own work (MACs, SRAM, vector operations), once; its DRAM commands are counted by the channels.
/// MACs and conversions of a GEMM on PEs, or on the arrays, by the formats that meet there. Products that an engine skips are not counted.
EnergyCounts pe_mac_counts(const GemmShape& shape, const OperandBits& bits, const NmpConfig& nmp, const EnergyTable& table);
EnergyCounts npu_mac_counts(const GemmShape& shape, const OperandBits& bits, const NpuConfig& npu, const EnergyTable& table);

EnergyCounts energy_counts(const Task& task, const System& system);

/// Counted actions behind DRAM commands of a channel.
EnergyCounts energy_counts(int channel, const ChannelCounts& commands, const System& system);

/// Properties of a channel that its energies depend on.
EnergyContext energy_context(const System& system, int channel, EnergyColumn column);
/// Those of the system's own sections.
EnergyContext energy_context(const System& system, EnergyColumn column = EnergyColumn::maximum);

/// The model of the system's own sections; MachineEnergy for channels of several kinds.
EnergyModel energy_model(const System& system, EnergyColumn column = EnergyColumn::maximum);

}  // namespace bondsim
