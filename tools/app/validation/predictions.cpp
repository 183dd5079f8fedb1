#include "tools/app/validation/predictions.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <map>
#include <vector>

namespace bondsim::tools {
namespace {

constexpr double shortest_s = 1e-15, longest_s = 1e12;

bool of_experiment(const CsvTable& cases) { return cases.has_column("operator") && cases.has_column("step"); }

/// The column of the time; all that is missing is said at once.
std::string checked_columns(const std::string& file, const CsvTable& predictions, bool by_name) {
  std::vector<std::string> missing;
  for (const char* column : {"operator", "phase", "step"}) {
    if (by_name && !predictions.has_column(column)) missing.emplace_back(column);
  }
  const bool ours = !predictions.has_column("latency_s") && predictions.has_column("cycle_latency_s");
  if (!ours && !predictions.has_column("latency_s")) missing.emplace_back("latency_s");
  if (!missing.empty()) {
    throw ConfigError(fmt::format("{}:1: columns missing: {}; found: {} (--write-template writes a file to fill in)", file,
                                  fmt::join(missing, ", "), fmt::join(predictions.columns(), ", ")));
  }
  return ours ? "cycle_latency_s" : "latency_s";
}

std::string name_of(const CsvTable& table, std::size_t row) {
  return fmt::format("{} in {}, step {}", table.text(row, "operator"), table.text(row, "phase"), table.text(row, "step"));
}

void check_shape(const CsvTable& predictions, std::size_t row, const CsvTable& cases, std::size_t place) {
  for (const char* column : {"B", "M", "N", "K"}) {
    if (!predictions.has(row, column) || !cases.has(place, column)) continue;
    const std::int64_t asked = cases.integer(place, column, 1, std::int64_t{1} << 40);
    if (predictions.integer(row, column, 1, std::int64_t{1} << 40) != asked) {
      predictions.error(row, column, fmt::format("{} found, the operator has {}", predictions.text(row, column), asked));
    }
  }
}

/// Places of the cases by name; one that several cases have is taken in their order.
class Places {
 public:
  explicit Places(const CsvTable& cases) {
    for (std::size_t row = 0; row < cases.rows(); ++row) places_[name_of(cases, row)].push_back(row);
  }

  std::size_t take(const CsvTable& predictions, std::size_t row) {
    const std::string name = name_of(predictions, row);
    const auto found = places_.find(name);
    if (found == places_.end()) predictions.error(row, "operator", fmt::format("{} is no case of the experiment", name));
    std::size_t& taken = taken_[name];
    if (taken == found->second.size()) predictions.error(row, "operator", fmt::format("{} stands twice", name));
    return found->second[taken++];
  }

 private:
  std::map<std::string, std::vector<std::size_t>> places_;
  std::map<std::string, std::size_t> taken_;
};

}  // namespace

Judged read_predictions(const std::string& file, const CsvTable& cases) {
  const CsvTable predictions = CsvTable::load(file);
  const bool by_name = of_experiment(cases);
  const std::string time = checked_columns(file, predictions, by_name);
  if (!by_name && predictions.rows() != cases.rows()) {
    throw ConfigError(fmt::format("{}: {} rows, allowed: one for each of the {} cases", file, predictions.rows(), cases.rows()));
  }
  Judged judged{"predictions", std::vector<double>(cases.rows())};
  Places places(by_name ? cases : CsvTable::parse("operator,phase,step\n", "no cases"));
  for (std::size_t row = 0; row < predictions.rows(); ++row) {
    const std::size_t place = by_name ? places.take(predictions, row) : row;
    check_shape(predictions, row, cases, place);
    if (predictions.has(row, time)) judged.seconds[place] = predictions.number(row, time, shortest_s, longest_s);
  }
  return judged;
}

std::string prediction_template(const CsvTable& cases) {
  CsvTable table = cases;
  for (std::size_t row = 0; row < table.rows(); ++row) table.set(row, "latency_s", "");
  return table.to_text();
}

}  // namespace bondsim::tools
