#pragma once
#include <vector>

#include "mapping/search/dataflow/problem.hpp"

namespace bondsim::search {

/// Where one operator's stationary operand lies and is computed: on `nmp` NMP channels, on the normal channels, or on both, when `units`
/// of its units are the NMP channels' share (0 <= units < all of them). Channels are counted; a Placement names them.
struct Allotment {
  int nmp = 0;
  bool normal = false;
  std::int64_t units = 0;  ///< meaningful when bound to both

  bool split() const { return nmp > 0 && normal; }
};

/// The ways to split one operator between c NMP channels and the normal ones that are not beaten in both times: NMP time rises, NPU time
/// falls.
struct SplitCurve {
  std::vector<double> nmp_s;
  std::vector<double> npu_s;
  std::vector<std::int64_t> units;

  /// Last point whose NMP time is at most `limit_s`; -1 if there is none.
  int last_within(double limit_s) const;
};

/// Every latency a search asks for, computed once; where a problem limits the shares that are tried, those in between are interpolated.
/// Seconds; bytes of all layers.
class OperatorTable {
 public:
  explicit OperatorTable(const SearchProblem& problem);

  const SearchProblem& problem() const { return problem_; }
  int operators() const { return static_cast<int>(problem_.operators.size()); }
  int nmp_channels() const { return problem_.nmp_channels(); }
  bool has_normal() const { return problem_.device.normal_channels > 0; }

  double prefill_s(int op, int nmp, bool normal) const { return entry(op, nmp).prefill_s[normal ? 1 : 0]; }
  /// Decode seconds of a step of the NMP part and of the NPU part; 0 where there is no such part.
  double nmp_s(int op, const Allotment& b) const;
  double npu_s(int op, const Allotment& b) const;
  /// Bytes stored in the normal channels together.
  double normal_bytes(int op, const Allotment& b) const;
  /// Shares that are tried for an operator split over `nmp` NMP channels and the normal ones, and the units of one of them.
  std::int64_t shares(int op, int nmp) const;
  std::int64_t share(int op, int nmp, std::int64_t index) const;
  const SplitCurve& curve(int op, int nmp) const { return entry(op, nmp).curve; }
  std::int64_t units(int op) const { return units_[static_cast<std::size_t>(op)]; }
  double bytes(int op) const { return problem_.operators[static_cast<std::size_t>(op)].stationary_bytes; }
  double total_bytes() const;

 private:
  struct Entry {
    double prefill_s[2] = {0, 0};
    double whole_nmp_s = 0;
    std::vector<std::int64_t> shares;  ///< units of the NMP channels that were tried, ascending; empty: every number of units
    std::vector<double> split_nmp_s;   ///< by share, seconds of a decode step
    std::vector<double> split_npu_s;
    SplitCurve curve;
  };
  const Entry& entry(int op, int nmp) const {
    return entries_[static_cast<std::size_t>(op) * static_cast<std::size_t>(nmp_channels() + 1) + static_cast<std::size_t>(nmp)];
  }
  static double at_share(const Entry& entry, const std::vector<double>& seconds, std::int64_t units);
  Entry make_entry(const SearchOperator& op, int nmp) const;
  void fill_split(const SearchOperator& op, int nmp, Entry& entry) const;
  cost::NmpDevice nmp_device(int nmp) const;
  cost::NpuDevice reading_npu(int nmp) const;
  /// Seconds of `units` units in all turns, one after the other.
  double nmp_seconds(const SearchOperator& op, const std::vector<Turn>& turns, const cost::NmpDevice& device, std::int64_t units) const;
  double npu_seconds(const SearchOperator& op, const std::vector<Turn>& turns, const cost::NpuDevice& npu, std::int64_t units) const;

  SearchProblem problem_;
  std::vector<Entry> entries_;
  std::vector<double> normal_npu_s_;
  std::vector<std::int64_t> units_;
};

}  // namespace bondsim::search
