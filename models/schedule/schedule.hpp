#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "models/base/element_bytes.hpp"
#include "models/base/error.hpp"
#include "models/base/quantity.hpp"
#include "models/schedule/executor.hpp"
#include "models/schedule/extent.hpp"

/// The Schedule: what mapping hands to sim. Plain data; replay decides nothing.
///
/// A run is a sequence of steps (of a fixed workload: the prefill, then one per generated token); a step is a sequence of blocks (a layer,
/// or the part outside the layers); a block is a list of tasks with dependencies inside the block. A block starts when the one before has
/// ended. A block may stand for several equal layers of a step (`layers`), and for several steps of a run that is sampled (`steps`): it is
/// simulated once, and its time, energy and counts are multiplied by `executions()`.
namespace bondsim {

/// The two parts of inference, which differ in who computes: prefill takes many new tokens of a request at once and runs on the NPU, decode
/// takes one and runs where the dataflow says. A task has the phase of its operator.
enum class Phase { prefill, decode };

/// Work that a task does; `host_*` and `kv_append` move data over a channel bus.
enum class TaskKind {
  host_scatter,  ///< NPU scratchpad to the banks of one channel: the input of an nmp_gemm
  nmp_gemm,      ///< one operator's share on one channel, computed by its PEs
  host_load,     ///< banks of one channel to the NPU scratchpad: the (partial) output of an nmp_gemm
  npu_gemm,      ///< a GEMM on the systolic arrays; its stationary operand streams in from any channels
  npu_vector,    ///< element-wise work, norms, softmax, reduction of partial sums on the vector units
  kv_append,     ///< new K or V rows written to one channel
  nmp_vector,    ///< element-wise work of one channel on operands in its banks, by the vector unit beside them
  barrier        ///< no work; joins dependencies
};

/// Kind of element-wise work. The cost of an element, in operations, is in NpuConfig::vector_costs.
enum class VectorKind { none, softmax, norm, rotary, activation, residual, reduce, embedding, rescale };

/// M x K activations times K x N stationary operand (weights, or K/V of attention): `count` independent products of one shape.
struct GemmShape {
  std::int64_t count = 1;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
  std::int64_t macs() const { return count * m * n * k; }
};

/// The part of an operator that a GEMM task computes: it begins here, and the task's shape is its extent in count, m, n and k. The parts of
/// one work entry cover it exactly once; parts that differ in k are partial sums.
struct GemmPart {
  std::int32_t work = -1;  ///< index into Block::work
  std::int64_t gemm = 0;
  std::int64_t m = 0;
  std::int64_t n = 0;
  std::int64_t k = 0;
};

/// The element of each operand: what it takes in memory, and of the accumulator in a PE; and the numbers that are multiplied.
struct OperandBits {
  Element activation = 16;
  Element stationary = 16;  ///< weights, or KV
  Element output = 16;
  Element accumulator = 32;
};

/// Order of the tile loops of an nmp_gemm, outermost first.
enum class LoopOrder {
  output_stationary,  ///< n tiles outer, k tiles inner: accumulators stay, the input is loaded again for each n tile when it does not fit
  input_stationary    ///< k tiles outer, n tiles inner: the input is loaded once, partial sums are spilled to and re-read from the bank
};

/// The loop nest of one nmp_gemm inside its channel.
struct NmpTiling {
  std::int64_t n_tile = 0;  ///< output columns of one PE accumulated at a time
  std::int64_t k_tile = 0;  ///< K elements of the input held in the global buffer at a time
  LoopOrder order = LoopOrder::output_stationary;
  std::int64_t k_piece = 0;  ///< rows of K of a weight tile that a PE loads and computes on at a time; 0: as many as fit its buffer
};

/// One operator's share on one channel: `shape.count` GEMMs side by side, GEMM g on the PEs (= banks)
/// [first_pe + g * pes_per_gemm, + pes_per_gemm). N is split over those PEs as evenly as whole columns allow (the first PEs get one column
/// more). The stationary bytes of a PE lie in its bank in the order they are read: for each n tile, for each k tile, k-major inside the
/// tile.
///
/// With `k_parts` > 1 the PEs of a GEMM cut K: they are so many equal runs of PEs one after the other, run i has the i-th part of K (the
/// first parts one element more), and N is split inside a run. Each run leaves partial sums of all [m, n], which the vector units add up.
/// The machine computes it as count x k_parts products side by side (pe_products()).
struct NmpGemm {
  GemmShape shape;
  GemmPart part;
  OperandBits bits;
  std::int32_t first_pe = 0;
  std::int32_t pes_per_gemm = 0;
  std::int32_t k_parts = 1;  ///< divides pes_per_gemm; parts beyond k have nothing
  NmpTiling tiling;
  bool leave_mode = true;          ///< the channel returns to normal mode afterwards; false when its next task is an nmp_gemm too
  std::vector<Extent> input;       ///< activations [m, k] of each GEMM, spread evenly over the banks
  std::vector<Extent> stationary;  ///< read once per pass over M
  std::vector<Extent> output;      ///< [m, n] of each GEMM, each PE's columns in its own bank
  std::vector<Extent> partials;    ///< input_stationary with several k tiles: accumulators [m, n] spilled between them, as output but wider

  /// Products that the PEs compute side by side, as the run with most of K has one of them.
  GemmShape pe_products() const { return {shape.count * k_parts, shape.m, shape.n, (shape.k + k_parts - 1) / k_parts}; }
  std::int32_t pes_per_product() const { return pes_per_gemm / k_parts; }
  /// Runs of PEs that leave sums of a GEMM.
  std::int64_t k_parts_used() const { return shape.k < k_parts ? shape.k : k_parts; }
};

/// A GEMM on the systolic arrays. The stationary operand is streamed from `stationary` in `chunks` equal pieces, double buffered in the
/// scratchpad; activations are in the scratchpad.
struct NpuGemm {
  GemmShape shape;
  GemmPart part;
  OperandBits bits;
  std::int32_t chunks = 1;
  std::vector<Extent> stationary;  ///< any channels; none: in the scratchpad, from the host_loads of the operator that the task waits for
  bool accumulate = false;         ///< adds to the sums that the part before it in k has left in the scratchpad
};

/// Element-wise work of an npu_vector on FP16 elements in the scratchpad, or of an nmp_vector on those of its `nmp.input`.
struct VectorWork {
  VectorKind kind = VectorKind::none;
  std::int64_t elements = 0;    ///< that are worked on; at least 1
  std::int32_t first_unit = 0;  ///< npu_vector: vector units [first_unit, first_unit + units) do it
  std::int32_t units = 0;       ///< 0: all of them
};

/// One piece of work of one executor. Only the members of its kind are used; `op` and `dependencies` are of every kind.
struct Task {
  TaskKind kind = TaskKind::barrier;
  std::int32_t op = -1;                    ///< index into ScheduleHeader::operators; -1: none (barrier)
  ExecutorId executor;                     ///< npu_gemm: arrays, npu_vector: vector units, barrier: nobody, others: their channel
  std::vector<std::int32_t> dependencies;  ///< indices of earlier tasks of the same block
  Picoseconds delay;                       ///< from its start to its work, its executor taken: a launch
  std::vector<Extent> extents;             ///< host_scatter, host_load, kv_append: what moves
  NmpGemm nmp;                             ///< nmp_gemm; of an nmp_vector `input`, `output` and `leave_mode`
  NpuGemm npu;                             ///< npu_gemm
  VectorWork vector;                       ///< npu_vector, nmp_vector

  bool on_channel() const { return executor.is_channel(); }
  /// Whether the NMP side of a channel does it, in NMP mode.
  bool beside_banks() const { return kind == TaskKind::nmp_gemm || kind == TaskKind::nmp_vector; }
  /// Number of the executor's channel. @throws InternalError when the task is not on a channel
  std::int32_t channel() const { return executor.channel(); }
};

/// The products of an operator in a block; an operator whose requests have different contexts has an entry for each context.
struct OperatorWork {
  std::int32_t op = -1;
  GemmShape shape;
};

/// Output tokens that a request has more when a block has ended.
struct TokenYield {
  std::int32_t request = 0;
  std::int64_t tokens = 0;
};

/// Tasks in an order in which every dependency comes first. An executor runs its tasks in this order: each channel, the systolic arrays
/// and the vector units of the NPU. Operators of both phases may stand in one block: a task's phase is its operator's.
struct Block {
  Phase phase = Phase::prefill;    ///< of what belongs to no operator: waiting, refresh, static energy
  std::int32_t step = 0;           ///< 0: the first, a prefill; s: the s-th after it, in a fixed workload the s-th generated token
  std::int32_t layer = 0;          ///< first layer the block stands for; -1: outside the layers
  std::int64_t layers = 1;         ///< layers it stands for, `layer` included; 1 outside the layers
  std::int64_t steps = 1;          ///< steps it stands for, `step` included; more than 1 where a run is sampled
  std::vector<OperatorWork> work;  ///< GEMMs of the block as a whole, for checks of coverage
  Picoseconds not_before;          ///< of the run's time; the run pauses until then, every executor idle
  std::vector<TokenYield> yields;  ///< in a block that stands for several steps: of each of them
  std::vector<Task> tasks;

  std::int64_t executions() const { return layers * steps; }
};

/// An operator as reported: one row of operators.csv is a (name, phase, executor).
struct OperatorInfo {
  std::string name;  ///< q, k, v, qk, softmax, sv, o, f1, ..., lm_head
  Phase phase = Phase::prefill;
  std::string executor;  ///< "nmp", "npu", "nmp+npu", "vector"
};

/// Facts of a whole schedule.
struct ScheduleHeader {
  std::string model;                    ///< name, for reports
  std::string dataflow;                 ///< name, for reports
  std::vector<std::string> channels;    ///< names of the system's channels, by number
  std::int32_t batch = 1;               ///< requests
  std::int32_t layers = 0;              ///< decoder layers of the model
  std::int32_t first_step = 0;          ///< 1: the prompts are in the caches already, there is no step 0
  std::int32_t steps = 0;               ///< after step 0, in a fixed workload its generated tokens; -1: not known in advance
  std::int32_t prompt_tokens = 0;       ///< of the first request, for reports
  bool all_layers = false;              ///< every layer its own block, or one block repeated
  std::vector<OperatorInfo> operators;  ///< a task's `op` is an index into them
  std::vector<std::pair<std::int32_t, std::int32_t>> edges;  ///< (a, b): operator b needs the result of a, when a block has both
};

/// Hands out a Schedule block by block, so a long run is never in memory as a whole.
class ScheduleSource {
 public:
  virtual ~ScheduleSource() = default;
  virtual const ScheduleHeader& header() const = 0;
  /// Fills `block` with the next one; false when the run is complete.
  /// @param now the run's time when the block before has ended: the lengths of all blocks before, each times its executions(). A source
  /// may choose by it what comes; replay passes it on and decides nothing.
  virtual bool next(Picoseconds now, Block& block) = 0;
  /// The same for those who do not simulate, at time 0: for sources whose blocks do not depend on time.
  bool next(Block& block) { return next(Picoseconds(), block); }
  /// Where the last block stands, `file:line`; empty where blocks are made.
  virtual std::string place() const { return {}; }
};

}  // namespace bondsim
