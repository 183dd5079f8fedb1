#pragma once
#include <vector>

#include "mapping/search/device/roofline_evaluator.hpp"

namespace bondsim::tools {

/// The cycle tier: each workload runs on the simulated device with the dataflow that the exact search finds for it there under the
/// corrected roofline at sustained bandwidths (at peak bandwidths, as published, splits give the NPU far more than it can read in time),
/// sampled as `cycles` of the space says. Metrics as device_metrics says: the decoder layers, as in the analytical tier, with the energy of
/// every counted action. The memory must hold embedding and LM head besides.
class CycleEvaluator final : public search::Evaluator {
 public:
  /// @throws ConfigError for files the space names.
  explicit CycleEvaluator(const search::DesignSpace& space);

  /// Where its dataflows come from.
  search::RooflineEvaluator& forms() { return forms_; }

  const char* tier() const override { return "cycle"; }
  std::string inputs() const override { return forms_.inputs(); }
  search::Evaluation evaluate(const search::Candidate& candidate) override;

 private:
  struct Job {
    Model model;
    Workload workload;
  };
  search::WorkloadMetrics measure(const System& device, std::size_t job);

  search::DesignSpace space_;
  search::RooflineEvaluator forms_;
  std::vector<Job> jobs_;
};

}  // namespace bondsim::tools
