#include <fmt/format.h>

#include "tools/app/reproduction/headlines.hpp"

namespace bondsim::tools {
namespace {

std::string value_at(const std::vector<double>& values, std::size_t i) {
  return i < values.size() ? fmt::format("{:.4f}", values[i]) : std::string();
}

/// Columns `name` and `name_most`.
void set_figure(CsvTable& table, std::size_t row, const std::string& name, const std::vector<double>& values) {
  table.set(row, name, value_at(values, 0));
  table.set(row, name + "_most", value_at(values, 1));
}

std::vector<double> ratios(const HeadlineRow& row) {
  const std::vector<double> published = row.published();
  std::vector<double> out;
  for (std::size_t i = 0; i < published.size(); ++i) out.push_back(row.found.values[i] / published[i]);
  return out;
}

}  // namespace

CsvTable headline_table(const Reproduction& reproduction, const std::vector<HeadlineRow>& rows) {
  CsvTable table = CsvTable::of_rows(rows.size(), {"headline"}, "headlines.csv");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const HeadlineRow& row = rows[i];
    const bool in_print = !row.published().empty();
    table.set(i, "headline", row.headline.name);
    table.set(i, "tier", row.tier);
    table.set(i, "rows", row.tier == "cycle" ? reproduction.row_policies[row.policy].name : "");
    set_figure(table, i, "published", row.published());
    set_figure(table, i, "found", row.found.values);
    set_figure(table, i, "ratio", ratios(row));
    table.set(i, "within_10_percent", !in_print ? "" : row.differs() ? "no" : "yes");
    table.set(i, "cause", row.cause ? row.cause->change : "");
    set_figure(table, i, "with_cause", row.cause ? row.cause->moved.values : std::vector<double>());
    table.set(i, "cause_runs", row.cause ? std::to_string(row.cause->runs) : "");
    table.set(i, "runs", std::to_string(row.found.runs));
  }
  return table;
}

CsvTable change_table(const Reproduction& r, const Headlines& headlines) {
  struct Row {
    std::size_t variant;
    const Headline* headline;
    Figure before, after;
  };
  std::vector<Row> rows;
  for (std::size_t v = r.policies(); v < r.variants().size(); ++v) {
    for (const Headline& headline : r.headlines) {
      Row row{v, &headline, headlines.figure(headline, "cycle", r.changed_policy(), r.attribution.part),
              headlines.figure(headline, "cycle", v, r.attribution.part)};
      if (row.before.runs > 0 && row.after.runs > 0) rows.push_back(std::move(row));
    }
  }
  CsvTable table = CsvTable::of_rows(rows.size(), {"change"}, "changes.csv");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    table.set(i, "change", r.variants()[rows[i].variant].name);
    table.set(i, "headline", rows[i].headline->name);
    table.set(i, "runs", std::to_string(rows[i].after.runs));
    set_figure(table, i, "before", rows[i].before.values);
    set_figure(table, i, "after", rows[i].after.values);
  }
  return table;
}

CsvTable sweep_table(const Reproduction& r, const Sweep& sweep, const Headlines& headlines) {
  static const std::pair<const char*, const char*> columns[] = {{"speedup", "total_latency"},
                                                                {"decode_speedup", "decode_latency"},
                                                                {"decode_energy", "decode_energy"},
                                                                {"decode_energy_paper_table", "decode_energy_paper"}};
  CsvTable table = CsvTable::of_rows(sweep.values.size() * sweep.systems.size() * (r.batches.size() + 1), {"value"}, sweep.name + ".csv");
  std::size_t row = 0;
  for (const std::string& value : sweep.values) {
    std::size_t variant = 0;
    while (r.variants()[variant].name != fmt::format("{} {}", sweep.name, value)) ++variant;
    for (const std::string& system : sweep.systems) {
      for (std::size_t b = 0; b <= r.batches.size(); ++b, ++row) {
        Headline headline{"", "", sweep.of, {system}, {}, 0, 0};
        if (b < r.batches.size()) headline.runs.batches = {r.batches[b]};
        table.set(row, "value", value);
        table.set(row, "system", system);
        table.set(row, "batch", b < r.batches.size() ? std::to_string(r.batches[b]) : "all");
        for (const auto& [column, metric] : columns) {
          headline.metric = metric;
          const Figure figure = headlines.figure(headline, "cycle", variant, r.attribution.part);
          table.set(row, "runs", std::to_string(figure.runs));
          table.set(row, column, value_at(figure.values, 0));
        }
      }
    }
  }
  return table;
}

}  // namespace bondsim::tools
