#include "mapping/layout/weights.hpp"

#include <algorithm>

#include "mapping/partition/tiling.hpp"
#include "models/base/quantity.hpp"

namespace bondsim {
namespace {

std::int64_t bytes_of(std::int64_t elements, int bits) { return ceil_div(elements * bits, std::int64_t{8}); }

/// Elements of K a channel's part is a multiple of, where K allows: a whole access for inputs and weights of 4 bits and more.
constexpr std::int64_t k_granule = 64;

/// Bytes bank by bank: PE p's columns of [k, n] lie in bank p.
std::vector<Extent> by_columns(const MemoryMap& memory, int channel, std::int64_t offset, std::int64_t n, std::int64_t bits_per_column) {
  ExtentBuilder out;
  for (int b = 0; b < memory.banks(); ++b) {
    const Range columns = even_part(n, memory.banks(), b, 1);
    out.add(channel, b, offset, memory.padded(ceil_div(columns.size() * bits_per_column, std::int64_t{8})));
  }
  return out.take();
}

std::int64_t widest(std::int64_t n, int banks) { return ceil_div(n, static_cast<std::int64_t>(banks)); }

/// Reserves what by_columns() takes.
std::vector<Extent> reserve_columns(MemoryMap& memory, int channel, Space space, std::int64_t n, std::int64_t bits_per_column) {
  const std::int64_t fullest = memory.padded(ceil_div(widest(n, memory.banks()) * bits_per_column, std::int64_t{8}));
  return by_columns(memory, channel, memory.reserve(channel, space, fullest), n, bits_per_column);
}

NmpTiling tiling_of(const PlanContext& c, const WeightPlacement& w, const WeightShare& share, int banks) {
  TilingProblem problem;
  problem.m = w.m;
  problem.k = share.k.size();
  problem.n = widest(share.n.size(), banks);
  problem.bits = w.bits;
  problem.banks = banks;
  const auto tiling = choose_tiling(c.system.nmp, problem);
  if (!tiling) {
    throw InfeasibleError(fmt::format("operator {} on channel {}: {} rows of input need {} bytes of output buffer a column, {} KiB there",
                                      w.op.name, share.channel, w.m, bytes_of(w.m, w.bits.accumulator), c.system.nmp.pe.output_buffer_kib));
  }
  return *tiling;
}

void place_shares(const PlanContext& c, WeightPlacement& w, const std::vector<int>& channels,
                  const std::vector<std::vector<Extent>>& inputs, MemoryMap& memory) {
  for (std::size_t i = 0; i < channels.size(); ++i) {
    WeightShare share;
    share.channel = channels[i];
    share.k = even_part(w.op.k, w.split.t_k, static_cast<int>(i) / w.split.t_n, k_granule);
    share.n = even_part(w.n_nmp, w.split.t_n, static_cast<int>(i) % w.split.t_n, 1);
    if (share.k.size() == 0 || share.n.size() == 0) continue;
    share.tiling = tiling_of(c, w, share, memory.banks());
    share.stationary = reserve_columns(memory, share.channel, w.space, share.n.size(), share.k.size() * w.bits.stationary);
    share.input = inputs[i];
    share.output = reserve_columns(memory, share.channel, Space::shared, share.n.size(), w.m * w.bits.output);
    w.shares.push_back(std::move(share));
  }
}

/// Weights that only the NPU reads: evenly over channels and banks in whole host accesses.
void place_for_npu(WeightPlacement& w, const std::vector<int>& channels, MemoryMap& memory) {
  if (w.n_npu() == 0) return;
  const std::int64_t unit = memory.host_unit();
  const std::int64_t units = ceil_div(bytes_of(w.n_npu() * w.op.k, w.bits.stationary), unit);
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const std::int64_t bytes = even_part(units, static_cast<int>(channels.size()), static_cast<int>(i), 1).size() * unit;
    const std::int64_t offset = memory.reserve(channels[i], w.space, memory.spread_bank_bytes(bytes, unit));
    for (const Extent& e : memory.spread(channels[i], offset, bytes, unit)) w.npu.push_back(e);
  }
}

WeightPlacement describe(const PlanContext& c, const WeightGroup& group, const Operator& op) {
  WeightPlacement w;
  w.op = op;
  w.space = group.space;
  w.m = c.decode_tokens;
  w.bits = {c.model.bits.activation, c.model.bits.weight, c.model.bits.output, c.model.bits.accumulator};
  switch (group.binding.executor) {
    case Executor::npu:
      w.n_nmp = 0;
      break;
    case Executor::nmp:
      w.n_nmp = op.n;
      break;
    case Executor::split:
      w.n_nmp = static_cast<std::int64_t>(static_cast<double>(op.n) * group.binding.nmp_share);
      break;
  }
  return w;
}

}  // namespace

std::vector<WeightPlacement> place_weights(const PlanContext& c, const WeightGroup& group, MemoryMap& memory) {
  std::vector<WeightPlacement> out;
  std::int64_t n = 0;
  for (const Operator* op : group.operators) {
    out.push_back(describe(c, group, *op));
    n += out.back().n_nmp;
  }
  const std::int64_t k = group.operators.front()->k;
  std::vector<std::vector<Extent>> inputs;
  GridSplit split;
  if (n > 0) {
    const auto& channels = group.binding.nmp_channels;
    split = closed_form_split(k, n, static_cast<int>(channels.size()), 1.0);
    for (std::size_t i = 0; i < channels.size(); ++i) {
      const std::int64_t bytes =
          bytes_of(c.decode_tokens * even_part(k, split.t_k, static_cast<int>(i) / split.t_n, k_granule).size(), c.model.bits.activation);
      const std::int64_t offset = memory.reserve(channels[i], Space::shared, memory.spread_bank_bytes(bytes, memory.both_unit()));
      inputs.push_back(memory.spread(channels[i], offset, bytes, memory.both_unit()));
    }
  }
  for (WeightPlacement& w : out) {
    w.split = split;
    if (w.n_nmp > 0) place_shares(c, w, group.binding.nmp_channels, inputs, memory);
    const auto npu_channels = group.binding.executor == Executor::npu ? group.binding.all_channels() : group.binding.normal_channels;
    place_for_npu(w, npu_channels, memory);
  }
  return out;
}

}  // namespace bondsim
