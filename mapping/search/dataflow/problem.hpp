#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "mapping/cost/cost_model.hpp"
#include "mapping/cost/published/fixed_dataflow.hpp"

namespace bondsim::search {

/// Which bindings an operator may have.
enum class BindingRule {
  data_centric,    ///< NMP channels, the normal channels, or both with the operand split between them
  compute_centric  ///< wholly NMP or wholly normal (SpecPIM, ASPLOS'24, as H2-LLM's CC-NMP uses it)
};

struct SearchOperator {
  std::string name;
  GemmShape prefill;
  GemmShape decode;
  double stationary_bytes = 0;  ///< of all layers, what it occupies in the channels

  /// Pieces an operand splits into: whole GEMMs when there are several, columns otherwise.
  std::int64_t units() const { return decode.count > 1 ? decode.count : decode.n; }
};

/// The best dataflow of what graph on what device is asked for.
struct SearchProblem {
  std::vector<SearchOperator> operators;
  std::vector<std::pair<int, int>> edges;  ///< from, to: from < to
  double generated_tokens = 1;
  double element_bytes = 2;
  cost::LayerDevice device;
  double channel_capacity_bytes = 0;
  BindingRule rule = BindingRule::data_centric;
  /// The NPU's part of a split operator comes from every channel that the operator is bound to, as published; otherwise from the normal
  /// ones, which hold it, and a prefill from the larger kind of channels, which holds most of it.
  bool split_reads_all_channels = true;
  const cost::CostModel* model = nullptr;  ///< outlives the problem

  int nmp_channels() const { return device.nmp.channels; }
};

/// 16 banks of 256 MiB: a channel of the H2-LLM system.
constexpr double published_channel_bytes = 16.0 * 256 * 1024 * 1024;

/// The problem of the published evaluation: one layer's latency, all layers' memory.
SearchProblem make_problem(const cost::Layer& layer, const cost::LayerDevice& device, BindingRule rule, const cost::CostModel& model);

}  // namespace bondsim::search
