#include "mapping/search/dataflow/operator_table.hpp"

#include <algorithm>
#include <numeric>

namespace bondsim::search {
namespace {

GemmShape with_units(const SearchOperator& op, std::int64_t units) {
  GemmShape gemm = op.decode;
  (op.decode.count > 1 ? gemm.count : gemm.n) = units;
  return gemm;
}

SplitCurve undominated(const std::vector<double>& nmp_s, const std::vector<double>& npu_s) {
  std::vector<std::size_t> order(nmp_s.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return nmp_s[a] != nmp_s[b] ? nmp_s[a] < nmp_s[b] : npu_s[a] < npu_s[b]; });
  SplitCurve curve;
  for (const std::size_t i : order) {
    if (!curve.npu_s.empty() && npu_s[i] >= curve.npu_s.back()) continue;
    curve.nmp_s.push_back(nmp_s[i]);
    curve.npu_s.push_back(npu_s[i]);
    curve.units.push_back(static_cast<std::int64_t>(i));
  }
  return curve;
}

}  // namespace

int SplitCurve::last_within(double limit_s) const {
  return static_cast<int>(std::upper_bound(nmp_s.begin(), nmp_s.end(), limit_s) - nmp_s.begin()) - 1;
}

OperatorTable::OperatorTable(const SearchProblem& problem) : problem_(problem) {
  const cost::LayerDevice& device = problem.device;
  check(device.nmp.channels + device.normal_channels > 0 && device.nmp.channels < 64, "{} + {} channels", device.nmp.channels,
        device.normal_channels);
  for (const auto& op : problem.operators) {
    units_.push_back(op.units());
    cost::NpuDevice npu = device.npu;
    npu.channels = device.normal_channels;
    normal_npu_s_.push_back(has_normal() ? problem.model->npu_seconds(op.decode, problem.element_bytes, npu) : 0);
    for (int nmp = 0; nmp <= nmp_channels(); ++nmp) entries_.push_back(make_entry(op, nmp));
  }
}

OperatorTable::Entry OperatorTable::make_entry(const SearchOperator& op, int nmp) const {
  Entry entry;
  for (int normal = 0; normal <= (has_normal() ? 1 : 0); ++normal) {
    cost::NpuDevice npu = problem_.device.npu;
    const int of_normal = normal * problem_.device.normal_channels;
    npu.channels = problem_.split_reads_all_channels ? nmp + of_normal : std::max(nmp, of_normal);
    if (npu.channels > 0) entry.prefill_s[normal] = problem_.model->npu_seconds(op.prefill, problem_.element_bytes, npu);
  }
  if (nmp == 0) return entry;
  cost::NmpDevice device = problem_.device.nmp;
  device.channels = nmp;
  entry.whole_nmp_s = problem_.model->nmp_seconds(op.decode, problem_.element_bytes, device);
  if (has_normal() && problem_.rule == BindingRule::data_centric) fill_split(op, nmp, entry);
  return entry;
}

void OperatorTable::fill_split(const SearchOperator& op, int nmp, Entry& entry) const {
  cost::NmpDevice device = problem_.device.nmp;
  device.channels = nmp;
  cost::NpuDevice npu = problem_.device.npu;
  npu.channels = (problem_.split_reads_all_channels ? nmp : 0) + problem_.device.normal_channels;
  const std::int64_t units = op.units();
  for (std::int64_t share = 0; share < units; ++share) {
    entry.split_nmp_s.push_back(share == 0 ? 0.0 : problem_.model->nmp_seconds(with_units(op, share), problem_.element_bytes, device));
    entry.split_npu_s.push_back(problem_.model->npu_seconds(with_units(op, units - share), problem_.element_bytes, npu));
  }
  entry.curve = undominated(entry.split_nmp_s, entry.split_npu_s);
}

double OperatorTable::nmp_s(int op, const Binding& b) const {
  if (b.nmp == 0) return 0;
  const Entry& e = entry(op, b.nmp);
  return b.normal ? e.split_nmp_s[static_cast<std::size_t>(b.units)] : e.whole_nmp_s;
}

double OperatorTable::npu_s(int op, const Binding& b) const {
  if (!b.normal) return 0;
  return b.nmp == 0 ? normal_npu_s_[static_cast<std::size_t>(op)] : entry(op, b.nmp).split_npu_s[static_cast<std::size_t>(b.units)];
}

double OperatorTable::normal_bytes(int op, const Binding& b) const {
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
