#include "tools/app/report/comparison.hpp"

#include <algorithm>
#include <map>

#include "models/base/error.hpp"
#include "tools/app/report/inputs.hpp"

namespace bondsim::tools::report {
namespace {

/// Where a figure stands in results.json.
struct Source {
  const char* name;
  const char* unit;
  const char* pointer;
};

constexpr Source sources[] = {{"prefill", "s", "/phases/prefill/time_s"},
                              {"decode", "s", "/phases/decode/time_s"},
                              {"total", "s", "/latency_s/total"},
                              {"prefill rate", "tokens/s", "/phases/prefill/tokens_per_s"},
                              {"decode rate", "tokens/s", "/phases/decode/tokens_per_s"},
                              {"time between tokens", "s", "/latency_s/tbt_mean"},
                              {"99th percentile", "s", "/latency_s/tbt_p99"},
                              {"energy", "J", "/energy_j/total"},
                              {"prefill energy a token", "J", "/phases/prefill/energy_per_token_j"},
                              {"decode energy a token", "J", "/phases/decode/energy_per_token_j"}};

using Values = std::map<std::string, std::string>;

Values values_of(const Json& results) {
  Values out = {{"model", results.at("model").get<std::string>()},
                {"system", results.at("system").get<std::string>()},
                {"dataflow", results.at("dataflow").get<std::string>()}};
  for (const Json& value : results.at("config").value("values", Json::array())) {
    out[value.at("key").get<std::string>()] = value.at("value").get<std::string>();
  }
  return out;
}

Json results_of(const std::string& directory) { return load_run(directory).at("results"); }

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
    if (std::any_of(values.begin(), values.end(), [&values](const std::string& v) { return v != values.front(); })) {
      out.push_back({key, values});
    }
  }
  return out;
}

}  // namespace

Comparison compare_runs(const std::vector<std::string>& directories) {
  Comparison out;
  out.runs = directories;
  for (const Source& source : sources) out.figures.push_back({source.name, source.unit, {}});
  std::vector<Values> values;
  for (const std::string& directory : directories) {
    try {
      const Json results = results_of(directory);
      for (std::size_t i = 0; i < out.figures.size(); ++i) {
        out.figures[i].values.push_back(results.at(Json::json_pointer(sources[i].pointer)).get<double>());
      }
      values.push_back(values_of(results));
    } catch (const Json::exception& e) {
      throw ConfigError(fmt::format("{}/results.json: is damaged: {}", directory, e.what()));
    }
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
