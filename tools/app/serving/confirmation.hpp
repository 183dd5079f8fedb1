#pragma once
#include <boost/random/mersenne_twister.hpp>
#include <cstdint>
#include <string>
#include <vector>

#include "mapping/llm/batch.hpp"
#include "mapping/speculation/plans.hpp"
#include "models/system/system.hpp"

namespace bondsim::tools {

/// Iterations that are alike: of prompts alone, of both phases, or of decode with about as many requests.
struct Stratum {
  std::string name;
  std::int64_t iterations = 0;     ///< of the run
  std::vector<Batch> sample;       ///< some of them, drawn evenly
  double form_s = 0, cycle_s = 0;  ///< of the sample

  /// Time by cycles over that of the closed form; 1 without a sample.
  double ratio() const { return form_s > 0 && cycle_s > 0 ? cycle_s / form_s : 1; }
};

/// Draws iterations of a run, up to `each` of every stratum, for confirmation by cycles.
class StratifiedSample {
 public:
  StratifiedSample(int max_batch, std::size_t each);
  std::size_t stratum_of(const Batch& batch) const;
  void add(const Batch& batch);
  std::vector<Stratum>& strata() { return strata_; }
  const std::vector<Stratum>& strata() const { return strata_; }

 private:
  int max_batch_;
  std::size_t each_;
  boost::random::mt19937_64 random_{1};
  std::vector<Stratum> strata_;
};

/// Simulates the samples one after the other, in a process of its own, and books their times.
void simulate_samples(const System& system, const speculation::Plans& plans, std::vector<Stratum>& strata);

/// A figure by the closed form, and what it would be if the iterations of each stratum took as much longer as its sample does by cycles.
struct ConfirmedMetric {
  std::string name;
  double form_ms = 0, corrected_ms = 0;
  double error() const { return corrected_ms > 0 ? form_ms / corrected_ms - 1 : 0; }
};

struct Confirmation {
  std::vector<Stratum> strata;
  std::vector<ConfirmedMetric> metrics;
};

}  // namespace bondsim::tools
