#include "tools/app/validation/validation_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

#include "models/results/results.hpp"

namespace bondsim::tools {
namespace {

using Choice = std::function<bool(std::size_t row)>;

/// Of the rows that both have and `chosen` takes. @param places rows of the points
cost::Accuracy accuracy_of(const Judged& judged, const ValidationSet& set, const std::vector<CycleResult>& cycles, const Choice& chosen,
                           std::vector<std::size_t>& places) {
  std::vector<double> predictions, measurements;
  std::vector<std::string> operations;
  places.clear();
  for (std::size_t row = 0; row < cycles.size(); ++row) {
    if (!cycles[row].known() || judged.seconds[row] <= 0 || !chosen(row)) continue;
    predictions.push_back(judged.seconds[row]);
    measurements.push_back(cycles[row].latency_s);
    operations.push_back(set.cases[row].operation);
    places.push_back(row);
  }
  return cost::accuracy(predictions, measurements, operations);
}

void add_line(std::string& text, const std::string& name, const cost::Accuracy& a, const std::vector<std::size_t>& places) {
  if (a.points == 0) return;
  text += fmt::format("  {:<36}{:>7}{:>10.2f}{:>11.2f}{:>10.2f}{:>10.2f}{:>10.4f}{:>10.4f}   row {}\n", name, a.points, a.mape_percent,
                      a.worst_percent, a.highest_percent, a.bias_percent, a.pearson_r, a.kendall_tau, places[a.worst_point] + 1);
}

/// @return limits of the gate it misses
std::vector<std::string> report(std::string& text, const Judged& judged, const ValidationSet& set, const std::vector<CycleResult>& cycles,
                                const cost::Gate& gate) {
  std::vector<std::size_t> places;
  const cost::Accuracy all = accuracy_of(
      judged, set, cycles, [](std::size_t) { return true; }, places);
  add_line(text, judged.name, all, places);
  std::set<std::pair<std::string, std::string>> kinds;
  for (std::size_t row = 0; row < set.cases.size(); ++row) {
    if (!cycles[row].dominant.empty()) kinds.emplace(set.cases[row].kind, cycles[row].dominant);
  }
  for (const auto& kind : kinds) {
    const auto chosen = [&](std::size_t row) { return set.cases[row].kind == kind.first && cycles[row].dominant == kind.second; };
    const cost::Accuracy part = accuracy_of(judged, set, cycles, chosen, places);
    add_line(text, fmt::format("  {}, mostly {}", kind.first, kind.second), part, places);
  }
  if (all.groups.count > 0) {
    text += fmt::format("    devices ranked for each of {} operators: tau {:.4f} on average, lowest {:.4f} ({})\n", all.groups.count,
                        all.groups.mean_tau, all.groups.lowest_tau, all.groups.lowest);
  }
  return gate.missed(all);
}

}  // namespace

void write_columns(CsvTable& table, const std::vector<CycleResult>& cycles, const std::vector<Judged>& judged) {
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const CycleResult& cycle = cycles[row];
    table.set(row, "cycle_latency_s", "");
    if (cycle.known()) table.set_number(row, "cycle_latency_s", cycle.latency_s);
    for (const Judged& j : judged) {
      for (const char* what : {"_latency_s", "_utilisation", "_error_percent"}) table.set(row, j.name + what, "");
      if (j.seconds[row] <= 0) continue;
      table.set_number(row, j.name + "_latency_s", j.seconds[row]);
      if (!cycle.known()) continue;
      table.set_number(row, j.name + "_utilisation", j.seconds[row] / cycle.latency_s);
      table.set_number(row, j.name + "_error_percent", 100 * (j.seconds[row] / cycle.latency_s - 1));
    }
    table.set(row, "dominant", cycle.dominant);
    for (const auto& part : named_parts({})) table.set(row, fmt::format("time_{}", part.first), "");
    for (const auto& [name, share] : cycle.parts) table.set_number(row, "time_" + name, share);
    table.set(row, "limiting_buffers", cycle.limiting_buffers);
    table.set(row, "infeasible", cycle.infeasible);
    table.set(row, "unfinished", cycle.unfinished);
  }
}

std::string accuracy_csv(const ValidationSet& set, const std::vector<CycleResult>& cycles, const std::vector<Judged>& judged) {
  std::string text = "form,cases,mape_percent,worst_percent,highest_percent,bias_percent,pearson_r,kendall_tau\n";
  std::vector<std::size_t> places;
  for (const Judged& j : judged) {
    const cost::Accuracy a = accuracy_of(
        j, set, cycles, [](std::size_t) { return true; }, places);
    text += fmt::format("{},{},{:.2f},{:.2f},{:.2f},{:.2f},{:.4f},{:.4f}\n", j.name, a.points, a.mape_percent, a.worst_percent,
                        a.highest_percent, a.bias_percent, a.pearson_r, a.kendall_tau);
  }
  return text;
}

AccuracyReport accuracy_report(const ValidationSet& set, const std::vector<CycleResult>& cycles, const std::vector<Judged>& judged,
                               const cost::Gate& gate) {
  const auto count = [&](const std::string CycleResult::*why) {
    return std::count_if(cycles.begin(), cycles.end(), [&](const CycleResult& c) { return !(c.*why).empty(); });
  };
  AccuracyReport out;
  const auto unfinished = count(&CycleResult::unfinished);
  out.text += fmt::format("{}\n{} of {} infeasible; errors in percent of the cycle result\n", set.title, count(&CycleResult::infeasible),
                          set.cases.size());
  out.text += fmt::format("  {:<36}{:>7}{:>10}{:>11}{:>10}{:>10}{:>10}{:>10}   worst\n", "", "points", "MAPE", "worst", "highest", "bias",
                          "r", "tau");
  for (const Judged& j : judged) {
    for (const std::string& miss : report(out.text, j, set, cycles, gate)) {
      out.text += fmt::format("  gate missed: {}: {}\n", j.name, miss);
      out.gate_kept = false;
    }
  }
  for (std::size_t row = 0; row < cycles.size(); ++row) {
    if (!cycles[row].unfinished.empty()) fmt::print("  row {}: {} (--row-timeout)\n", row + 1, cycles[row].unfinished);
  }
  if (unfinished > 0 && !gate.limits.empty()) {
    out.text += fmt::format("  gate missed: {} rows without a result\n", unfinished);
    out.gate_kept = false;
  }
  return out;
}

}  // namespace bondsim::tools
