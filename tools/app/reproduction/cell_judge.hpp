#pragma once
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tools/app/reproduction/cell_dataflow.hpp"

namespace bondsim::tools {

/// Times and energies of a run, one layer of it for times (as the paper's tables have it) and all layers for energy.
struct CellResult {
  double prefill_s_per_layer = 0;
  double decode_s_per_layer = 0;
  double energy_j = 0;               ///< 0: the tier has none
  double decode_energy_j = 0;        ///< likewise
  double paper_decode_energy_j = 0;  ///< likewise, by the paper's own energies
  double decode_transfer_share = 0;  ///< likewise; of the NMP channels' time: transfers and changes of mode
  double decode_wait_share = 0;      ///< likewise; and waiting for others
  std::string dataflow;              ///< as searched, one line
  std::string problem;               ///< why there is no result

  double total_s_per_layer() const { return prefill_s_per_layer + decode_s_per_layer; }
};
template <class Visitor>
void members(Visitor& v, CellResult& r) {
  v("prefill_s_per_layer", r.prefill_s_per_layer);
  v("decode_s_per_layer", r.decode_s_per_layer);
  v("energy_j", r.energy_j);
  v("decode_energy_j", r.decode_energy_j);
  v("paper_decode_energy_j", r.paper_decode_energy_j);
  v("decode_transfer_share", r.decode_transfer_share);
  v("decode_wait_share", r.decode_wait_share);
  v("dataflow", r.dataflow);
  v("problem", r.problem);
}
inline const char* message_schema(const CellResult&) { return "bondsim.cell_result/1"; }

/// Dataflow of a run of the cycle tier, and its steps by the key of their simulation: the prefill, then the sampled decode steps.
struct CellPlan {
  std::string dataflow;                                    ///< one line
  std::string file;                                        ///< the same as a dataflow file
  std::vector<std::pair<std::string, std::string>> steps;  ///< step_key of each
  std::string problem;                                     ///< why there is none
};
template <class Visitor>
void members(Visitor& v, CellPlan& p) {
  v("dataflow", p.dataflow);
  v("file", p.file);
  v("steps", p.steps);
  v("problem", p.problem);
}
inline const char* message_schema(const CellPlan&) { return "bondsim.cell_plan/1"; }

/// Judges cells, at either tier; what a worker does.
class CellJudge {
 public:
  CellJudge(const Reproduction& reproduction, const Inputs& inputs)
      : reproduction_(reproduction), inputs_(inputs), dataflows_(reproduction, inputs) {}

  /// The closed form of the paper's artifact, its exact dataflow search included. @param utilization of in-die PEs
  CellResult roofline(const Cell& cell, double utilization) const;

  /// Cycle tier: the dataflow, searched or given, and the keys of its steps; then one of the steps, simulated.
  CellPlan plan(const Cell& cell);
  CellPlan plan_with(const Cell& cell, const std::string& dataflow_file) const;
  StepOutcome step(const Cell& cell, const std::string& dataflow_file, std::size_t step);

  /// Share of the roofline's rate that a system's in-die PEs reach at a batch: the decode weight GEMMs of a Llama-3-8B layer by the
  /// roofline, over the same on the cycle model, one after the other on all NMP channels.
  double in_die_utilization(std::size_t system, std::int64_t batch) const;

 private:
  CellPlan plan_of(const Cell& cell, const CellDataflow& chosen) const;

  /// Steps of the last cell that was asked for: neighbours among tasks are of the same one.
  struct Mapped {
    Cell cell;
    std::string file;
    std::vector<StepSchedule> steps;
  };

  const Reproduction& reproduction_;
  const Inputs& inputs_;
  DataflowChooser dataflows_;
  std::optional<Mapped> mapped_;
};

/// Result of a cell from the outcomes of its steps.
CellResult cell_result(const Reproduction& reproduction, const Inputs& inputs, const Cell& cell, const CellPlan& plan,
                       const std::vector<StepOutcome>& steps);

}  // namespace bondsim::tools
