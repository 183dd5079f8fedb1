#include "mapping/emit/single_operator.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "mapping/emit/block_parts.hpp"
#include "mapping/emit/npu_chunks.hpp"
#include "mapping/layout/weights.hpp"
#include "models/base/element_bytes.hpp"
#include "models/base/quantity.hpp"
#include "models/schedule/one_block.hpp"

namespace bondsim {
namespace {

class SingleOperatorEmitter {
 public:
  SingleOperatorEmitter(const System& system, const SingleOperator& op) : system_(system), op_(op), memory_(system, 1) {
    const GemmShape& s = op.shape;
    if (std::min({s.count, s.m, s.n, s.k}) < 1)
      throw ConfigError(fmt::format("an operator of {} x [{}, {}] x [{}, {}]", s.count, s.m, s.k, s.k, s.n));
    require_uniform(system, "an operator on its own");
    for (const int c : op.channels) {
      if (c < 0 || c >= system.channel_count() || (op.executor == Executor::nmp && !system.has_pes(c))) {
        throw ConfigError(fmt::format("channel {} for an operator, allowed: 0 to {}{}", c, system.channel_count() - 1,
                                      op.executor == Executor::nmp ? ", with PEs" : ""));
      }
    }
    if (op.channels.empty()) throw ConfigError("an operator without channels");
    block_.layer = 0;
    block_.work.push_back({0, s});
  }

  std::unique_ptr<ScheduleSource> schedule() {
    const auto channels = static_cast<std::int64_t>(op_.channels.size());
    if (op_.executor == Executor::npu) {
      on_npu();
    } else {
      const ProductDeal deal = op_.whole_products ? deal_whole_products(op_.shape, static_cast<int>(channels))
                                                  : deal_products(system_, op_.bits, op_.shape, static_cast<int>(channels));
      std::int64_t first = 0;
      for (std::int64_t c = 0; c < channels; ++c) {
        const std::int64_t products = deal.of_channel + (c < deal.longer ? 1 : 0);
        if (products > 0) on_own_pes(static_cast<std::size_t>(c), first, products);
        first += products;
      }
      for (std::int64_t i = 0; i < deal.cut; ++i) on_own_channels(first + i, i, static_cast<std::size_t>(deal.cut_channels));
    }
    add_gemms();
    sum_up();
    memory_.require_capacity();
    for (Task& t : block_.tasks) place(t);
    ScheduleHeader header;
    header.model = header.dataflow = "single operator";
    header.channels = system_.channel_names();
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
    t.executor = ExecutorId::of_channel(channel);
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
    t.executor = ExecutorId::arrays();
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

  /// Product `g`, the `index`-th of those cut, on `channels` neighbouring channels, as a weight GEMM.
  void on_own_channels(std::int64_t g, std::int64_t index, std::size_t channels) {
    const auto first = op_.channels.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(index) * channels);
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
    if (layout_.channels_per_gemm == 0) {
      layout_ = {static_cast<int>(channels), memory_.banks(), w.split.t_k(), w.split.channels() / w.split.t_k()};
    }
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
      compute(std::move(t), share.channel);
    }
    partial_sums_ += op_.shape.m * op_.shape.n * (w.split.t_k() - 1);
  }

  void sum_up() {
    if (partial_sums_ == 0) return;
    Task sum;
    sum.kind = TaskKind::npu_vector;
    sum.executor = ExecutorId::vector_units();
    sum.dependencies = loads_;
    sum.vector = {VectorKind::reduce, partial_sums_, 0, 0};
    add(std::move(sum));
  }

  void compute(Task gemm, int channel) {
    gemm.kind = TaskKind::nmp_gemm;
    gemm.executor = ExecutorId::of_channel(channel);
    gemm.nmp.bits = op_.bits;
    gemms_[channel].push_back(std::move(gemm));
  }

  /// Each channel takes all of its inputs, computes without leaving NMP mode, and gives all of its outputs.
  void add_gemms() {
    for (auto& [channel, gemms] : gemms_) {
      if (system_.nmp_of(channel).io_path == IoPath::direct) {
        for (Task& t : gemms) loads_.push_back(add(std::move(t)));
        continue;
      }
      std::vector<Extent> inputs, outputs;
      for (const Task& t : gemms) {
        inputs.insert(inputs.end(), t.nmp.input.begin(), t.nmp.input.end());
        outputs.insert(outputs.end(), t.nmp.output.begin(), t.nmp.output.end());
      }
      const std::int32_t scatter = transfer(TaskKind::host_scatter, channel, std::move(inputs), {});
      std::vector<std::int32_t> computed;
      for (Task& t : gemms) {
        t.dependencies = {scatter};
        computed.push_back(add(std::move(t)));
      }
      loads_.push_back(transfer(TaskKind::host_load, channel, std::move(outputs), std::move(computed)));
    }
    keep_nmp_mode(block_);
  }

  /// Products [first, first + products) on the PEs of the channel at `index`: consecutive, so that a task can name them by the first.
  void on_own_pes(std::size_t index, std::int64_t first, std::int64_t products) {
    const int channel = op_.channels[index];
    const auto rounds = product_rounds(system_, op_.bits, op_.shape, products);
    if (index == 0) layout_ = {1, static_cast<int>(memory_.banks() / rounds.front().products), 1, 1};
    for (const ProductRound& round : rounds) {
      const NmpTiling tiling = tiling_of(round.products, channel);
      for (std::int64_t i = 0; i < round.times; ++i, first += round.products) {
        products_round(channel, first, static_cast<int>(round.products), tiling);
        memory_.require_capacity();  // before a number of products beyond all memory has become as many tasks
      }
    }
  }

  /// Products [first, first + count) side by side.
  void products_round(int channel, std::int64_t first, int count, const NmpTiling& tiling) {
    const PeGroups pes{channel, 0, count, memory_.banks() / count};
    Task t;
    t.nmp.shape = op_.shape;
    t.nmp.shape.count = count;
    t.nmp.part = {0, first, 0, 0, 0};
    t.nmp.pes_per_gemm = pes.banks;
    t.nmp.tiling = tiling;
    const std::int64_t bytes = count * bytes_of(op_.shape.m * op_.shape.k, op_.bits.activation);
    const std::int64_t unit = memory_.both_unit();
    t.nmp.input = memory_.spread(channel, memory_.reserve(channel, Space::shared, memory_.spread_bank_bytes(bytes, unit)), bytes, unit);
    t.nmp.stationary = columns(pes, Space::layer, op_.shape.k * op_.bits.stationary);
    t.nmp.output = columns(pes, Space::shared, op_.shape.m * op_.bits.output);
    compute(std::move(t), channel);
  }

  NmpTiling tiling_of(std::int64_t together, int channel) const {
    const auto tiling = choose_tiling(system_.nmp, products_tiling_problem(system_, op_.bits, op_.shape, together));
    if (!tiling)
      throw InfeasibleError(fmt::format("channel {}: no tile of {} products of {} rows fits the buffers", channel, together, op_.shape.m));
    return *tiling;
  }

  /// Each PE's columns in its own bank.
  std::vector<Extent> columns(const PeGroups& pes, Space space, std::int64_t bits_per_column) {
    const auto bytes = [&](int pe) {
      return memory_.padded(ceil_div(even_part(op_.shape.n, pes.banks, pe, 1).size() * bits_per_column, std::int64_t{8}));
    };
    return side_by_side(pes, memory_.reserve(pes.channel, space, bytes(0)), bytes);
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
  std::map<int, std::vector<Task>> gemms_;  ///< by channel
  std::vector<std::int32_t> loads_;
  std::int64_t partial_sums_ = 0;  ///< elements to be added up on the NPU
};

}  // namespace

TilingProblem products_tiling_problem(const System& system, const OperandBits& bits, const GemmShape& shape, std::int64_t together) {
  GemmShape of_channel = shape;
  of_channel.count = together;
  return tiling_problem(system, system.nmp_channels().front(), of_channel, system.dram.organization.banks() / together, bits);
}

namespace {

double side_by_side_ps(const System& system, const OperandBits& bits, const GemmShape& shape, std::int64_t together) {
  return round_estimate_ps(system.nmp, products_tiling_problem(system, bits, shape, together));
}

double cut_ps(const System& system, const OperandBits& bits, const GemmShape& shape, int channels) {
  const GridSplit split = closed_form_split(shape.k, shape.n, channels, 1.0);
  const std::int64_t k = split.k_of(0, shape.k, weight_k_granule(system)).size(), n = split.n_of(0, shape.n).size();
  return round_estimate_ps(system.nmp, weight_tiling_problem(system, system.nmp_channels().front(), bits, shape.m, k, n));
}

}  // namespace

ProductDeal deal_products(const System& system, const OperandBits& bits, const GemmShape& shape, int channels) {
  ProductDeal deal;
  deal.of_channel = shape.count / channels;
  const std::int64_t rest = shape.count % channels;
  if (rest == 0) return deal;
  deal.cut = rest;
  deal.cut_channels = static_cast<int>(channels / rest);
  if (deal.of_channel == 0) return deal;
  const auto round_ps = [&](std::int64_t together) { return side_by_side_ps(system, bits, shape, together); };
  const auto whole_ps = [&](std::int64_t products) { return rounds_estimate_ps(product_rounds(system, bits, shape, products), round_ps); };
  if (whole_ps(deal.of_channel + 1) > whole_ps(deal.of_channel) + cut_ps(system, bits, shape, deal.cut_channels)) return deal;
  return {deal.of_channel, rest, 0, 0};
}

ProductDeal deal_whole_products(const GemmShape& shape, int channels) {
  ProductDeal deal;
  deal.of_channel = shape.count / channels;
  deal.longer = shape.count % channels;
  return deal;
}

std::vector<ProductRound> product_rounds(const System& system, const OperandBits& bits, const GemmShape& shape, std::int64_t products) {
  return choose_rounds(products, system.dram.organization.banks(),
                       [&](std::int64_t together) { return side_by_side_ps(system, bits, shape, together); });
}

std::unique_ptr<ScheduleSource> single_operator_schedule(const System& system, const SingleOperator& op, SingleOperatorLayout* layout) {
  SingleOperatorEmitter emitter(system, op);
  auto schedule = emitter.schedule();
  if (layout != nullptr) *layout = emitter.layout();
  return schedule;
}

}  // namespace bondsim
