#include "tools/commands/dse_output.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "mapping/cost/rank_correlation.hpp"
#include "models/base/csv_table.hpp"

namespace bondsim::tools {
namespace {

CsvTable table_of(const std::string& path, const search::DesignSpace& space, const std::vector<std::string>& candidates) {
  std::string text;
  for (const auto& parameter : space.parameters) {
    for (const auto& key : parameter.keys) text += (text.empty() ? "" : ",") + key;
  }
  text += "\n";
  for (const std::string& name : candidates) {
    const auto candidate = space.candidate(name);
    check(candidate.has_value(), "'{}' is not of the space", name);
    std::string row;
    for (const auto& setting : space.settings(*candidate)) row += (row.empty() ? "" : ",") + setting.second;
    text += row + "\n";
  }
  return CsvTable::parse(text, path);
}

}  // namespace

SearchProgressLine::SearchProgressLine(std::string tier, std::string objective)
    : tier_(std::move(tier)), objective_(std::move(objective)), visible_(::isatty(STDERR_FILENO) == 1) {}

void SearchProgressLine::show(const search::SearchProgress& p) {
  const auto now = std::chrono::steady_clock::now();
  if (!visible_ || (now - shown_ < std::chrono::milliseconds(200) && p.done < p.total)) return;
  shown_ = now;
  const double elapsed_s = std::chrono::duration<double>(now - began_).count();
  const double rate = static_cast<double>(p.evaluated) / std::max(elapsed_s, 1e-3);
  const double left_s = rate > 0 ? static_cast<double>(p.total - p.done) / rate : 0;
  fmt::print(stderr, "\r{}: {} of {} candidates, best {} {:.6g}, {:.3g} evaluations/s, {:.0f} s left   ", tier_, p.done, p.total,
             objective_, p.best, rate, left_s);
  std::fflush(stderr);
}

void SearchProgressLine::clear() const {
  if (visible_) fmt::print(stderr, "\r{}\r", std::string(120, ' '));
}

void write_front(const std::string& path, const search::DesignSpace& space, const std::vector<search::FrontMember>& front) {
  std::vector<std::string> names;
  for (const auto& member : front) names.push_back(member.candidate);
  CsvTable table = table_of(path, space, names);
  for (std::size_t i = 0; i < front.size(); ++i) {
    for (const auto& [metric, value] : front[i].evaluation.metrics) table.set_number(i, metric, value);
  }
  table.save(path);
}

void write_confirmed(const std::string& path, const search::DesignSpace& space, const search::ResultStore& store) {
  struct Row {
    std::string candidate;
    const search::Evaluation* form;
    const search::Evaluation* cycle;
  };
  const std::string& first = space.objectives[0];
  std::vector<Row> rows;
  for (const auto& [candidate, cycle] : store.all("cycle")) {
    const search::Evaluation* form = store.find(candidate, "analytical");
    if (form != nullptr && form->feasible && cycle.feasible) rows.push_back({candidate, form, &cycle});
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const Row& a, const Row& b) { return a.cycle->metrics.at(first) < b.cycle->metrics.at(first); });
  std::vector<std::string> names;
  std::vector<double> form_values;
  std::vector<double> cycle_values;
  for (const Row& row : rows) {
    names.push_back(row.candidate);
    form_values.push_back(row.form->metrics.at(first));
    cycle_values.push_back(row.cycle->metrics.at(first));
  }
  CsvTable table = table_of(path, space, names);
  const auto form_ranks = cost::ranks(form_values);
  const auto cycle_ranks = cost::ranks(cycle_values);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    table.set_number(i, "cycle_rank", cycle_ranks[i]);
    table.set_number(i, "analytical_rank", form_ranks[i]);
    for (const auto& [metric, value] : rows[i].cycle->metrics) table.set_number(i, "cycle_" + metric, value);
    for (const auto& [metric, value] : rows[i].form->metrics) table.set_number(i, "analytical_" + metric, value);
  }
  table.save(path);
}

void write_dataflows(const std::string& directory, const search::DesignSpace& space, search::RooflineEvaluator& forms,
                     const std::vector<search::FrontMember>& front) {
  std::filesystem::create_directories(directory);
  for (std::size_t row = 0; row < front.size(); ++row) {
    const System device = forms.system(*space.candidate(front[row].candidate));
    for (std::size_t job = 0; job < space.workloads.size(); ++job) {
      const std::string path = (std::filesystem::path(directory) / fmt::format("row-{}-workload-{}.yaml", row + 1, job + 1)).string();
      std::ofstream out(path);
      out << "# For " << front[row].candidate << "\n" << to_file(forms.dataflow(device, job));
      out.close();
      if (!out) throw ConfigError(path + ": cannot be written");
    }
  }
}

void print_front(const search::DesignSpace& space, const std::string& tier, const std::vector<search::FrontMember>& front,
                 std::size_t judged) {
  fmt::print("{}, tier {}: {} candidates judged, {} in the front of {}\n", space.name, tier, judged, front.size(),
             fmt::join(space.objectives, ", "));
  constexpr std::size_t most = 10;
  for (std::size_t i = 0; i < std::min(most, front.size()); ++i) {
    std::string values;
    for (const auto& metric : space.objectives) values += fmt::format("{} {:.6g}  ", metric, front[i].evaluation.metrics.at(metric));
    fmt::print("  {} {}\n", values, front[i].candidate);
  }
  if (front.size() > most) fmt::print("  ... and {} more\n", front.size() - most);
}

void print_agreement(const std::vector<search::TierAgreement>& agreement) {
  fmt::print("analytical against cycle tier, by rank\n");
  for (const auto& a : agreement) {
    fmt::print("  {:<28} {} candidates, Kendall tau {:.3f}, Spearman rho {:.3f}\n", a.metric, a.candidates, a.kendall_tau, a.spearman_rho);
  }
}

}  // namespace bondsim::tools
