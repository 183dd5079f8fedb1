#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tools/app/validation/validation.hpp"
#include "tools/app/validation/validation_report.hpp"

namespace bondsim::tools {

/// Cases to validate: one of an experiment, a table of operators, a suite, or the rows of the predictions themselves.
struct ValidationRequest {
  ExperimentRequest experiment;                      ///< `file` empty: none
  int samples = 3;                                   ///< of an experiment: decode steps
  std::string ops;                                   ///< CSV of operators
  std::string suite;                                 ///< quick, full, quick_steps, steps
  std::string predictions;                           ///< CSV with latency_s for each case; alone, its rows are the operators too
  std::string system = "configs/system/h2llm.yaml";  ///< everything that rows of operators do not say
  std::vector<std::string> forms;                    ///< closed forms to judge; empty: all, or none beside predictions
  int jobs = 2;                                      ///< simulations at a time
  unsigned limit_s = 600;                            ///< seconds of wall time a simulation may take; 0: any
};

/// The cases with what each closed form says of them, before anything is simulated.
struct ValidationPlan {
  ValidationSet set;
  std::vector<Judged> judged;
};

/// The cases that a request names. @throws ConfigError
ValidationSet validation_cases(const ValidationRequest& request);

/// Reads everything and asks the closed forms. @throws ConfigError
ValidationPlan plan_validation(const ValidationRequest& request);

}  // namespace bondsim::tools
