#include "mapping/cost/forms/make_cost_model.hpp"

#include "mapping/cost/detailed/detailed.hpp"
#include "mapping/cost/ideal/roofline_ideal.hpp"
#include "mapping/cost/published/h2llm_roofline.hpp"

namespace bondsim::cost {
namespace {

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

}  // namespace

std::vector<std::string> cost_model_names() {
  std::vector<std::string> names;
  for (const Entry& entry : entries) names.emplace_back(entry.name);
  return names;
}

std::unique_ptr<CostModel> make_cost_model(const std::string& name, const System* system) {
  for (const Entry& entry : entries) {
    if (name == entry.name) return entry.make(system);
  }
  throw ConfigError(fmt::format("--model: '{}' is not known, allowed: {}", name, fmt::join(cost_model_names(), ", ")));
}

}  // namespace bondsim::cost
