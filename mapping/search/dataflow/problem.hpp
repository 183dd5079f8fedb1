#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "mapping/cost/cost_model.hpp"
#include "mapping/cost/published/fixed_dataflow.hpp"
#include "mapping/llm/model.hpp"
#include "mapping/llm/workload.hpp"

namespace bondsim::search {

/// Which bindings an operator may have.
enum class BindingRule {
  data_centric,    ///< NMP channels, the normal channels, or both with the operand split between them
  compute_centric  ///< wholly NMP or wholly normal (SpecPIM, ASPLOS'24, as H2-LLM's CC-NMP uses it)
};

/// A GEMM that an operator runs `times` times, one after the other: once, or once for each busy expert or each length of prompt.
struct Turn {
  GemmShape shape;
  double times = 1;
};

/// An operator of a layer. The experts of a layer are one operator: they have the same binding and take their turns on it.
struct SearchOperator {
  std::string name;
  GemmShape prefill;  ///< of one turn
  GemmShape decode;
  double stationary_bytes = 0;  ///< of all layers and experts, what it occupies in the channels
  OperandBits bits = {};
  std::vector<Turn> prefill_turns = {};  ///< empty: one turn of `prefill`
  std::vector<Turn> decode_turns = {};   ///< likewise; they differ in `m` alone
  bool expert = false;                   ///< stands for that operator of every expert

  /// Pieces an operand splits into: whole GEMMs when there are several, columns otherwise.
  std::int64_t units() const { return decode.count > 1 ? decode.count : decode.n; }
  /// `shape` with so many of the units.
  GemmShape with_units(GemmShape shape, std::int64_t units) const {
    (decode.count > 1 ? shape.count : shape.n) = units;
    return shape;
  }
  std::vector<Turn> turns_of_prefill() const { return prefill_turns.empty() ? std::vector<Turn>{{prefill, 1}} : prefill_turns; }
  std::vector<Turn> turns_of_decode() const { return decode_turns.empty() ? std::vector<Turn>{{decode, 1}} : decode_turns; }
};

/// The best dataflow of what graph on what device is asked for.
struct SearchProblem {
  std::vector<SearchOperator> operators;
  std::vector<std::pair<int, int>> edges;  ///< from, to: from < to
  double generated_tokens = 1;
  int experts = 0;  ///< of a layer; 0: one FFN
  cost::LayerDevice device;
  std::vector<int> nmp_channel_numbers = {};  ///< of the system, for a written dataflow; empty: 0 on
  double channel_capacity_bytes = 0;
  BindingRule rule = BindingRule::data_centric;
  /// The NPU's part of a split operator comes from every channel that the operator is bound to, as published; otherwise from the normal
  /// ones, which hold it, and a prefill from the larger kind of channels, which holds most of it.
  bool split_reads_all_channels = true;
  /// The prefill counts as well; otherwise only the decode is made fast, as a search does that knows nothing of the prefill.
  bool prefill_counts = true;
  /// Storing ratios of a split operator that the form is asked for, evenly spaced, where there are more; 0: every unit is asked for. Times
  /// of seven ratios between two of them are interpolated. For forms that take long for an operator.
  std::int64_t most_shares = 0;
  const cost::CostModel* model = nullptr;  ///< outlives the problem

  int nmp_channels() const { return device.nmp.channels; }
};

/// 16 banks of 256 MiB: a channel of the H2-LLM system.
constexpr double published_channel_bytes = 16.0 * 256 * 1024 * 1024;

/// The problem of the published evaluation: one layer's latency, all layers' memory.
SearchProblem make_problem(const cost::Layer& layer, const cost::LayerDevice& device, BindingRule rule, const cost::CostModel& model);

/// The context at which a decode step is judged.
enum class DecodeContext {
  last,  ///< prompt and all generated tokens, as published
  mean   ///< in the middle of the decode
};

/// The problem of a layer's operator graph on a machine: experts, grouped queries, parallel blocks and element widths as the model has
/// them, a decode step of `decode_rows` rows a request, KV caches as long as the mapper reserves them. `device`, `rule`, `model` and the
/// channels' capacity are for the caller to set.
/// @param longest_context KV tokens reserved for a request at least, at most the model's longest context
SearchProblem graph_problem(const Model& model, const Workload& workload, DecodeContext context, std::int64_t longest_context = 0);

/// The LM head alone: one operator, once a step, for all rows. Its memory is one matrix, not one of each layer.
SearchProblem head_problem(const Model& model, const Workload& workload);

}  // namespace bondsim::search
