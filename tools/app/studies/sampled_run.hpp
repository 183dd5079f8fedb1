#pragma once
#include <cstdint>

#include "mapping/dataflow/dataflow.hpp"
#include "mapping/llm/model.hpp"
#include "mapping/llm/workload.hpp"
#include "models/system/system.hpp"

namespace bondsim::tools {

/// The decoder layers of a run on the cycle model, without embedding and LM head: what closed forms of a layer speak of.
struct SampledRun {
  double prefill_s = 0;  ///< all layers
  double decode_s = 0;
  double prefill_energy_j = 0;
  double decode_energy_j = 0;
  double pe_energy_j = 0;            ///< of the logic dies in the decode steps: MACs, buffers, HB ports
  double other_decode_energy_j = 0;  ///< the same decode steps by `other` energies; 0 without
  double decode_transfer_share = 0;  ///< of the NMP channels' time in the decode steps: data on their bus, and changes of mode
  double decode_wait_share = 0;      ///< likewise: nothing to do before others are done
  double estimated_energy = 0;       ///< share of the energy that rests on estimates
};
template <class Visitor>
void members(Visitor& v, SampledRun& r) {
  v("prefill_s", r.prefill_s);
  v("decode_s", r.decode_s);
  v("prefill_energy_j", r.prefill_energy_j);
  v("decode_energy_j", r.decode_energy_j);
  v("pe_energy_j", r.pe_energy_j);
  v("other_decode_energy_j", r.other_decode_energy_j);
  v("decode_transfer_share", r.decode_transfer_share);
  v("decode_wait_share", r.decode_wait_share);
  v("estimated_energy", r.estimated_energy);
}
inline const char* message_schema(const SampledRun&) { return "bondsim.sampled_run/1"; }

/// Simulates one layer (unless the workload wants all) of the prefill and of `decode_samples` decode steps (0: all), evenly over the
/// contexts, each counted for its neighbours. In a process of its own: not from one that has threads. @throws InfeasibleError when the
/// model does not fit; ConfigError when the dataflow does not fit the system.
/// @param other energies that the decode's counted actions are priced by besides the system's
SampledRun run_sampled(const System& system, const Model& model, const Workload& workload, const Dataflow& dataflow,
                       std::int64_t decode_samples, const EnergyTable* other = nullptr);

}  // namespace bondsim::tools
