#pragma once
#include <memory>

#include "mapping/search/device/roofline_evaluator.hpp"

namespace bondsim::tools {

/// The cycle tier: each workload runs on the simulated device with the dataflow that the exact search finds for it there under the
/// corrected roofline at sustained bandwidths (at peak bandwidths, as published, splits give the NPU far more than it can read in time),
/// sampled as `cycles` of the space says; with drafts, under the dataflows found for them, a round in the middle of the decode. Metrics as
/// device_metrics says, with the energy of every counted action. The memory must hold embedding and LM head, whether they run or not.
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
  search::WorkloadMetrics measure(const search::SpaceSetup& setup, std::size_t job);

  search::DesignSpace space_;
  search::RooflineEvaluator forms_;
  std::unique_ptr<search::DeviceHeat> heat_;
};

}  // namespace bondsim::tools
