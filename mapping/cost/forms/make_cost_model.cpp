#include "mapping/cost/forms/make_cost_model.hpp"

#include <map>
#include <mutex>

#include "mapping/cost/detailed/detailed.hpp"
#include "mapping/cost/ideal/roofline_ideal.hpp"
#include "mapping/cost/published/h2llm_roofline.hpp"
#include "models/base/csv_table.hpp"

namespace bondsim::cost {
namespace {

/// measured_errors.csv of this folder, as CMake found it.
constexpr const char* measured_errors =
#include <measured_errors.inc>
    ;

struct Entry {
  const char* name;
  std::unique_ptr<CostModel> (*make)(const System* system);
};

/// Every closed form, one line each.
constexpr Entry entries[] = {
    {"h2llm-roofline", [](const System*) { return std::unique_ptr<CostModel>(new H2llmRoofline(false)); }},
    {"h2llm-roofline-corrected", [](const System*) { return std::unique_ptr<CostModel>(new H2llmRoofline(true)); }},
    {"roofline-ideal", [](const System*) { return std::unique_ptr<CostModel>(new RooflineIdeal); }},
    {"detailed",
     [](const System* system) {
       if (system == nullptr) throw ConfigError("--model: 'detailed' needs a system, none is given");
       return std::unique_ptr<CostModel>(new Detailed(*system));
     }},
};

/// Closed forms that came by add_cost_model().
class OwnForms {
 public:
  static OwnForms& get() {
    static OwnForms forms;
    return forms;
  }
  void add(const std::string& name, CostModelMaker make) {
    const std::lock_guard<std::mutex> lock(mutex_);
    makers_[name] = std::move(make);
  }
  /// Empty: there is none.
  CostModelMaker find(const std::string& name) const {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = makers_.find(name);
    return found == makers_.end() ? CostModelMaker() : found->second;
  }
  std::vector<std::string> names() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<std::string> names;
    for (const auto& entry : makers_) names.push_back(entry.first);
    return names;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, CostModelMaker> makers_;
};

const Entry* find_entry(const std::string& name) {
  for (const Entry& entry : entries) {
    if (name == entry.name) return &entry;
  }
  return nullptr;
}

[[noreturn]] void unknown(const std::string& name) {
  throw ConfigError(fmt::format("--form: '{}' is not known, allowed: {}", name, fmt::join(cost_model_names(), ", ")));
}

}  // namespace

std::vector<std::string> cost_model_names() {
  std::vector<std::string> names;
  for (const Entry& entry : entries) names.emplace_back(entry.name);
  for (std::string& own : OwnForms::get().names()) names.push_back(std::move(own));
  return names;
}

std::unique_ptr<CostModel> make_cost_model(const std::string& name, const System* system) {
  if (const Entry* entry = find_entry(name)) return entry->make(system);
  if (const CostModelMaker own = OwnForms::get().find(name)) return own(system);
  unknown(name);
}

void add_cost_model(const std::string& name, CostModelMaker make) {
  if (name.empty() || find_entry(name) != nullptr) {
    throw ConfigError(fmt::format("a closed form of one's own named '{}', allowed: a name that is none of bondsim's", name));
  }
  OwnForms::get().add(name, std::move(make));
}

MeasuredError measured_error(const std::string& name, const std::string& suite) {
  if (find_entry(name) == nullptr) unknown(name);
  const CsvTable table = CsvTable::parse(measured_errors, "measured_errors.csv");
  for (std::size_t row = 0; row < table.rows(); ++row) {
    if (table.text(row, "form") != name || table.text(row, "suite") != suite) continue;
    constexpr double most = 1e9;
    return {static_cast<int>(table.integer(row, "cases", 1, 1 << 30)), table.number(row, "mape_percent", 0, most),
            table.number(row, "worst_percent", -most, most), table.number(row, "kendall_tau", -1, 1)};
  }
  throw InternalError(fmt::format("measured_errors.csv has no line of {} on the suite {}: tools/measure_errors writes it", name, suite));
}

std::string measured_error_text(const std::string& name, const std::string& suite) {
  if (OwnForms::get().find(name)) return name + ": a closed form of your own; bondsim validate says how far it is from the cycle model";
  const MeasuredError e = measured_error(name, suite);
  const char* cases = suite == "steps" ? "whole prefills and decode steps" : "operators";
  return fmt::format("{} against the cycle model, {} {} of the validation suite '{}': {:.3g} % mean error, worst {:+.3g} %", name, e.cases,
                     cases, suite, e.mean_percent, e.worst_percent);
}

}  // namespace bondsim::cost
