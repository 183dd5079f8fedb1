#pragma once
#include <cstdint>
#include <vector>

#include "mapping/dataflow/dataflow.hpp"
#include "mapping/llm/model.hpp"
#include "mapping/llm/workload.hpp"
#include "mapping/speculation/plans.hpp"
#include "models/system/system.hpp"

namespace bondsim::tools {

/// A run on the cycle model, some of its decode steps standing for all.
struct SampledRun {
  double prefill_s = 0;
  double decode_s = 0;
  double prefill_energy_j = 0;
  double decode_energy_j = 0;
  double pe_energy_j = 0;           ///< of the logic dies in the decode steps: MACs, buffers, HB ports
  std::vector<double> component_j;  ///< of both phases, by EnergyComponent
  std::vector<double> rail_j;       ///< by supply rail of the DRAM
};
template <class Visitor>
void members(Visitor& v, SampledRun& r) {
  v("prefill_s", r.prefill_s);
  v("decode_s", r.decode_s);
  v("prefill_energy_j", r.prefill_energy_j);
  v("decode_energy_j", r.decode_energy_j);
  v("pe_energy_j", r.pe_energy_j);
  v("component_j", r.component_j);
  v("rail_j", r.rail_j);
}
inline const char* message_schema(const SampledRun&) { return "bondsim.sampled_run/2"; }

/// What of a run is simulated.
struct RunSample {
  std::int64_t decode_steps = 0;  ///< evenly over the contexts, each counted for its neighbours; 0: all
  bool layers_alone = true;       ///< without embedding and LM head: what closed forms of a layer speak of
};

/// Simulates one layer (unless the workload wants all) of the prefill and of decode steps. In a process of its own: not from one that has
/// threads. @throws InfeasibleError when the model does not fit; ConfigError when the dataflow does not fit the system.
SampledRun run_sampled(const System& system, const Model& model, const Workload& workload, const Dataflow& dataflow,
                       const RunSample& sample);

/// Likewise of a workload with drafts, embedding and LM head included: the prompts, and a round around the middle of the decode that
/// stands for as many as are expected. @pre workload.speculation
SampledRun run_sampled_rounds(const System& system, const Model& model, const Workload& workload, const Dataflow& dataflow,
                              const std::optional<speculation::Draft>& draft);

}  // namespace bondsim::tools
