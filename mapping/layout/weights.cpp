#include "mapping/layout/weights.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "mapping/tiling/tiling.hpp"
#include "models/base/element_bytes.hpp"
#include "models/base/quantity.hpp"
#include "models/system/peaks.hpp"

namespace bondsim {
namespace {

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
  return by_columns(memory, channel, memory.reserve(channel, space, fullest, Holding::weights), n, bits_per_column);
}

/// Tilings found so far, by group of channels.
using TilingMemos = std::map<const ChannelGroup*, TilingMemo>;

/// Time of a group cut like this: the slowest channel's scatter, computation and load, one after the other, and the sum of partial results.
/// @param share_ps time of a share in the PEs of a channel
template <class ShareTime>
double group_cost_us(const PlanContext& c, const std::vector<WeightPlacement>& group, const std::vector<int>& channels,
                     const GridSplit& split, ShareTime share_ps) {
  double slowest_ps = 0;
  for (int i = 0; i < split.channels(); ++i) {
    const int channel = channels[static_cast<std::size_t>(i)];
    const std::int64_t k = split.k_of(i, group.front().op.k, weight_k_granule(c.system)).size();
    double bytes = static_cast<double>(bytes_of(c.decode_tokens * k, c.model.bits.activation));
    double ps = 0;
    for (const WeightPlacement& w : group) {
      const std::int64_t n = split.n_of(i, w.n_nmp).size();
      if (n == 0 || k == 0) continue;
      bytes += static_cast<double>(bytes_of(w.m * n, w.bits.output));
      ps += share_ps(channel, weight_tiling_problem(c.system, channel, w.bits, w.m, k, n));
    }
    slowest_ps = std::max(slowest_ps, ps + 1000.0 * bytes / bus_gbps(c.system.dram_of(channel)));
  }
  double sums = 0;
  for (const WeightPlacement& w : group) sums += static_cast<double>(w.m * w.n_nmp * (split.t_k() - 1));
  const auto& npu = c.system.npu;
  const double reduce_us = sums * npu.vector_costs.reduce / (static_cast<double>(npu.vector_units) * npu.vector_lanes * npu.clock_mhz);
  return slowest_ps * 1e-6 + reduce_us;
}

SplitReport choose_split(const PlanContext& c, const std::vector<WeightPlacement>& group, const std::vector<int>& channels,
                         TilingMemos& tilings) {
  std::int64_t n = 0;
  for (const WeightPlacement& w : group) n += w.n_nmp;
  SplitReport report;
  report.closed_form = closed_form_split(group.front().op.k, n, static_cast<int>(channels.size()), 1.0);
  constexpr double never = std::numeric_limits<double>::infinity();
  double best = never;
  const auto cost = [&](const GridSplit& split) {
    // A cut that could not be the best is not tiled.
    const auto bound = [&](int channel, const TilingProblem& p) { return share_bound_ps(c.system.nmp_of(channel), p); };
    if (group_cost_us(c, group, channels, split, bound) >= best) return never;
    const double us = group_cost_us(c, group, channels, split, [&](int channel, const TilingProblem& p) {
      const TilingMemo::Choice* choice = tilings[&c.system.group_of(channel)].choose(c.system.nmp_of(channel), p);
      return choice == nullptr ? never : choice->cost_ps;
    });
    best = std::min(best, us);
    return us;
  };
  const SplitChoice choice = search_split(static_cast<int>(channels.size()), report.closed_form, cost);
  report.searched = choice.split;
  report.searched_us = choice.cost;
  report.closed_form_us = choice.fallback_cost;
  return report;
}

NmpTiling tiling_of(const PlanContext& c, const WeightPlacement& w, const WeightShare& share, TilingMemos& tilings) {
  const NmpConfig& nmp = c.system.nmp_of(share.channel);
  const TilingProblem problem = weight_tiling_problem(c.system, share.channel, w.bits, w.m, share.k.size(), share.n.size());
  if (c.tiling != nullptr) {
    if (const NmpTiling* given = c.tiling->find(w.op.name)) return fitted(*given, nmp, problem, w.op.name, share.channel);
  }
  const TilingMemo::Choice* choice = tilings[&c.system.group_of(share.channel)].choose(nmp, problem);
  if (choice == nullptr) {
    throw InfeasibleError(fmt::format("operator {} on channel {}: {} rows of input need {} bytes of output buffer a column, {} KiB there",
                                      w.op.name, share.channel, w.m, bytes_of(w.m, w.bits.accumulator), nmp.pe.output_buffer_kib));
  }
  return choice->tiling;
}

void place_shares(const PlanContext& c, WeightPlacement& w, const std::vector<int>& channels, const std::vector<std::int64_t>& inputs,
                  MemoryMap& memory, TilingMemos& tilings) {
  for (std::size_t i = 0; i < channels.size(); ++i) {
    WeightShare share;
    share.channel = channels[i];
    share.k = w.split.k_of(static_cast<int>(i), w.op.k, weight_k_granule(c.system));
    share.n = w.split.n_of(static_cast<int>(i), w.n_nmp);
    if (share.k.size() == 0 || share.n.size() == 0) continue;
    share.tiling = tiling_of(c, w, share, tilings);
    share.stationary = reserve_columns(memory, share.channel, w.space, share.n.size(), share.k.size() * w.bits.stationary);
    share.input = inputs[i];
    const std::int64_t fullest = widest(share.n.size(), memory.banks()) * w.m * w.bits.output;
    share.output = memory.reserve(share.channel, Space::shared, memory.padded(ceil_div(fullest, std::int64_t{8})));
    if (share.spills()) {
      const std::int64_t sums = widest(share.n.size(), memory.banks()) * w.m * w.bits.accumulator;
      share.partials = memory.reserve(share.channel, Space::shared, memory.padded(ceil_div(sums, std::int64_t{8})));
    }
    w.shares.push_back(std::move(share));
  }
}

/// Bytes that only the NPU reads: evenly over channels and banks in whole host accesses.
void place_evenly(std::int64_t whole, Space space, const std::vector<int>& channels, MemoryMap& memory, std::vector<Extent>& out) {
  const std::int64_t unit = memory.host_unit();
  const std::int64_t units = ceil_div(whole, unit);
  for (std::size_t i = 0; i < channels.size(); ++i) {
    const std::int64_t bytes = even_part(units, static_cast<int>(channels.size()), static_cast<int>(i), 1).size() * unit;
    if (bytes == 0) continue;
    const std::int64_t offset = memory.reserve(channels[i], space, memory.spread_bank_bytes(bytes, unit), Holding::weights);
    for (const Extent& e : memory.spread(channels[i], offset, bytes, unit)) out.push_back(e);
  }
}

/// The first columns of what each bank holds of a share, without those that have a copy; in whole accesses.
Extent kept_of(const WeightPlacement& w, const Extent& share, const MemoryMap& memory) {
  const std::int64_t bytes = share.max_bytes_per_bank(), unit = memory.host_unit();
  const auto kept = static_cast<std::int64_t>(std::llround(static_cast<double>(bytes) * (1 - w.copied)));
  return share.slice(0, std::min(bytes, ceil_div(kept, unit) * unit));
}

/// Copies of the last columns in each bank, evenly over normal channels and banks.
void place_copies(const PlanContext& c, WeightPlacement& w, MemoryMap& memory) {
  const std::vector<int> channels = c.system.normal_channels();
  if (c.prefill_copies == 0 || w.shares.empty() || channels.empty()) return;
  w.copied = c.prefill_copies;
  std::int64_t bytes = 0;
  for (const WeightShare& share : w.shares) {
    for (const Extent& e : share.stationary) bytes += e.bytes() - kept_of(w, e, memory).bytes();
  }
  place_evenly(bytes, w.space, channels, memory, w.copies);
}

WeightPlacement describe(const PlanContext& c, const WeightGroup& group, const Operator& op) {
  WeightPlacement w;
  w.op = op;
  w.space = group.space;
  w.m = c.decode_tokens;
  w.bits = operand_bits(c.model, op);
  switch (group.binding.executor) {
    case Executor::npu:
      w.n_nmp = 0;
      break;
    case Executor::nmp:
      w.n_nmp = op.n;
      break;
    case Executor::split:
      w.n_nmp = std::llround(static_cast<double>(op.n) * group.binding.nmp_share);
      break;
  }
  return w;
}

}  // namespace

std::int64_t weight_k_granule(const System& system) { return system.nmp.pe.macs_per_fpu; }

TilingProblem weight_tiling_problem(const System& system, int channel, const OperandBits& bits, std::int64_t m, std::int64_t k,
                                    std::int64_t n) {
  TilingProblem problem = tiling_problem(system, channel, {1, m, n, k}, system.dram_of(channel).organization.banks(), bits);
  problem.may_spill = true;
  return problem;
}

std::vector<Extent> prefill_weights(const WeightPlacement& w, const MemoryMap& memory) {
  std::vector<Extent> extents;
  for (const WeightShare& share : w.shares) {
    for (const Extent& e : share.stationary) {
      const Extent part = w.copies.empty() ? e : kept_of(w, e, memory);
      if (part.bytes() > 0) extents.push_back(part);
    }
  }
  extents.insert(extents.end(), w.copies.begin(), w.copies.end());
  extents.insert(extents.end(), w.npu.begin(), w.npu.end());
  return extents;
}

std::vector<Extent> share_input(const WeightPlacement& w, const WeightShare& share, std::int64_t m, const MemoryMap& memory) {
  return memory.spread(share.channel, share.input, bytes_of(m * share.k.size(), w.bits.activation), memory.both_unit());
}

std::vector<Extent> share_output(const WeightPlacement& w, const WeightShare& share, std::int64_t m, const MemoryMap& memory) {
  return by_columns(memory, share.channel, share.output, share.n.size(), m * w.bits.output);
}

std::vector<Extent> share_partials(const WeightPlacement& w, const WeightShare& share, std::int64_t m, const MemoryMap& memory) {
  if (!share.spills()) return {};
  return by_columns(memory, share.channel, share.partials, share.n.size(), m * w.bits.accumulator);
}

std::vector<WeightPlacement> place_weights(const PlanContext& c, const WeightGroup& group, MemoryMap& memory) {
  std::vector<WeightPlacement> out;
  for (const Operator* op : group.operators) out.push_back(describe(c, group, *op));
  const std::int64_t k = group.operators.front()->k;
  const auto& channels = group.binding.nmp_channels;
  const bool on_nmp = std::any_of(out.begin(), out.end(), [](const WeightPlacement& w) { return w.n_nmp > 0; });
  std::vector<std::int64_t> inputs;
  SplitReport report;
  GridSplit split;
  TilingMemos tilings;
  if (on_nmp) {
    report = choose_split(c, out, channels, tilings);
    split = c.split == SplitPolicy::search ? report.searched : report.closed_form;
    for (std::size_t i = 0; i < channels.size(); ++i) {
      const std::int64_t elements = c.decode_tokens * split.k_of(static_cast<int>(i), k, weight_k_granule(c.system)).size();
      const std::int64_t bytes = bytes_of(elements, c.model.bits.activation);
      inputs.push_back(memory.reserve(channels[i], Space::shared, memory.spread_bank_bytes(bytes, memory.both_unit())));
    }
  }
  for (WeightPlacement& w : out) {
    w.split = split;
    w.report = report;
    if (w.n_nmp > 0) place_shares(c, w, channels, inputs, memory, tilings);
    if (w.n_npu() > 0) {
      const bool npu = group.binding.executor == Executor::npu;
      place_evenly(bytes_of(w.n_npu() * w.op.k, w.bits.stationary), w.space,
                   npu ? group.binding.all_channels() : group.binding.normal_channels, memory, w.npu);
    }
    place_copies(c, w, memory);
  }
  return out;
}

}  // namespace bondsim
