#include "mapping/cost/forms/make_cost_model.hpp"

#include "mapping/cost/detailed/detailed.hpp"
#include "mapping/cost/ideal/roofline_ideal.hpp"
#include "mapping/cost/published/h2llm_roofline.hpp"

namespace bondsim::cost {
namespace {

struct Entry {
  const char* name;
  MeasuredError error;
  std::unique_ptr<CostModel> (*make)(const System* system);
};

/// Every closed form, one line each.
constexpr Entry entries[] = {
    {"h2llm-roofline", {600, 28.8, 882.8}, [](const System*) { return std::unique_ptr<CostModel>(new H2llmRoofline(false)); }},
    {"h2llm-roofline-corrected", {600, 28.3, 882.8}, [](const System*) { return std::unique_ptr<CostModel>(new H2llmRoofline(true)); }},
    {"roofline-ideal", {600, 31.3, -95.0}, [](const System*) { return std::unique_ptr<CostModel>(new RooflineIdeal); }},
    {"detailed",
     {600, 0.20, 10.8},
     [](const System* system) {
       if (system == nullptr) throw ConfigError("--model: 'detailed' needs a system, none is given");
       return std::unique_ptr<CostModel>(new Detailed(*system));
     }},
};

const Entry& entry_of(const std::string& name) {
  for (const Entry& entry : entries) {
    if (name == entry.name) return entry;
  }
  throw ConfigError(fmt::format("--model: '{}' is not known, allowed: {}", name, fmt::join(cost_model_names(), ", ")));
}

}  // namespace

std::vector<std::string> cost_model_names() {
  std::vector<std::string> names;
  for (const Entry& entry : entries) names.emplace_back(entry.name);
  return names;
}

std::unique_ptr<CostModel> make_cost_model(const std::string& name, const System* system) { return entry_of(name).make(system); }

MeasuredError measured_error(const std::string& name) { return entry_of(name).error; }

std::string measured_error_text(const std::string& name) {
  const MeasuredError e = measured_error(name);
  return fmt::format("{} against the cycle model, {} operators of the validation suite: {:.3g} % mean error, worst {:+.3g} %", name,
                     e.operators, e.mean_percent, e.worst_percent);
}

}  // namespace bondsim::cost
