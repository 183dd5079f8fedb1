#pragma once
#include <map>
#include <memory>

#include "mapping/llm/model.hpp"
#include "mapping/llm/workload.hpp"
#include "mapping/search/hardware/evaluator.hpp"
#include "mapping/search/search_result.hpp"
#include "models/system/system.hpp"

namespace bondsim::search {

/// The analytical tier: for each workload the best dataflow under a closed form, found exactly. Metrics, weighted means over the workloads:
///   latency_s, prefill_s, decode_s   all layers, one batch
///   energy_j                         GEMMs and static power by the system's energy table; no refresh, no vector work
///   edp_js                           energy times latency
///   pe_area_mm2                      of one PE, whatever the workload
/// Devices that differ only in what the closed form does not see (buffers) share one search.
class RooflineEvaluator final : public Evaluator {
 public:
  /// @throws ConfigError for files the space names.
  RooflineEvaluator(const DesignSpace& space, const std::string& cost_model);

  const char* tier() const override { return "analytical"; }
  std::vector<std::string> metrics() const override;
  std::string inputs() const override { return inputs_; }
  Evaluation evaluate(const Candidate& candidate) override;

  /// The system of a candidate, decoded and checked.
  System system(const Candidate& candidate) const;
  /// The dataflows found for a candidate, one a workload, as text.
  std::vector<std::string> dataflows(const Candidate& candidate);

 private:
  struct Job {
    cost::Layer layer;
    double weight;
  };
  struct Found {
    bool feasible = false;
    std::string reason;
    cost::LayerLatency latency;
    EnergyCounts counts;  ///< of one layer, without times
    std::string dataflow;
  };
  const Found& best(const System& system, std::size_t job);
  void add_metrics(const System& system, std::size_t job, Evaluation& evaluation);

  DesignSpace space_;
  std::unique_ptr<cost::CostModel> model_;
  ConfigNode system_node_;
  std::string inputs_;
  std::vector<Job> jobs_;
  std::map<std::pair<std::string, std::size_t>, Found> found_;
};

}  // namespace bondsim::search
