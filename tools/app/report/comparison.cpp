#include "tools/app/report/comparison.hpp"

#include <fmt/ranges.h>

#include <algorithm>
#include <map>

#include "models/results/phases.hpp"
#include "models/results/results_read.hpp"

namespace bondsim::tools::report {
namespace {

/// A figure of a run.
struct Figure {
  const char* name;
  const char* unit;
  double (*of)(const Results&);
};

const Figure figures[] = {
    {"prefill", "s", [](const Results& r) { return to_seconds(r.prefill); }},
    {"decode", "s", [](const Results& r) { return to_seconds(r.decode()); }},
    {"total", "s", [](const Results& r) { return to_seconds(r.total); }},
    {"prefill rate", "tokens/s", [](const Results& r) { return phase_figures(r, "prefill").tokens_per_s(); }},
    {"decode rate", "tokens/s", [](const Results& r) { return phase_figures(r, "decode").tokens_per_s(); }},
    {"time between tokens", "s",
     [](const Results& r) { return r.steps.empty() ? 0.0 : to_seconds(r.decode()) / static_cast<double>(r.steps.size()); }},
    {"99th percentile", "s", [](const Results& r) { return to_seconds(r.step_percentile(0.99)); }},
    {"energy", "J", [](const Results& r) { return to_joules(r.energy_total); }},
    {"prefill energy a token", "J", [](const Results& r) { return phase_figures(r, "prefill").joules_per_token(); }},
    {"decode energy a token", "J", [](const Results& r) { return phase_figures(r, "decode").joules_per_token(); }}};

using Values = std::map<std::string, std::string>;

Values values_of(const Results& results) {
  Values out = {{"model", results.schedule.model}, {"system", results.system}, {"dataflow", results.schedule.dataflow}};
  for (const ConfigValue& value : results.config_values) out[value.key] = value.value;
  return out;
}

std::vector<Comparison::Difference> differences_of(const std::vector<Values>& runs) {
  std::map<std::string, std::vector<std::string>> by_key;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    for (const auto& [key, value] : runs[i]) {
      by_key[key].resize(runs.size());
      by_key[key][i] = value;
    }
  }
  std::vector<Comparison::Difference> out;
  for (const auto& [key, values] : by_key) {
    if (std::any_of(values.begin(), values.end(), [&first = values.front()](const std::string& v) { return v != first; })) {
      out.push_back({key, values});
    }
  }
  return out;
}

}  // namespace

Comparison compare_runs(const std::vector<std::string>& directories) {
  Comparison out;
  out.runs = directories;
  for (const Figure& figure : figures) out.figures.push_back({figure.name, figure.unit, {}});
  std::vector<Values> values;
  for (const std::string& directory : directories) {
    const Results results = read_results(directory + "/results.json");
    for (std::size_t i = 0; i < out.figures.size(); ++i) out.figures[i].values.push_back(figures[i].of(results));
    values.push_back(values_of(results));
  }
  out.differences = differences_of(values);
  return out;
}

std::string comparison_text(const Comparison& c) {
  std::string out = fmt::format("{:<24}", "");
  for (const std::string& run : c.runs) out += fmt::format("{:>26}", run.size() > 24 ? "..." + run.substr(run.size() - 21) : run);
  out += "\n";
  for (const auto& figure : c.figures) {
    out += fmt::format("{:<24}", figure.name);
    for (std::size_t i = 0; i < figure.values.size(); ++i) {
      const std::string value = fmt::format("{:.6g} {}", figure.values[i], figure.unit);
      const bool ratio = i > 0 && figure.values[0] > 0;
      out += ratio ? fmt::format("{:>18}{:>8}", value, fmt::format("x{:.3f}", figure.values[i] / figure.values[0]))
                   : fmt::format("{:>26}", value);
    }
    out += "\n";
  }
  if (c.differences.empty()) return out + "the configurations are the same\n";
  out += "differing keys\n";
  for (const auto& difference : c.differences) {
    out += fmt::format("  {}: {}\n", difference.key, fmt::join(difference.values, " | "));
  }
  return out;
}

}  // namespace bondsim::tools::report
