#include "mapping/search/dataflow/storing.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "models/base/quantity.hpp"

namespace bondsim::search {
namespace {

class StoringFit {
 public:
  StoringFit(const OperatorTable& table, FoundDataflow& dataflow)
      : table_(table), dataflow_(dataflow), groups_(partition_groups(table.problem(), dataflow)), range_(normal_range(table)) {
    for (int op = 0; op < table.operators(); ++op) {
      if (dataflow[at(op)].binding.split()) split_.push_back(op);
    }
    bytes_ = normal_bytes(table, dataflow);
  }

  bool reach_range() {
    for (int step = 0; step < 1000 && !allowed(bytes_); ++step) {
      if (!cheapest_step()) return false;
    }
    return allowed(bytes_);
  }

  void improve() {
    for (int round = 0; round < 1000; ++round) {
      if (!improve_once()) return;
    }
  }

 private:
  struct Move {
    int op;
    std::int64_t units;  ///< added to the NMP share
  };

  bool allowed(double bytes) const { return bytes >= range_.least && bytes <= range_.most; }
  double unit_bytes(int op) const { return table_.bytes(op) / static_cast<double>(table_.units(op)); }
  double seconds() const { return evaluate(table_, dataflow_, groups_).decode_s; }
  std::int64_t& units(int op) { return dataflow_[at(op)].binding.units; }

  bool possible(const Move& m) {
    const std::int64_t after = units(m.op) + m.units;
    return m.units != 0 && after >= 0 && after < table_.units(m.op);
  }

  void apply(const Move& m) {
    units(m.op) += m.units;
    bytes_ -= static_cast<double>(m.units) * unit_bytes(m.op);
  }

  /// A part of what is missing, taken from one operator: the one that costs least a byte.
  bool cheapest_step() {
    const bool to_normal = bytes_ < range_.least;
    const double missing = to_normal ? range_.least - bytes_ : bytes_ - range_.most;
    const double before_s = seconds();
    double best_rate = std::numeric_limits<double>::infinity();
    Move best{-1, 0};
    for (const int op : split_) {
      const std::int64_t room = to_normal ? units(op) : table_.units(op) - 1 - units(op);
      const auto needed = static_cast<std::int64_t>(std::ceil(missing / unit_bytes(op)));
      for (const std::int64_t part : {64, 16, 4, 2, 1}) {
        const std::int64_t amount = ceil_div(std::min(room, needed), part);
        const Move move{op, to_normal ? -amount : amount};
        if (!possible(move)) continue;
        apply(move);
        const double rate = (seconds() - before_s) / (static_cast<double>(amount) * unit_bytes(op));
        apply({op, -move.units});
        if (rate < best_rate) {
          best_rate = rate;
          best = move;
        }
      }
    }
    if (best.op < 0) return false;
    apply(best);
    return true;
  }

  /// One operator alone, or one giving what another takes.
  bool improve_once() {
    const double before_s = seconds();
    for (const int op : split_) {
      for (std::int64_t amount = table_.units(op) / 2; amount >= 1; amount /= 2) {
        for (const Move& move : {Move{op, amount}, Move{op, -amount}}) {
          if (!possible(move)) continue;
          apply(move);
          if (allowed(bytes_) && seconds() < before_s * (1 - 1e-12)) return true;
          if (answered(move, before_s)) return true;
          apply({op, -move.units});
        }
      }
    }
    return false;
  }

  bool answered(const Move& move, double before_s) {
    for (const int other : split_) {
      if (other == move.op) continue;
      const double moved = -static_cast<double>(move.units) * unit_bytes(move.op) / unit_bytes(other);
      for (const double amount : {std::floor(moved), std::ceil(moved)}) {
        const Move answer{other, static_cast<std::int64_t>(amount)};
        if (!possible(answer)) continue;
        apply(answer);
        if (allowed(bytes_) && seconds() < before_s * (1 - 1e-12)) return true;
        apply({other, -answer.units});
      }
    }
    return false;
  }

  const OperatorTable& table_;
  FoundDataflow& dataflow_;
  std::vector<int> groups_;
  std::vector<int> split_;
  NormalRange range_;
  double bytes_ = 0;
};

}  // namespace

NormalRange normal_range(const OperatorTable& table) {
  const double capacity = table.problem().channel_capacity_bytes;
  return {std::max(0.0, table.total_bytes() - capacity * table.nmp_channels()), capacity * table.problem().device.normal_channels};
}

double normal_bytes(const OperatorTable& table, const FoundDataflow& dataflow) {
  double sum = 0;
  for (int op = 0; op < table.operators(); ++op) sum += table.normal_bytes(op, dataflow[at(op)].binding);
  return sum;
}

bool fit_storing(const OperatorTable& table, FoundDataflow& dataflow) {
  StoringFit fit(table, dataflow);
  if (!fit.reach_range()) return false;
  fit.improve();
  return true;
}

}  // namespace bondsim::search
