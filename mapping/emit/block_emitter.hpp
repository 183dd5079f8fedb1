#pragma once
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "mapping/emit/block_parts.hpp"
#include "mapping/emit/head_caches.hpp"
#include "mapping/emit/weight_stream.hpp"
#include "mapping/llm/batch.hpp"
#include "mapping/plan/plan.hpp"
#include "models/schedule/schedule.hpp"

namespace bondsim {

/// Writes one block: walks a graph level by level and turns operators into tasks. Operators of one wave (same input, same channels) share
/// their scatters, and run back to back on a channel.
class BlockEmitter {
 public:
  /// @param tokens of one phase; block.layer is set. Called again with those of the other phase it adds their tasks.
  BlockEmitter(const Plan& plan, Block& block, TokenBlock tokens);

  /// @param layer blocks of tokens whose residual streams go to DRAM, if theirs do
  void embedding(const std::vector<TokenBlock>& layer);
  /// Operators as soon as their inputs are there, level by level.
  void graph(const OperatorGraph& graph);
  /// Operators in the order of the dataflow's groups, with its synchronisation.
  void grouped(const OperatorGraph& graph, const std::vector<AccessGroup>& groups);

 private:
  friend class FusedAttention;
  using Tasks = std::vector<std::int32_t>;

  std::int32_t add(Task task);
  int op_index(const std::string& name) const { return plan_.operator_index(name, phase_); }
  Tasks dependencies_of(const OperatorGraph& graph, OperatorId v) const;
  /// Of K and V caches, where their pages lie.
  std::vector<Extent> in_layer(std::vector<Extent> extents) const {
    if (plan_.kv_table) extents = plan_.kv_table->translate(extents);
    return plan_.memory.place(std::move(extents), Space::layer, layer());
  }
  std::vector<Extent> in_shared(std::vector<Extent> extents) const {
    return plan_.memory.place(std::move(extents), Space::shared, layer());
  }
  int layer() const { return block_.layer < 0 ? 0 : block_.layer; }
  std::int64_t total_tokens() const;
  /// Tokens of its context that a request's new tokens attend to in this layer; its last ones, which lie first in its cache.
  std::int64_t reach(const BatchEntry& r) const { return reach(context_rows(r)); }
  std::int64_t reach(const ContextRows& rows) const { return class_.reach(rows.first, rows.second); }
  /// The same in one attention of the layer.
  std::int64_t reach(const AttentionPlacement& a, const BatchEntry& r) const { return reach(a, context_rows(r)); }
  std::int64_t reach(const AttentionPlacement& a, const ContextRows& rows) const {
    return a.fixed_context > 0 ? a.fixed_context : reach(rows);
  }
  /// Rows of an operator's input: the tokens, or those routed to its expert.
  std::int64_t rows_of(const Operator& op) const;

  /// An expert with so many rows that the dataflow gives it to the NPU.
  bool expert_on_npu(const Operator& op) const { return op.expert >= 0 && plan_.dataflow.expert_on_npu(rows_of(op)); }

  void start(const OperatorGraph& graph);
  void emit(const OperatorGraph& graph, OperatorId v);
  /// Vector work and appends whose inputs are there.
  void emit_ready(const OperatorGraph& graph);
  /// A tier of a partition. @return tasks whose end is the tier's end
  Tasks tier(const OperatorGraph& graph, const std::vector<std::string>& names);

  Tasks vector_task(const OperatorGraph& graph, OperatorId v, const Tasks& after);
  /// On the NMP channels of its placement, all of them side by side. @return their tasks, or the loads of what they give
  Tasks vector_on_nmp(const VectorPlacement& p, const Tasks& after);
  struct Operands {
    std::vector<Extent> input, output;
    std::int64_t rows = 0;
  };
  Operands operands_of(const VectorPlacement& p, std::size_t share) const;
  Tasks nmp_vectors(const VectorPlacement& p, const VectorShare& share, const Operands& operands, const Tasks& after);
  /// Tasks without those that only concern other channels: work beside the banks of operators in `names`.
  Tasks of_channel(const Tasks& tasks, int channel, const std::vector<std::string>& names) const;
  Tasks waits_of(const WeightPlacement& w, int channel, const Tasks& after) const;
  /// A vector operator of the same channels leaves the GEMM's input in their banks, or takes its output there.
  bool input_is_left(const WeightPlacement& w) const { return phase_ == Phase::decode && plan_.left_by(w.op.name) != nullptr; }
  bool output_stays(const WeightPlacement& w) const { return phase_ == Phase::decode && plan_.taken_by(w.op.name) != nullptr; }
  void weight_wave(const OperatorGraph& graph, OperatorId v);
  void weight_member(const OperatorGraph& graph, const WeightPlacement& w, std::int32_t work, const Tasks& gemms, const Tasks& after,
                     OperatorId v);
  /// Adds an entry to the block's work. @return its index
  std::int32_t work(int op, const GemmShape& shape);
  /// Weight GEMMs that are emitted together with `v`.
  std::vector<OperatorId> wave_of(const OperatorGraph& graph, OperatorId v) const;
  /// Whether GEMMs of a channel's PEs move their inputs and outputs themselves, past the banks.
  bool moves_directly(int channel) const { return plan_.system.nmp_of(channel).io_path == IoPath::direct; }
  /// Whether weight GEMMs go where decode has them.
  bool on_pes() const;

  // Weights by pieces of columns (prefetch.cpp).
  void plan_prefetch(const OperatorGraph& graph);
  void fetch(const OperatorGraph& graph, const WeightStream::Fetch& fetch);
  /// Fetches weights ahead while arrays or vector units take `seconds` for what was emitted last.
  void prefetch_beside(const OperatorGraph& graph, double seconds);
  std::map<std::int32_t, std::vector<Extent>> weights_of(const WeightPiece& piece, const OperatorGraph& graph) const;
  std::vector<WeightPiece> wave_pieces(const OperatorGraph& graph, const std::vector<OperatorId>& wave) const;
  Tasks load_piece(const OperatorGraph& graph, const WeightPiece& piece, const Tasks& after);
  std::int32_t piece_gemm(const OperatorGraph& graph, const WeightPiece& piece, std::int32_t work, Tasks waits, const Tasks& loads);
  std::int32_t next_piece(const OperatorGraph& graph, OperatorId u, std::int32_t work, const Tasks& waits);
  void prefetched_wave(const OperatorGraph& graph, const std::vector<OperatorId>& wave, const std::map<OperatorId, std::int32_t>& works,
                       const Tasks& after);
  double seconds_of(const VectorWork& work) const;
  double seconds_of(const NpuGemm& gemm) const;

  bool goes_by_slices(const OperatorGraph& graph, OperatorId v) const;
  /// f1, f3 and their activation, slice of columns by slice; a slice's weights come beside the computation of the one before.
  void sliced_wave(const OperatorGraph& graph, const std::vector<OperatorId>& wave, const std::map<OperatorId, std::int32_t>& works,
                   const Tasks& after);
  std::int32_t weight_scatter(const WeightPlacement& w, const WeightShare& share, const Tasks& after);
  std::int32_t weight_on_nmp(const WeightPlacement& w, const WeightShare& share, std::int32_t work, Tasks after);
  std::int32_t weight_on_npu(const WeightPlacement& w, const GemmShape& shape, const GemmPart& part, std::vector<Extent> stationary,
                             const Tasks& after);
  Tasks append(const Operator& op, const Tasks& after);
  /// Appends new rows of K and V. They are put off until the first operator that reads caches: a channel's tasks go in turn, and those that
  /// stand before need not wait for them.
  void write_caches(const OperatorGraph& graph);
  Tasks attention(const OperatorGraph& graph, OperatorId v, const Tasks& after);
  Tasks attention_on_nmp(const Operator& op, const AttentionPlacement& a, const Tasks& after);
  // Heads of a channel's turns, wave by wave (head_streams.cpp).
  bool attention_streams() const;
  std::vector<int> head_waves(const AttentionPlacement& a, const std::vector<const HeadRun*>& runs) const;
  Tasks streamed_scores(const Operator& op, const AttentionPlacement& a, const Tasks& after);
  Tasks streamed_softmax(const Operator& op);
  Tasks streamed_values(const Operator& op, const AttentionPlacement& a, const Tasks& after);
  std::int32_t head_gemm(const Operator& op, const AttentionPlacement& a, const HeadRun& run, Tasks after);
  /// Runs of requests of the batch that have something to multiply.
  std::vector<const HeadRun*> runs_in_batch(const AttentionPlacement& a) const;
  Attended attended(const AttentionPlacement& a, const HeadRun& run) const;
  /// Scores of different tokens are set side by side; values of different tokens are partial sums, of channels and of PEs: those that a run
  /// adds to what is there before it.
  std::int64_t sums_to_add(const AttentionPlacement& a, const HeadRun& run) const;
  std::vector<Extent> input_of(const AttentionPlacement& a, const HeadRun& run) const;
  std::vector<Extent> output_of(const AttentionPlacement& a, const HeadRun& run) const;
  std::vector<Extent> inputs_of_channel(const AttentionPlacement& a, int channel) const;
  std::vector<Extent> outputs_of_channel(const AttentionPlacement& a, int channel) const;
  void attention_on_npu(const Operator& op, const AttentionPlacement& a, const Tasks& after, Tasks& done);
  /// Heads of a context that the NPU computes in this phase: how many, the number of the first, and where their cache lies.
  struct NpuHeads {
    std::int64_t heads = 0;
    std::int64_t first = 0;
    std::vector<Extent> extents;
  };
  std::map<ContextRows, NpuHeads> npu_heads(const AttentionPlacement& a) const;

  bool attention_is_fused() const;
  void fused_attention(const OperatorGraph& graph, OperatorId qk);

  void load_residual(const OperatorGraph& graph);
  void store_residual(const OperatorGraph& graph);
  Tasks move_spill(TaskKind kind, int op, const Spill& spill, const Tasks& after);
  void move_spills(const OperatorGraph& graph, OperatorId v, const Tasks& after);
  void attention_work(const Operator& op, const AttentionPlacement& a);
  /// Adds the work entries of a product of prefill: one, or with a window one for each strip of rows. @return their indices
  std::vector<std::int32_t> strip_work(const Operator& op, const TiledAttention& tiled);
  /// Whether attention of prefill, operator by operator, has strips of rows with columns of their own.
  bool attends_by_strips() const;
  Tasks attention_by_strips(const Operator& op, const Operator& scores, const Tasks& after);
  /// Scores that the strips of all heads compute.
  std::int64_t scores_of_strips(const Operator& scores) const;

  std::int32_t npu_gemm(int op, const GemmShape& shape, const GemmPart& part, const OperandBits& bits, std::vector<Extent> stationary,
                        const Tasks& after);
  std::int32_t transfer(TaskKind kind, int op, int channel, std::vector<Extent> extents, const Tasks& after);
  std::int32_t reduce(int op, std::int64_t elements, const Tasks& after);

  const Plan& plan_;
  Block& block_;
  TokenBlock tokens_;
  const Batch& batch_;
  Phase phase_;
  std::vector<std::int64_t> expert_rows_;
  LayerClass class_;         ///< of the block's layers
  std::vector<Tasks> done_;  ///< by vertex: tasks whose end is the operator's end
  std::vector<bool> emitted_;
  std::vector<OperatorId> unwritten_;  ///< rows of K and V that wait for write_caches()
  static constexpr int heads_on_npu = -1;
  std::vector<int> waves_;        ///< of the runs of heads of attention that streams, by streamed_scores()
  std::map<int, Tasks> streams_;  ///< attention_overlap: by wave of heads, the last tasks of their scores, then of their softmax
  std::map<ContextRows, std::int32_t> context_work_;              ///< of the present attention operator: work entries
  std::map<ContextRows, std::vector<std::int64_t>> heads_alike_;  ///< likewise: heads on PEs of equal contexts, ascending
  Tasks sync_;                                                    ///< what GEMMs of the present tier wait for besides their inputs
  const std::vector<std::string>* tier_ = nullptr;                ///< GEMMs that may be emitted together; null: any
  int first_unit_ = 0;                                            ///< vector units of the present partition
  int units_ = 0;
  std::optional<WeightStream> stream_;                            ///< of prefill with prefetch
  std::vector<Tasks> piece_loads_;                                ///< by piece of it
  Tasks entry_;                                                   ///< what operators without inputs wait for
  std::map<std::pair<std::string, int>, std::int32_t> scatters_;  ///< by first GEMM of the group and channel
};

}  // namespace bondsim
