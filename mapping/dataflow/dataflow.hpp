#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "mapping/dataflow/channel_set.hpp"
#include "mapping/dataflow/groups.hpp"
#include "mapping/llm/graph.hpp"
#include "models/base/fields.hpp"
#include "models/schedule/schedule_names.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// Who computes an operator: the NPU, the channels with PEs, or both side by side.
enum class Executor { npu, nmp, split };
template <>
inline constexpr EnumEntry<Executor> enum_names<Executor>[] = {{"npu", Executor::npu}, {"nmp", Executor::nmp}, {"split", Executor::split}};

/// How K and N are cut over channels: by the published closed form, or by walking the candidates.
enum class SplitPolicy { closed_form, search };
template <>
inline constexpr EnumEntry<SplitPolicy> enum_names<SplitPolicy>[] = {{"closed_form", SplitPolicy::closed_form},
                                                                     {"search", SplitPolicy::search}};

/// Who multiplies by the LM head at the end of prefill: the NPU, or those who do in decode, when it has a row a request just so.
enum class PrefillHead { npu, as_decode };
template <>
inline constexpr EnumEntry<PrefillHead> enum_names<PrefillHead>[] = {{"npu", PrefillHead::npu}, {"as_decode", PrefillHead::as_decode}};

/// A share in proportion to bandwidths: the peaks, or what row changes and refresh leave of them.
enum class ShareRule { balanced, sustained };
template <>
inline constexpr EnumEntry<ShareRule> enum_names<ShareRule>[] = {{"balanced", ShareRule::balanced}, {"sustained", ShareRule::sustained}};

/// The part of a split operator that the NMP channels hold: by a rule, or a number above 0 and below 1.
using NmpShare = std::variant<ShareRule, double>;

/// Who holds and multiplies the operators of a list, as written: a rule of a file or of a search.
struct OperatorRule {
  std::vector<std::string> names;
  Executor executor = Executor::npu;
  ChannelSet nmp_channels;
  bool normal_channels = false;
  std::optional<NmpShare> nmp_share;  ///< executor split, and no other
  ConfigNode where;
};

/// Where the experts of a layer lie whose rule says executor nmp.
enum class ExpertPlacement {
  spread,       ///< each over all NMP channels of the rule
  round_robin,  ///< each whole on one channel, in turn
  by_load       ///< each whole on one channel, so that the expected rows of the channels are as even as a greedy deal makes them
};
template <>
inline constexpr EnumEntry<ExpertPlacement> enum_names<ExpertPlacement>[] = {
    {"spread", ExpertPlacement::spread}, {"round_robin", ExpertPlacement::round_robin}, {"by_load", ExpertPlacement::by_load}};

struct ExpertRule {
  ExpertPlacement placement = ExpertPlacement::spread;
  std::int64_t npu_rows = 0;
};
template <class Visitor>
void fields(Visitor& v, ExpertRule& c) {
  v.field("placement", c.placement, defaulted("experts over all channels of their rule, or whole on one, in turn or by expected load"));
  v.field("npu_rows", c.npu_rows,
          defaulted("decode: an expert with so many rows or more is multiplied by the NPU from where it lies (Duplex, MICRO'24); 0: never")
              .range(0, 1 << 20));
}

/// Who does vector operators of some kinds in decode, as written. The NPU does those that no rule names.
struct VectorRule {
  std::vector<std::string> kinds;
  Executor executor = Executor::npu;
  ChannelSet nmp_channels;
  ConfigNode where;
};

/// Kinds of vector work that a channel can do: each element, or each row, of its own.
const std::vector<VectorKind>& kinds_beside_banks();

/// A dataflow as written: by a `schema: bondsim.dataflow/1` file, or by a search (search::written_dataflow). resolve() makes it concrete
/// for a system and a model.
struct Dataflow {
  std::string name;
  SplitPolicy split = SplitPolicy::closed_form;
  double prefill_copies = 0;  ///< part of the columns of weights on NMP channels that normal channels hold too
  PrefillHead prefill_head = PrefillHead::npu;
  std::vector<OperatorRule> operators;
  std::vector<AccessGroupFile> groups;
  ExpertRule experts;
  std::vector<VectorRule> vectors;
  bool attention_overlap = false;  ///< softmax and transfers of some heads go beside the products of others of their channels
};

template <class Visitor>
void fields(Visitor& v, OperatorRule& c);
template <class Visitor>
void fields(Visitor& v, VectorRule& c);
template <class Visitor>
void fields(Visitor& v, Dataflow& c) {
  v.field("name", c.name, required("name of the dataflow"));
  v.field("split", c.split,
          defaulted("how a weight GEMM is cut over NMP channels: nearest divisor of the closed form, or the best of all cuts"));
  v.field("prefill_copies", c.prefill_copies,
          defaulted("part of the columns of each weight GEMM on NMP channels alone of which the normal channels hold a copy, which prefill "
                    "reads instead")
              .range(0, 1));
  v.field("prefill_head", c.prefill_head, defaulted("who multiplies by the LM head at the end of prefill, a row for each request"));
  v.sections("operators", c.operators, required("who holds and runs each GEMM in decode; the first rule that names it counts"));
  v.sections("groups", c.groups,
             defaulted("memory access groups of a decoder layer in their order; without them, operators run when their inputs are there"));
  v.section("experts", c.experts, defaulted("where experts lie, and when the NPU multiplies them"));
  v.sections("vector", c.vectors, defaulted("who does vector operators in decode, by kind; the NPU where no rule names a kind"));
  v.field("attention_overlap", c.attention_overlap,
          defaulted("attention on PEs in decode: transfers and softmax of the heads that a channel computes first go beside the products "
                    "of the next; off: operator by operator"));
}

/// Reads a dataflow file. @throws ConfigError
Dataflow decode_dataflow(const ConfigNode& node);

/// The text of a dataflow file, which decode_dataflow() reads back to the same. @param comment first line, without `#`; empty: none
std::string to_file(const Dataflow& dataflow, const std::string& comment = {});

/// Where one GEMM's stationary operand lives and who multiplies it (an entry of the OCMap).
struct Binding {
  Executor executor = Executor::npu;
  std::vector<int> nmp_channels;     ///< ascending
  std::vector<int> normal_channels;  ///< all of them or none
  double nmp_share = 0;              ///< storing ratio of a split operator: the part on the NMP channels

  std::vector<int> all_channels() const;
};

/// A dataflow that fits its system and model: only resolve() makes one, so what it holds is legal.
class ResolvedDataflow {
 public:
  const std::string& name() const { return name_; }
  SplitPolicy split() const { return split_; }
  /// Part of the columns of weights on NMP channels alone of which the normal channels hold a copy for prefill.
  double prefill_copies() const { return prefill_copies_; }
  PrefillHead prefill_head() const { return prefill_head_; }
  /// Of a GEMM of the layer or the head.
  const Binding& binding(const std::string& gemm) const { return bindings_.at(gemm); }
  /// MAGs of a layer in order; empty when operators run as their inputs allow.
  const std::vector<AccessGroup>& groups() const { return groups_; }
  /// Whether the NPU multiplies an expert of so many rows in decode, wherever it lies.
  bool expert_on_npu(std::int64_t rows) const { return npu_rows_ > 0 && rows >= npu_rows_; }
  bool experts_by_rows() const { return npu_rows_ > 0; }
  /// NMP channels that do vector operators of a kind in decode; empty: the NPU does.
  const std::vector<int>& vector_channels(VectorKind kind) const {
    static const std::vector<int> npu;
    const auto found = vector_channels_.find(kind);
    return found == vector_channels_.end() ? npu : found->second;
  }
  bool attention_overlap() const { return attention_overlap_; }

 private:
  friend ResolvedDataflow resolve(const Dataflow&, const System&, const OperatorGraph&, const OperatorGraph&, const std::vector<double>&);
  std::string name_;
  SplitPolicy split_ = SplitPolicy::closed_form;
  double prefill_copies_ = 0;
  PrefillHead prefill_head_ = PrefillHead::npu;
  std::map<std::string, Binding> bindings_;
  std::vector<AccessGroup> groups_;
  std::int64_t npu_rows_ = 0;
  std::map<VectorKind, std::vector<int>> vector_channels_;
  bool attention_overlap_ = false;
};

/// The channel, as a position among `channels`, of each expert, by its load.
std::vector<int> expert_channels(ExpertPlacement placement, const std::vector<double>& load, int channels);

/// @param expert_load share of the rows that each expert is expected to get; empty: all alike
/// @throws ConfigError naming the rule or group that does not fit.
ResolvedDataflow resolve(const Dataflow& dataflow, const System& system, const OperatorGraph& layer, const OperatorGraph& head,
                         const std::vector<double>& expert_load = {});

}  // namespace bondsim
