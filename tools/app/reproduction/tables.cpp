#include "tools/app/reproduction/tables.hpp"

#include <algorithm>

#include "mapping/cost/published/published_layer.hpp"
#include "mapping/search/device/device_dataflow.hpp"
#include "tools/app/reproduction/headlines.hpp"

namespace bondsim::tools {
namespace {

void fill_results(CsvTable& table, std::size_t row, const CellResult& r, const CellResult* baseline) {
  if (r.problem.empty()) {
    table.set_number(row, "total_latency_s_per_layer", r.total_s_per_layer());
    table.set_number(row, "prefill_latency_s_per_layer", r.prefill_s_per_layer);
    table.set_number(row, "decode_latency_s_per_layer", r.decode_s_per_layer);
    if (r.energy_j > 0) table.set_number(row, "energy_j", r.energy_j);
    if (r.energy_j > 0) table.set_number(row, "decode_energy_j", r.decode_energy_j);
    if (r.energy_j > 0) table.set_number(row, "decode_energy_paper_table_j", r.paper_decode_energy_j);
    if (r.energy_j > 0) table.set_number(row, "decode_transfer_share", r.decode_transfer_share);
    if (r.energy_j > 0) table.set_number(row, "decode_wait_share", r.decode_wait_share);
    if (baseline != nullptr) table.set_number(row, "speedup", baseline->total_s_per_layer() / r.total_s_per_layer());
    table.set_number(row, "prefill_share", r.prefill_s_per_layer / r.total_s_per_layer());
  }
  table.set(row, "dataflow", r.dataflow);
  table.set(row, "problem", r.problem);
}

struct TierCell {
  std::string tier;
  Cell cell;
};

}  // namespace

std::vector<Cell> cells_of(const Reproduction& r, const ReproducedExperiment& experiment, const std::string& tier) {
  std::vector<Cell> cells;
  for (const std::string& system : experiment.systems) {
    const std::size_t s = index_of(r.systems, system);
    if (!judges(r.systems[s], tier)) continue;
    for (std::size_t policy = 0; policy < (tier == "cycle" ? r.policies() : 1); ++policy) {
      const auto more = cells_of(r, s, policy, experiment.runs);
      cells.insert(cells.end(), more.begin(), more.end());
    }
  }
  return cells;
}

CsvTable experiment_table(const Reproduction& r, const Inputs& inputs, const ReproducedExperiment& experiment, const Findings& findings) {
  std::vector<TierCell> rows;
  for (const auto& entry : findings.cells) {
    for (const Cell& cell : cells_of(r, experiment, entry.first)) rows.push_back({entry.first, cell});
  }
  CsvTable table = CsvTable::of_rows(rows.size(), {"system"}, experiment.name + ".csv");
  for (const char* column : {"rows", "model", "dataset", "prompt_len", "gen_len", "batch", "tier", "total_latency_s_per_layer",
                             "prefill_latency_s_per_layer", "decode_latency_s_per_layer", "energy_j", "decode_energy_j",
                             "decode_energy_paper_table_j", "decode_transfer_share", "decode_wait_share", "speedup"}) {
    if (!rows.empty()) table.set(0, column, "");
  }
  for (std::size_t row = 0; row < rows.size(); ++row) {
    const auto& [tier, cell] = rows[row];
    const Workload& w = inputs.workloads[cell.dataset];
    table.set(row, "system", r.systems[cell.system].name);
    table.set(row, "rows", tier == "cycle" ? r.row_policies[cell.variant].name : "");
    table.set(row, "model", r.models[cell.model].name);
    table.set(row, "dataset", r.datasets[cell.dataset].name);
    table.set(row, "prompt_len", std::to_string(w.prompt_of(0)));
    table.set(row, "gen_len", std::to_string(w.generated_tokens));
    table.set(row, "batch", std::to_string(cell.batch));
    table.set(row, "tier", tier);
    Cell base = cell;
    base.system = index_of(r.systems, experiment.baseline);
    const bool has_base = base.system < r.systems.size();
    fill_results(table, row, findings.cells.at(tier).at(inputs.shared(cell)),
                 has_base ? findings.find(tier, inputs.shared(base)) : nullptr);
  }
  return table;
}

CsvTable architecture_table(const std::map<std::string, std::vector<JudgedDevice>>& by_tier) {
  static const std::map<std::string, std::string> names = {{"channels.nmp", "nmp_channels"},
                                                           {"nmp.pe.fpus", "fpu_num"},
                                                           {"nmp.pe.clock_mhz", "freq_mhz"},
                                                           {"nmp.hb.bandwidth_gbps", "pe_bw_gbps"}};
  std::size_t rows = 0;
  for (const auto& entry : by_tier) rows += entry.second.size();
  CsvTable table = CsvTable::of_rows(rows, {"tier"}, "architecture.csv");
  std::size_t row = 0;
  for (const auto& [tier, devices] : by_tier) {
    for (const JudgedDevice& device : devices) {
      table.set(row, "tier", tier);
      for (const auto& [key, value] : device.settings) {
        const auto name = names.find(key);
        table.set(row, name == names.end() ? key : name->second, value);
      }
      for (const auto& [metric, value] : device.evaluation.metrics) {
        if (device.evaluation.feasible) table.set_number(row, metric, value);
      }
      table.set(row, "in_front", device.in_front ? "yes" : "no");
      table.set(row, "problem", device.evaluation.reason);
      ++row;
    }
  }
  return table;
}

CsvTable utilization_table(const Findings& findings) {
  CsvTable table = CsvTable::of_rows(findings.utilization.size(), {"system"}, "in_die_utilization.csv");
  std::size_t row = 0;
  for (const auto& [key, value] : findings.utilization) {
    table.set(row, "system", key.first);
    table.set(row, "batch", std::to_string(key.second));
    table.set_number(row++, "utilization", value);
  }
  return table;
}

CsvTable channel_split_table(const Inputs& inputs, const Reproduction& r) {
  struct Row {
    std::string model;
    std::string op;
    double worst_over_best;
  };
  std::vector<Row> rows;
  for (std::size_t m = 0; m < inputs.models.size(); ++m) {
    const cost::Layer layer = search::layer_of(inputs.models[m], inputs.workloads[0], r.longest_context, r.models[m].file);
    for (const auto& op : layer.operators) {
      if (op.attention) continue;
      double best = 1e300;
      double worst = 0;
      for (int t_k = 1; t_k <= cost::published_channels; t_k *= 2) {
        const double elements = static_cast<double>(op.decode.k) / t_k + static_cast<double>(op.decode.n) * t_k / cost::published_channels;
        best = std::min(best, elements);
        worst = std::max(worst, elements);
      }
      rows.push_back({r.models[m].name, op.name, worst / best});
    }
  }
  CsvTable table = CsvTable::of_rows(rows.size(), {"model"}, "channel_split.csv");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    table.set(i, "model", rows[i].model);
    table.set(i, "operator", rows[i].op);
    table.set_number(i, "worst_over_best_transfer", rows[i].worst_over_best);
  }
  return table;
}

}  // namespace bondsim::tools
