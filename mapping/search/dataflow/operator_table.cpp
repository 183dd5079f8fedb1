#include "mapping/search/dataflow/operator_table.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>

#include "mapping/search/dataflow/pareto.hpp"

namespace bondsim::search {
namespace {

/// Seconds of turns one after the other, of some of the units.
template <class Seconds>
double in_turn(const SearchOperator& op, const std::vector<Turn>& turns, std::int64_t units, const Seconds& seconds) {
  double sum = 0;
  for (const Turn& turn : turns) sum += turn.times * seconds(units == op.units() ? turn.shape : op.with_units(turn.shape, units));
  return sum;
}

SplitCurve undominated(const std::vector<std::int64_t>& shares, const std::vector<double>& nmp_s, const std::vector<double>& npu_s) {
  std::vector<std::size_t> order(nmp_s.size());
  std::iota(order.begin(), order.end(), 0);
  order.erase(keep_undominated(order.begin(), order.end(),
                               [&](std::size_t i) {
                                 return std::array<double, 2>{nmp_s[i], npu_s[i]};
                               }),
              order.end());
  SplitCurve curve;
  for (const std::size_t i : order) {
    curve.nmp_s.push_back(nmp_s[i]);
    curve.npu_s.push_back(npu_s[i]);
    curve.units.push_back(shares.empty() ? static_cast<std::int64_t>(i) : shares[i]);
  }
  return curve;
}

/// Shares between two that the form is asked for; their times are interpolated.
constexpr std::int64_t between = 8;

/// Numbers of units to try: of 0 to units - 1, `asked` evenly spaced ones and those between them; empty: all of them.
std::vector<std::int64_t> limited_shares(std::int64_t units, std::int64_t asked) {
  std::vector<std::int64_t> shares;
  const std::int64_t steps = (asked - 1) * between;
  if (asked == 0 || units <= steps) return shares;
  for (std::int64_t i = 0; i <= steps; ++i) shares.push_back(i * (units - 1) / steps);
  return shares;
}

/// Fills in what lies between every `between`-th value.
void interpolate(const std::vector<std::int64_t>& shares, std::vector<double>& seconds) {
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const std::size_t low = i / between * between;
    if (i == low) continue;
    const std::size_t high = low + between;
    const double part = static_cast<double>(shares[i] - shares[low]) / static_cast<double>(shares[high] - shares[low]);
    seconds[i] = std::isinf(seconds[low]) || std::isinf(seconds[high]) ? std::numeric_limits<double>::infinity()
                                                                       : seconds[low] + part * (seconds[high] - seconds[low]);
  }
}

}  // namespace

int SplitCurve::last_within(double limit_s) const {
  return static_cast<int>(std::upper_bound(nmp_s.begin(), nmp_s.end(), limit_s) - nmp_s.begin()) - 1;
}

OperatorTable::OperatorTable(const SearchProblem& problem) : problem_(problem) {
  const cost::LayerDevice& device = problem.device;
  check(device.nmp.channels + device.normal_channels > 0 && device.nmp.channels < 64, "{} + {} channels", device.nmp.channels,
        device.normal_channels);
  check(problem.most_shares == 0 || problem.most_shares > 1, "{} shares", problem.most_shares);
  for (const auto& op : problem.operators) {
    units_.push_back(op.units());
    normal_npu_s_.push_back(has_normal() ? npu_seconds(op, op.turns_of_decode(), reading_npu(0), op.units()) : 0);
    for (int nmp = 0; nmp <= nmp_channels(); ++nmp) entries_.push_back(make_entry(op, nmp));
  }
}

OperatorTable::Entry OperatorTable::make_entry(const SearchOperator& op, int nmp) const {
  Entry entry;
  for (int normal = 0; problem_.prefill_counts && normal <= (has_normal() ? 1 : 0); ++normal) {
    cost::NpuDevice npu = problem_.device.npu;
    const int of_normal = normal * problem_.device.normal_channels;
    npu.channels = problem_.split_reads_all_channels ? nmp + of_normal : std::max(nmp, of_normal);
    if (npu.channels == 0) continue;
    entry.prefill_s[normal] = in_turn(op, op.turns_of_prefill(), op.units(),
                                      [&](const GemmShape& gemm) { return problem_.model->npu_operand_seconds(gemm, op.bits, npu); });
  }
  if (nmp == 0) return entry;
  entry.whole_nmp_s = nmp_seconds(op, op.turns_of_decode(), nmp_device(nmp), op.units());
  if (has_normal() && problem_.rule == BindingRule::data_centric) fill_split(op, nmp, entry);
  return entry;
}

/// The device with `nmp` channels.
cost::NmpDevice OperatorTable::nmp_device(int nmp) const {
  cost::NmpDevice device = problem_.device.nmp;
  device.channels = nmp;
  return device;
}

/// The NPU with the channels it reads its part of a split operator from.
cost::NpuDevice OperatorTable::reading_npu(int nmp) const {
  cost::NpuDevice npu = problem_.device.npu;
  npu.channels = (problem_.split_reads_all_channels ? nmp : 0) + problem_.device.normal_channels;
  return npu;
}

double OperatorTable::nmp_seconds(const SearchOperator& op, const std::vector<Turn>& turns, const cost::NmpDevice& device,
                                  std::int64_t units) const {
  if (units == 0) return 0;
  return in_turn(op, turns, units, [&](const GemmShape& gemm) { return problem_.model->nmp_operand_seconds(gemm, op.bits, device); });
}

double OperatorTable::npu_seconds(const SearchOperator& op, const std::vector<Turn>& turns, const cost::NpuDevice& npu,
                                  std::int64_t units) const {
  return in_turn(op, turns, units, [&](const GemmShape& gemm) { return problem_.model->npu_operand_seconds(gemm, op.bits, npu); });
}

void OperatorTable::fill_split(const SearchOperator& op, int nmp, Entry& entry) const {
  entry.shares = limited_shares(op.units(), problem_.most_shares);
  const bool every = entry.shares.empty();
  const auto count = every ? op.units() : static_cast<std::int64_t>(entry.shares.size());
  entry.split_nmp_s.assign(static_cast<std::size_t>(count), 0.0);
  entry.split_npu_s = entry.split_nmp_s;
  // The same for every share, of which there are as many as columns.
  const std::vector<Turn> turns = op.turns_of_decode();
  const cost::NmpDevice device = nmp_device(nmp);
  const cost::NpuDevice npu = reading_npu(nmp);
  for (std::int64_t i = 0; i < count; i += every ? 1 : between) {
    const auto at = static_cast<std::size_t>(i);
    const std::int64_t units = every ? i : entry.shares[at];
    entry.split_nmp_s[at] = nmp_seconds(op, turns, device, units);
    entry.split_npu_s[at] = npu_seconds(op, turns, npu, op.units() - units);
  }
  if (!every) {
    interpolate(entry.shares, entry.split_nmp_s);
    interpolate(entry.shares, entry.split_npu_s);
  }
  entry.curve = undominated(entry.shares, entry.split_nmp_s, entry.split_npu_s);
}

double OperatorTable::at_share(const Entry& entry, const std::vector<double>& seconds, std::int64_t units) {
  if (entry.shares.empty()) return seconds[static_cast<std::size_t>(units)];
  const auto after = static_cast<std::size_t>(std::lower_bound(entry.shares.begin(), entry.shares.end(), units) - entry.shares.begin());
  if (entry.shares[after] == units) return seconds[after];
  if (std::isinf(seconds[after - 1]) || std::isinf(seconds[after])) return std::numeric_limits<double>::infinity();
  const std::int64_t low = entry.shares[after - 1];
  const double part = static_cast<double>(units - low) / static_cast<double>(entry.shares[after] - low);
  return seconds[after - 1] + part * (seconds[after] - seconds[after - 1]);
}

std::int64_t OperatorTable::shares(int op, int nmp) const {
  const Entry& e = entry(op, nmp);
  return e.shares.empty() ? units(op) : static_cast<std::int64_t>(e.shares.size());
}

std::int64_t OperatorTable::share(int op, int nmp, std::int64_t index) const {
  const Entry& e = entry(op, nmp);
  return e.shares.empty() ? index : e.shares[static_cast<std::size_t>(index)];
}

double OperatorTable::nmp_s(int op, const Allotment& b) const {
  if (b.nmp == 0) return 0;
  const Entry& e = entry(op, b.nmp);
  return b.normal ? at_share(e, e.split_nmp_s, b.units) : e.whole_nmp_s;
}

double OperatorTable::npu_s(int op, const Allotment& b) const {
  if (!b.normal) return 0;
  if (b.nmp == 0) return normal_npu_s_[static_cast<std::size_t>(op)];
  const Entry& e = entry(op, b.nmp);
  return at_share(e, e.split_npu_s, b.units);
}

double OperatorTable::normal_bytes(int op, const Allotment& b) const {
  if (!b.normal) return 0;
  if (b.nmp == 0) return bytes(op);
  return bytes(op) * static_cast<double>(units(op) - b.units) / static_cast<double>(units(op));
}

double OperatorTable::total_bytes() const {
  double sum = 0;
  for (int op = 0; op < operators(); ++op) sum += bytes(op);
  return sum;
}

}  // namespace bondsim::search
