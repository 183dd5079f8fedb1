#pragma once
#include <map>
#include <optional>

#include "mapping/search/device/device_dataflow.hpp"
#include "mapping/search/device/device_metrics.hpp"
#include "mapping/search/device/space_setup.hpp"

namespace bondsim::search {

/// What a search found for a workload on a device.
struct JobDataflows {
  std::string reason;  ///< why there is nothing
  DeviceDataflow model;
  std::optional<DeviceDataflow> draft;  ///< where drafts take time
  bool draft_has_dataflow = false;      ///< of its own; drafts by the model's first layers run under the model's
};

/// The analytical tier: for each workload the best dataflow under a closed form, found exactly. Metrics as device_metrics says; the energy
/// is that of the GEMMs' counted actions (gemm_counts) and of static power by the system's table, without refresh and vector work. Devices
/// that differ only in what the closed form does not see (buffers, unless it is `detailed`) share one search.
///
/// A workload with drafts has a dataflow for the rows of its verifications and one for its drafts, by `detailed`; decode takes as many
/// rounds as are expected for the generated tokens. The draft's steps of a tree count with their mean rows.
class RooflineEvaluator final : public Evaluator {
 public:
  /// @throws ConfigError for files the space names, and for a form at peak bandwidths that cannot judge drafts.
  RooflineEvaluator(const DesignSpace& space, const std::string& cost_model, Bandwidths bandwidths = Bandwidths::peak);

  const char* tier() const override { return "analytical"; }
  std::string inputs() const override { return cost_model_ + "\n" + inputs_.text(); }
  Evaluation evaluate(const Candidate& candidate) override;

  SpaceSetup setup(const Candidate& candidate) const { return inputs_.setup(candidate); }
  /// The dataflows found for a workload on a device. @throws InfeasibleError when none fits.
  const JobDataflows& dataflows(const SpaceSetup& setup, std::size_t job);

 private:
  const JobDataflows& best(const SpaceSetup& setup, std::size_t job);
  JobDataflows search(const SpaceSetup& setup, std::size_t job) const;
  DeviceQuestion question_of(const SpaceSetup& setup, std::size_t job) const;
  void search_with_drafts(DeviceQuestion question, const SpaceJob& job, JobDataflows& found) const;
  WorkloadMetrics measure(const SpaceSetup& setup, std::size_t job);
  const std::string& form_of(const SpaceJob& job) const;

  DesignSpace space_;
  std::string cost_model_;
  Bandwidths bandwidths_;
  SpaceInputs inputs_;
  std::unique_ptr<DeviceHeat> heat_;                                   ///< null: no temperatures
  std::map<std::pair<std::string, std::size_t>, JobDataflows> found_;  ///< by device_key with the setup's key, and workload
};

}  // namespace bondsim::search
