#include "tools/app/exploration/space_output.hpp"

#include <fmt/format.h>
#include <algorithm>

#include "mapping/cost/rank_correlation.hpp"
#include "models/base/csv_table.hpp"

namespace bondsim::tools {
namespace {

CsvTable table_of(const search::DesignSpace& space, const std::vector<std::string>& candidates) {
  std::vector<std::string> keys;
  for (const auto& parameter : space.parameters) keys.insert(keys.end(), parameter.keys.begin(), parameter.keys.end());
  CsvTable table = CsvTable::of_rows(candidates.size(), keys, space.name);
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    const auto candidate = space.candidate(candidates[i]);
    check(candidate.has_value(), "'{}' is not of the space", candidates[i]);
    for (const auto& [key, value] : space.settings(*candidate)) table.set(i, key, value);
  }
  return table;
}

}  // namespace

CsvTable front_table(const search::DesignSpace& space, const std::vector<search::FrontMember>& front) {
  std::vector<std::string> names;
  names.reserve(front.size());
  for (const auto& member : front) names.push_back(member.candidate);
  CsvTable table = table_of(space, names);
  for (std::size_t i = 0; i < front.size(); ++i) {
    for (const auto& [metric, value] : front[i].evaluation.metrics) table.set_number(i, metric, value);
  }
  return table;
}

CsvTable candidate_table(const search::DesignSpace& space, const search::ResultStore& store, const std::string& tier) {
  std::vector<std::pair<search::Candidate, std::string>> order;
  for (const auto& [name, evaluation] : store.all(tier)) order.emplace_back(*space.candidate(name), name);
  std::sort(order.begin(), order.end());
  std::vector<std::string> names;
  names.reserve(order.size());
  for (const auto& entry : order) names.push_back(entry.second);
  CsvTable table = table_of(space, names);
  for (std::size_t i = 0; i < names.size(); ++i) {
    const search::Evaluation& e = *store.find(names[i], tier);
    table.set(i, "feasible", e.feasible ? "true" : "false");
    for (const auto& [metric, value] : e.metrics) table.set_number(i, metric, value);
    table.set(i, "reason", e.reason);
  }
  return table;
}

CsvTable confirmed_table(const search::DesignSpace& space, const search::ResultStore& store) {
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
  CsvTable table = table_of(space, names);
  const auto form_ranks = cost::ranks(form_values);
  const auto cycle_ranks = cost::ranks(cycle_values);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    table.set_number(i, "cycle_rank", cycle_ranks[i]);
    table.set_number(i, "analytical_rank", form_ranks[i]);
    for (const auto& [metric, value] : rows[i].cycle->metrics) table.set_number(i, "cycle_" + metric, value);
    for (const auto& [metric, value] : rows[i].form->metrics) table.set_number(i, "analytical_" + metric, value);
  }
  return table;
}

void write_dataflows(const WorkDirectory& directory, const search::DesignSpace& space, search::RooflineEvaluator& forms,
                     const std::vector<search::FrontMember>& front) {
  for (std::size_t row = 0; row < front.size(); ++row) {
    const search::SpaceSetup setup = forms.setup(*space.candidate(front[row].candidate));
    const auto write = [&](const std::string& name, const Dataflow& dataflow) {
      directory.write("dataflows/" + name + ".yaml", fmt::format("# For {}\n{}", front[row].candidate, to_file(dataflow)));
    };
    for (std::size_t job = 0; job < space.workloads.size(); ++job) {
      const search::JobDataflows& found = forms.dataflows(setup, job);
      const std::string name = fmt::format("row-{}-workload-{}", row + 1, job + 1);
      write(name, found.model.dataflow);
      if (found.draft_has_dataflow) write(name + "-draft", found.draft->dataflow);
    }
  }
}

}  // namespace bondsim::tools
