#pragma once
#include <map>
#include <string>

#include "mapping/search/device/design_space.hpp"

namespace bondsim::search {

/// Judgement of one device.
struct Evaluation {
  bool feasible = false;
  std::string reason;                     ///< why not
  std::map<std::string, double> metrics;  ///< by name with unit, e.g. latency_s; smaller is better
};

/// Judges devices: candidate in, metrics out. The closed forms are one tier, a cycle model can be another. One object serves one process.
class Evaluator {
 public:
  virtual ~Evaluator() = default;
  virtual const char* tier() const = 0;
  /// Canonical text of every input that evaluations depend on: a search is resumed only on the same.
  virtual std::string inputs() const = 0;
  /// The same candidate gives the same evaluation, bit for bit, in any process. @throws ConfigError for settings no system can have.
  virtual Evaluation evaluate(const Candidate& candidate) = 0;
};

/// Task and answer of a pool of workers: a text of tier and row numbers; the evaluation as JSON, by the evaluator of that tier.
std::string judging_task(const std::string& tier, const Candidate& candidate);
std::string judge_task(const std::vector<Evaluator*>& evaluators, const std::string& task);

/// One line of JSON and back.
std::string to_json(const Evaluation& evaluation);
Evaluation evaluation_from_json(const std::string& text);

}  // namespace bondsim::search
