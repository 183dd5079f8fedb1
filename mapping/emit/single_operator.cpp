#include "mapping/emit/single_operator.hpp"

#include <algorithm>
#include <utility>

#include "mapping/emit/npu_chunks.hpp"
#include "mapping/layout/weights.hpp"
#include "models/base/quantity.hpp"
#include "models/schedule/one_block.hpp"

namespace bondsim {
namespace {

std::int64_t bytes_of(std::int64_t elements, int bits) { return ceil_div(elements * bits, std::int64_t{8}); }

class SingleOperatorEmitter {
 public:
  SingleOperatorEmitter(const System& system, const SingleOperator& op) : system_(system), op_(op), memory_(system, 1) {
    const GemmShape& s = op.shape;
    if (std::min({s.count, s.m, s.n, s.k}) < 1)
      throw ConfigError(fmt::format("an operator of {} x [{}, {}] x [{}, {}]", s.count, s.m, s.k, s.k, s.n));
    const int limit = op.executor == Executor::nmp ? system.channels.nmp : system.channels.total();
    for (const int c : op.channels) {
      if (c < 0 || c >= limit) throw ConfigError(fmt::format("channel {} for an operator, allowed: 0 to {}", c, limit - 1));
    }
    if (op.channels.empty()) throw ConfigError("an operator without channels");
    block_.layer = 0;
    block_.work.push_back({0, s});
  }

  std::unique_ptr<ScheduleSource> schedule() {
    const auto channels = static_cast<std::int64_t>(op_.channels.size());
    if (op_.executor == Executor::npu) {
      on_npu();
    } else if (op_.shape.count < channels) {
      for (std::int64_t g = 0; g < op_.shape.count; ++g) on_own_channels(g, static_cast<std::size_t>(channels / op_.shape.count));
    } else {
      for (std::int64_t c = 0; c < channels; ++c) on_own_pes(c);
    }
    sum_up();
    memory_.require_capacity();
    for (Task& t : block_.tasks) place(t);
    ScheduleHeader header;
    header.model = header.dataflow = "single operator";
    header.channels = system_.channels.total();
    header.layers = 1;
    header.operators.push_back({"gemm", block_.phase, op_.executor == Executor::npu ? "npu" : "nmp"});
    return std::make_unique<OneBlockSchedule>(std::move(header), std::move(block_));
  }

  const SingleOperatorLayout& layout() const { return layout_; }

 private:
  std::int32_t add(Task t) {
    t.op = 0;
    block_.tasks.push_back(std::move(t));
    return static_cast<std::int32_t>(block_.tasks.size()) - 1;
  }

  std::int32_t transfer(TaskKind kind, int channel, std::vector<Extent> extents, std::vector<std::int32_t> after) {
    Task t;
    t.kind = kind;
    t.channel = channel;
    t.extents = std::move(extents);
    t.dependencies = std::move(after);
    return add(std::move(t));
  }

  void on_npu() {
    const std::int64_t unit = memory_.host_unit();
    const std::int64_t units = ceil_div(bytes_of(op_.shape.count * op_.shape.n * op_.shape.k, op_.bits.stationary), unit);
    const auto channels = static_cast<int>(op_.channels.size());
    Task t;
    t.kind = TaskKind::npu_gemm;
    t.npu.shape = op_.shape;
    t.npu.part.work = 0;
    t.npu.bits = op_.bits;
    for (int i = 0; i < channels; ++i) {
      const int channel = op_.channels[static_cast<std::size_t>(i)];
      const std::int64_t bytes = even_part(units, channels, i, 1).size() * unit;
      const std::int64_t offset = memory_.reserve(channel, Space::layer, memory_.spread_bank_bytes(bytes, unit));
      for (const Extent& e : memory_.spread(channel, offset, bytes, unit)) t.npu.stationary.push_back(e);
    }
    t.npu.chunks = npu_chunks(system_, t.npu.stationary);
    add(std::move(t));
  }

  /// Product `g` alone on `channels` neighbouring channels, as a weight GEMM.
  void on_own_channels(std::int64_t g, std::size_t channels) {
    const auto first = op_.channels.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(g) * channels);
    Model model;
    model.bits = {op_.bits.activation, op_.bits.stationary, op_.bits.stationary, op_.bits.output, op_.bits.accumulator};
    Operator gemm;
    gemm.name = "gemm";
    gemm.kind = OperatorKind::weight_gemm;
    gemm.n = op_.shape.n;
    gemm.k = op_.shape.k;
    WeightGroup group;
    group.operators = {&gemm};
    group.binding.executor = Executor::nmp;
    group.binding.nmp_channels.assign(first, first + static_cast<std::ptrdiff_t>(channels));
    const PlanContext context{system_, model, op_.split, op_.shape.m, nullptr};
    const WeightPlacement w = std::move(place_weights(context, group, memory_).front());
    layout_ = {static_cast<int>(channels), memory_.banks(), w.split.t_k(), w.split.channels() / w.split.t_k()};
    for (const WeightShare& share : w.shares) {
      Task t;
      t.nmp.shape = {1, op_.shape.m, share.n.size(), share.k.size()};
      t.nmp.part = {0, g, 0, share.n.begin, share.k.begin};
      t.nmp.pes_per_gemm = memory_.banks();
      t.nmp.tiling = share.tiling;
      t.nmp.input = share_input(w, share, op_.shape.m, memory_);
      t.nmp.stationary = share.stationary;
      t.nmp.output = share_output(w, share, op_.shape.m, memory_);
      t.nmp.partials = share_partials(w, share, op_.shape.m, memory_);
      loads_.push_back(three_steps(std::move(t), share.channel, {}));
    }
    partial_sums_ += op_.shape.m * op_.shape.n * (w.split.t_k() - 1);
  }

  void sum_up() {
    if (partial_sums_ == 0) return;
    Task sum;
    sum.kind = TaskKind::npu_vector;
    sum.dependencies = loads_;
    sum.vector = {VectorKind::reduce, partial_sums_, 0, 0};
    add(std::move(sum));
  }

  /// Scatter, computation and load of an nmp_gemm. @return the load
  std::int32_t three_steps(Task gemm, int channel, std::vector<std::int32_t> after) {
    const std::int32_t scatter = transfer(TaskKind::host_scatter, channel, gemm.nmp.input, std::move(after));
    const std::vector<Extent> output = gemm.nmp.output;
    gemm.kind = TaskKind::nmp_gemm;
    gemm.channel = channel;
    gemm.dependencies = {scatter};
    gemm.nmp.bits = op_.bits;
    return transfer(TaskKind::host_load, channel, output, {add(std::move(gemm))});
  }

  /// The products of the channel at `index`, side by side on PEs of their own.
  void on_own_pes(std::int64_t index) {
    const auto channels = static_cast<std::int64_t>(op_.channels.size());
    const int channel = op_.channels[static_cast<std::size_t>(index)];
    const std::int64_t mine = op_.shape.count / channels + (index < op_.shape.count % channels ? 1 : 0);
    // The products of a channel have consecutive numbers, so that a task can name them by the first.
    const std::int64_t before = op_.shape.count / channels * index + std::min(index, op_.shape.count % channels);
    const std::int64_t together = std::min<std::int64_t>(mine, memory_.banks());
    if (together == 0) return;
    const auto pes = static_cast<int>(memory_.banks() / together);
    if (index == 0) layout_ = {1, pes, 1, 1};
    const NmpTiling tiling = tiling_of(together, channel);
    std::vector<std::int32_t> after;
    for (std::int64_t done = 0; done < mine; done += together) {
      const std::int64_t count = std::min(together, mine - done);
      Task t;
      t.nmp.shape = op_.shape;
      t.nmp.shape.count = count;
      t.nmp.part = {0, before + done, 0, 0, 0};
      t.nmp.pes_per_gemm = pes;
      t.nmp.tiling = tiling;
      const std::int64_t bytes = count * bytes_of(op_.shape.m * op_.shape.k, op_.bits.activation);
      const std::int64_t unit = memory_.both_unit();
      t.nmp.input = memory_.spread(channel, memory_.reserve(channel, Space::shared, memory_.spread_bank_bytes(bytes, unit)), bytes, unit);
      t.nmp.stationary = columns(channel, Space::layer, count, pes, op_.shape.k * op_.bits.stationary);
      t.nmp.output = columns(channel, Space::shared, count, pes, op_.shape.m * op_.bits.output);
      after = {three_steps(std::move(t), channel, after)};
      memory_.require_capacity();  // before a number of products beyond all memory has become as many tasks
    }
  }

  NmpTiling tiling_of(std::int64_t together, int channel) const {
    const auto tiling = choose_tiling(system_.nmp, products_tiling_problem(system_, op_.bits, op_.shape, together));
    if (!tiling)
      throw InfeasibleError(fmt::format("channel {}: no tile of {} products of {} rows fits the buffers", channel, together, op_.shape.m));
    return *tiling;
  }

  /// Each PE's columns in its own bank.
  std::vector<Extent> columns(int channel, Space space, std::int64_t count, int pes, std::int64_t bits_per_column) {
    const auto bytes = [&](int pe) {
      return memory_.padded(ceil_div(even_part(op_.shape.n, pes, pe, 1).size() * bits_per_column, std::int64_t{8}));
    };
    const std::int64_t offset = memory_.reserve(channel, space, bytes(0));
    ExtentBuilder out;
    for (int i = 0; i < static_cast<int>(count) * pes; ++i) out.add(channel, i, offset, bytes(i % pes));
    return out.take();
  }

  /// Addresses are known once everything is reserved.
  void place(Task& t) const {
    const auto shared = [&](std::vector<Extent>& e) { e = memory_.place(std::move(e), Space::shared, 0); };
    const auto layer = [&](std::vector<Extent>& e) { e = memory_.place(std::move(e), Space::layer, 0); };
    shared(t.extents);
    shared(t.nmp.input);
    shared(t.nmp.output);
    shared(t.nmp.partials);
    layer(t.nmp.stationary);
    layer(t.npu.stationary);
  }

  const System& system_;
  const SingleOperator& op_;
  MemoryMap memory_;
  Block block_;
  SingleOperatorLayout layout_;
  std::vector<std::int32_t> loads_;  ///< of products cut over channels
  std::int64_t partial_sums_ = 0;    ///< elements to be added up on the NPU
};

}  // namespace

TilingProblem products_tiling_problem(const System& system, const OperandBits& bits, const GemmShape& shape, std::int64_t together) {
  GemmShape of_channel = shape;
  of_channel.count = together;
  return tiling_problem(system, of_channel, system.dram.organization.banks() / together, bits);
}

std::unique_ptr<ScheduleSource> single_operator_schedule(const System& system, const SingleOperator& op, SingleOperatorLayout* layout) {
  SingleOperatorEmitter emitter(system, op);
  auto schedule = emitter.schedule();
  if (layout != nullptr) *layout = emitter.layout();
  return schedule;
}

}  // namespace bondsim
