#pragma once
#include <map>
#include <string>
#include <vector>

#include "mapping/search/device/hardware_search.hpp"
#include "models/base/csv_table.hpp"
#include "tools/app/reproduction/findings.hpp"

namespace bondsim::tools {

/// The cells of an experiment that a tier can judge, in the order of the table: under every row policy where the tier is cycle.
std::vector<Cell> cells_of(const Reproduction& reproduction, const ReproducedExperiment& experiment, const std::string& tier);

/// Columns system, rows (policy), model, dataset, prompt_len, gen_len, batch, tier, total_, prefill_, decode_latency_s_per_layer, energy_j,
/// decode_energy_j, decode_energy_paper_table_j, decode_transfer_share, decode_wait_share, speedup (over the baseline's total latency),
/// prefill_share, dataflow, problem. Energies are of all layers; the shares are of the NMP channels' time.
CsvTable experiment_table(const Reproduction& reproduction, const Inputs& inputs, const ReproducedExperiment& experiment,
                          const Findings& findings);

/// The devices of a design space: settings, metrics, and whether they are in its front.
struct JudgedDevice {
  std::vector<std::pair<std::string, std::string>> settings;
  search::Evaluation evaluation;
  bool in_front = false;
};
CsvTable architecture_table(const std::map<std::string, std::vector<JudgedDevice>>& by_tier);

CsvTable utilization_table(const Findings& findings);

/// Transfers of each decode weight GEMM of the models cut over 8 channels: the worst T_K x T_N = 8 over the best.
CsvTable channel_split_table(const Inputs& inputs, const Reproduction& reproduction);

}  // namespace bondsim::tools
