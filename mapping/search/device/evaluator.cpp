#include "mapping/search/device/evaluator.hpp"

#include <nlohmann/json.hpp>
#include <sstream>

namespace bondsim::search {

std::string judging_task(const std::string& tier, const Candidate& candidate) {
  return fmt::format("{} {}", tier, fmt::join(candidate, " "));
}

std::string judge_task(const std::vector<Evaluator*>& evaluators, const std::string& task) {
  std::istringstream text(task);
  std::string tier;
  text >> tier;
  Candidate candidate;
  for (int row = 0; text >> row;) candidate.push_back(row);
  for (Evaluator* evaluator : evaluators) {
    if (tier == evaluator->tier()) return to_json(evaluator->evaluate(candidate));
  }
  throw InternalError(fmt::format("no evaluator for the task '{}'", task));
}

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
