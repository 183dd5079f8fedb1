#include "mapping/cost/detailed/operator_plan.hpp"

#include <algorithm>
#include <map>
#include <numeric>

#include "mapping/emit/npu_chunks.hpp"
#include "mapping/emit/single_operator.hpp"
#include "mapping/layout/weights.hpp"
#include "mapping/tiling/split.hpp"
#include "mapping/tiling/tiling.hpp"
#include "models/base/element_bytes.hpp"
#include "models/base/quantity.hpp"

namespace bondsim::cost {
namespace {

/// Bytes of a tensor in the banks of a channel: `high_banks` banks hold `high` bytes each, `low_banks` hold `low`.
struct BankBytes {
  std::int64_t high = 0, low = 0;
  std::int64_t high_banks = 0, low_banks = 0;
  std::int64_t groups = 1;  ///< products side by side, each with longer banks of its own
};

class Planner {
 public:
  Planner(const System& system, const GemmShape& shape, const OperandBits& bits)
      : system_(system),
        shape_(shape),
        bits_(bits),
        banks_(system.dram.organization.banks()),
        page_(system.dram.organization.page_bytes()),
        burst_(system.dram.organization.access_bytes()),
        unit_(std::lcm<std::int64_t>(burst_, std::max(1, system.nmp.hb.access_bytes))) {
    if (std::min({shape.count, shape.m, shape.n, shape.k}) < 1)
      throw ConfigError(fmt::format("an operator of {} x [{}, {}] x [{}, {}]", shape.count, shape.m, shape.k, shape.k, shape.n));
  }

  OperatorPlan on_nmp() {
    const auto channels = static_cast<std::int64_t>(system_.nmp_channel_count());
    if (channels < 1) throw ConfigError("an operator without channels");
    const ProductDeal deal = deal_products(system_, bits_, shape_, static_cast<int>(channels));
    Rounds whole;
    if (deal.of_channel > 0) whole = side_by_side(deal.of_channel);
    if (deal.longer > 0) put(side_by_side(deal.of_channel + 1));
    if (deal.cut > 0) cut_over(deal.cut, deal.cut_channels, whole);
    if (!whole.channel.gemms.empty() && deal.longer + deal.cut * deal.cut_channels < channels) put(std::move(whole));
    return std::move(plan_);
  }

  OperatorPlan on_npu() const {
    const auto channels = static_cast<std::int64_t>(system_.channel_count());
    const std::int64_t units = ceil_div(bytes_of(shape_.count * shape_.n * shape_.k, bits_.stationary), burst_);
    const std::int64_t most = ceil_div(units, channels) * burst_;
    require_capacity(pages(ceil_div(ceil_div(most, burst_), banks_) * burst_));
    Extent channel;
    channel.banks = 1;
    channel.bytes_per_bank = most;
    OperatorPlan plan;
    plan.npu = {shape_, bits_, npu_chunks(system_, {channel}), static_cast<double>(most)};
    return plan;
  }

 private:
  std::int64_t padded(std::int64_t bytes) const { return ceil_div(bytes, unit_) * unit_; }
  std::int64_t pages(std::int64_t bytes) const { return ceil_div(bytes, page_) * page_; }

  /// Evenly over the banks, as MemoryMap::spread.
  BankBytes spread(std::int64_t bytes) const {
    const std::int64_t units = ceil_div(bytes, unit_);
    return {(units / banks_ + 1) * unit_, units / banks_ * unit_, units % banks_, banks_ - units % banks_, 1};
  }

  /// Columns of `count` products, each over `pes` banks.
  BankBytes columns(std::int64_t count, std::int64_t pes, std::int64_t n, std::int64_t bits_per_column) const {
    const auto bank = [&](std::int64_t columns) { return padded(ceil_div(columns * bits_per_column, std::int64_t{8})); };
    return {bank(n / pes + 1), bank(n / pes), count * (n % pes), count * (pes - n % pes), count};
  }

  static std::int64_t fullest(const BankBytes& b) { return b.high_banks > 0 ? b.high : b.low; }

  /// An extent, so many times.
  using Repeated = std::pair<Extent, std::int64_t>;

  static Repeated extent_of(const BankBytes& b, std::int64_t times) {
    Extent e;
    e.banks = static_cast<std::int32_t>(b.high_banks + b.low_banks);
    e.groups = static_cast<std::int32_t>(b.groups);
    e.longer_banks = static_cast<std::int32_t>(b.high_banks / b.groups);
    e.bytes_per_bank = b.low;
    e.extra_bytes = e.longer_banks > 0 ? b.high - b.low : 0;
    return {e, times};
  }

  /// One behind the other, each in rows of its own.
  BusTransfer transfer(const std::vector<Repeated>& parts, bool write) const {
    std::vector<Extent> extents;
    std::int64_t offset = 0;
    for (const auto& [part, times] : parts) {
      for (std::int64_t i = 0; i < times; ++i) {
        extents.push_back(part);
        extents.back().bank_offset = offset;
        offset = pages(offset + part.max_bytes_per_bank());
      }
    }
    const int queue = write ? system_.controller.write_queue : system_.controller.read_queue;
    return transfer_of(extents, queue, write, system_.dram.timing, system_.dram.organization);
  }

  /// Work of a channel, and the bytes it takes in each bank.
  struct Rounds {
    PlannedChannel channel;
    std::vector<Repeated> scatter, load;
    std::int64_t bank_bytes = 0;
  };

  void put(Rounds rounds) {
    require_capacity(rounds.bank_bytes);
    rounds.channel.scatter = transfer(rounds.scatter, true);
    rounds.channel.load = transfer(rounds.load, false);
    plan_.channels.push_back(std::move(rounds.channel));
  }

  /// `products` over `channels` channels each, as weight GEMMs are cut, after the whole products of these.
  void cut_over(std::int64_t products, int channels, const Rounds& whole) {
    const GridSplit split = closed_form_split(shape_.k, shape_.n, channels, 1.0);
    std::map<std::pair<std::int64_t, std::int64_t>, bool> seen;
    for (int i = 0; i < channels; ++i) {
      const std::int64_t k = split.k_of(i, shape_.k, weight_k_granule(system_)).size();
      const std::int64_t n = split.n_of(i, shape_.n).size();
      if (k == 0 || n == 0 || !seen.emplace(std::make_pair(k, n), true).second) continue;
      const auto tiling = choose_tiling(system_.nmp, weight_tiling_problem(system_, 0, bits_, shape_.m, k, n));
      if (!tiling) throw InfeasibleError(fmt::format("no tile of {} rows fits the buffers", shape_.m));
      Rounds rounds = whole;
      add_round(rounds, {1, shape_.m, n, k}, banks_, *tiling);
      put(std::move(rounds));
    }
    plan_.partial_sums = products * shape_.m * shape_.n * (split.t_k() - 1);
  }

  /// A channel's products on PEs of their own, round by round.
  Rounds side_by_side(std::int64_t products) {
    Rounds rounds;
    for (const ProductRound& r : product_rounds(system_, bits_, shape_, products)) {
      const auto tiling = choose_tiling(system_.nmp, products_tiling_problem(system_, bits_, shape_, r.products));
      if (!tiling) throw InfeasibleError(fmt::format("no tile of {} products of {} rows fits the buffers", r.products, shape_.m));
      GemmShape shape = shape_;
      shape.count = r.products;
      add_round(rounds, shape, banks_ / r.products, *tiling, r.times);
    }
    return rounds;
  }

  void add_round(Rounds& rounds, const GemmShape& shape, std::int64_t pes, const NmpTiling& tiling, std::int64_t times = 1) const {
    const BankBytes input = spread(shape.count * bytes_of(shape.m * shape.k, bits_.activation));
    const BankBytes stationary = columns(shape.count, pes, shape.n, shape.k * bits_.stationary);
    const BankBytes output = columns(shape.count, pes, shape.n, shape.m * bits_.output);
    const auto bank = [](const BankBytes& b) { return static_cast<double>(fullest(b)); };
    rounds.bank_bytes += times * (pages(fullest(input)) + pages(fullest(stationary)) + pages(fullest(output)));
    rounds.channel.gemms.push_back({times, {shape, ceil_div(shape.n, pes), tiling, bits_, bank(input), bank(stationary), bank(output)}});
    if (system_.nmp.io_path == IoPath::direct) return;
    rounds.scatter.push_back(extent_of(input, times));
    rounds.load.push_back(extent_of(output, times));
  }

  void require_capacity(std::int64_t bytes_per_bank) const {
    const std::int64_t there = system_.dram.organization.bank_bytes();
    if (bytes_per_bank > there) {
      throw InfeasibleError(fmt::format("{} bytes needed in a bank of the fullest channel, {} bytes there", bytes_per_bank, there));
    }
  }

  const System& system_;
  GemmShape shape_;
  OperandBits bits_;
  std::int64_t banks_, page_, burst_, unit_;
  OperatorPlan plan_;
};

}  // namespace

NpuShare share_of(const NpuGemm& gemm) {
  std::map<std::int32_t, double> bytes;
  for (const Extent& e : gemm.stationary) bytes[e.channel] += static_cast<double>(e.bytes());
  NpuShare share{gemm.shape, gemm.bits, gemm.chunks, 0};
  for (const auto& channel : bytes) share.channel_bytes = std::max(share.channel_bytes, channel.second);
  return share;
}

OperatorPlan plan_on_nmp(const System& system, const GemmShape& shape, const OperandBits& bits) {
  return Planner(system, shape, bits).on_nmp();
}

OperatorPlan plan_on_npu(const System& system, const GemmShape& shape, const OperandBits& bits) {
  return Planner(system, shape, bits).on_npu();
}

}  // namespace bondsim::cost
