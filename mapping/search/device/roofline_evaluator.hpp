#pragma once
#include <map>

#include "mapping/search/device/device_dataflow.hpp"
#include "mapping/search/device/device_metrics.hpp"

namespace bondsim::search {

/// The analytical tier: for each workload the best dataflow under a closed form, found exactly. Metrics as device_metrics says; the energy
/// is that of the GEMMs' counted actions (gemm_counts) and of static power by the system's table, without refresh and vector work. Devices
/// that differ only in what the closed form does not see (buffers, unless it is `detailed`) share one search.
class RooflineEvaluator final : public Evaluator {
 public:
  /// @throws ConfigError for files the space names.
  RooflineEvaluator(const DesignSpace& space, const std::string& cost_model, Bandwidths bandwidths = Bandwidths::peak);

  const char* tier() const override { return "analytical"; }
  std::string inputs() const override { return inputs_; }
  Evaluation evaluate(const Candidate& candidate) override;

  /// The system of a candidate, decoded and checked.
  System system(const Candidate& candidate) const;
  /// The dataflow found for a workload on a device. @throws InfeasibleError when none fits.
  const Dataflow& dataflow(const System& device, std::size_t job);

 private:
  struct Found {
    std::string reason;  ///< why there is none
    DeviceDataflow dataflow;
  };
  const Found& best(const System& device, std::size_t job);
  Found search(const System& device, std::size_t job) const;
  WorkloadMetrics measure(const System& device, std::size_t job);

  DesignSpace space_;
  std::string cost_model_;
  Bandwidths bandwidths_;
  ConfigNode system_node_;
  std::string inputs_;
  std::vector<Model> models_;                                   ///< by workload
  std::vector<Workload> workloads_;                             ///< likewise
  std::map<std::pair<std::string, std::size_t>, Found> found_;  ///< by device_key and workload
};

}  // namespace bondsim::search
