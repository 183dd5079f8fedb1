#include "mapping/search/hardware/evaluator.hpp"

#include <nlohmann/json.hpp>

namespace bondsim::search {

std::string to_json(const Evaluation& evaluation) {
  nlohmann::json json;
  json["feasible"] = evaluation.feasible;
  json["reason"] = evaluation.reason;
  json["metrics"] = evaluation.metrics;
  return json.dump();
}

Evaluation evaluation_from_json(const std::string& text) {
  const auto json = nlohmann::json::parse(text);
  Evaluation evaluation;
  evaluation.feasible = json.at("feasible").get<bool>();
  evaluation.reason = json.at("reason").get<std::string>();
  evaluation.metrics = json.at("metrics").get<std::map<std::string, double>>();
  return evaluation;
}

}  // namespace bondsim::search
