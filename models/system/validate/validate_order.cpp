#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include "models/system/validate/validate_tasks.hpp"

namespace bondsim::schedule_checks {
namespace {

struct Interval {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

bool in_bank(const Extent& e, int channel, int bank) {
  return e.channel == channel && bank >= e.first_bank && bank < e.first_bank + e.banks;
}

Interval interval(const Extent& e, int bank) { return {e.bank_offset, e.bank_offset + e.bytes_of_bank(bank - e.first_bank)}; }

/// Tasks of a kind on a channel, and of an operator, by index.
std::vector<std::int32_t> tasks_where(const BlockView& v, TaskKind kind, std::int32_t channel) {
  std::vector<std::int32_t> out;
  for (std::int32_t i = 0; i < v.count(); ++i) {
    if (v.task(i).kind == kind && v.task(i).executor == ExecutorId::of_channel(channel)) out.push_back(i);
  }
  return out;
}

void check_modes(const BlockView& v) {
  std::set<std::int32_t> streamed;  // channels that the arrays read from: others need normal mode for their own tasks alone
  for (std::int32_t i = 0; i < v.count(); ++i) {
    for (const Extent& e : v.task(i).npu.stationary) streamed.insert(e.channel);
  }
  std::map<std::int32_t, std::int32_t> staying;  // by channel: its last task, when that is an nmp_gemm that does not leave NMP mode
  for (std::int32_t i = 0; i < v.count(); ++i) {
    const Task& t = v.task(i);
    if (!t.on_channel()) continue;
    const auto before = staying.find(t.channel());
    if (before != staying.end()) {
      const std::int32_t last = before->second;
      if (!t.beside_banks()) v.fail(last, "stays in NMP mode, but task {} of the channel needs normal mode", i);
      const auto& known = v.task(last).dependencies;
      for (const std::int32_t d : t.dependencies) {
        // An earlier task of the channel has ended before the last one began.
        if (v.task(d).executor == t.executor || streamed.count(t.channel()) == 0) continue;
        if (d != last && std::find(known.begin(), known.end(), d) == known.end()) {
          v.fail(last, "stays in NMP mode, but task {} of the channel still waits for task {}, which may need normal mode", i, d);
        }
      }
      staying.erase(before);
    }
    if (t.beside_banks() && !t.nmp.leave_mode) staying[t.channel()] = i;
  }
  if (!staying.empty()) v.fail(staying.begin()->second, "stays in NMP mode at the end of the block");
}

/// Work beside the banks reads what was scattered before it or other such work of the channel has written, and what it writes is loaded or
/// read by other such work after it.
void check_transfers(const BlockView& v, const Ancestors& ancestors) {
  std::map<std::int32_t, std::vector<std::int32_t>> scatters;
  std::map<std::int32_t, std::vector<std::int32_t>> loads;
  std::map<std::int32_t, std::vector<std::int32_t>> vectors;
  std::map<std::int32_t, std::vector<std::int32_t>> gemms;
  for (const int c : v.system.nmp_channels()) {
    scatters[c] = tasks_where(v, TaskKind::host_scatter, c);
    loads[c] = tasks_where(v, TaskKind::host_load, c);
    vectors[c] = tasks_where(v, TaskKind::nmp_vector, c);
    if (!vectors[c].empty()) gemms[c] = tasks_where(v, TaskKind::nmp_gemm, c);
  }
  for (std::int32_t i = 0; i < v.count(); ++i) {
    const Task& t = v.task(i);
    if (!t.beside_banks()) continue;
    if (v.system.nmp_of(t.channel()).io_path == IoPath::direct) continue;  // it moves them itself
    const bool vector = t.kind == TaskKind::nmp_vector;
    // The same place of the list of the channel is not enough: the data must have been waited for.
    const auto collect = [&](std::vector<Extent>& to, const std::vector<std::int32_t>& tasks, bool before, auto extents_of) {
      for (const std::int32_t x : tasks) {
        if (before ? !ancestors.before(x, i) : !ancestors.before(i, x)) continue;
        const std::vector<Extent>& extents = extents_of(v.task(x));
        to.insert(to.end(), extents.begin(), extents.end());
      }
    };
    const auto moved = [](const Task& x) -> const std::vector<Extent>& { return x.extents; };
    const auto result = [](const Task& x) -> const std::vector<Extent>& { return x.nmp.output; };
    const auto operand = [](const Task& x) -> const std::vector<Extent>& { return x.nmp.input; };
    std::vector<Extent> written, read;
    collect(written, scatters[t.channel()], true, moved);
    collect(written, vectors[t.channel()], true, result);
    if (vector) collect(written, gemms[t.channel()], true, result);
    if (!covers(written, t.nmp.input)) v.fail(i, "its input is not scattered to the channel before it");
    collect(read, loads[t.channel()], false, moved);
    collect(read, vectors[t.channel()], false, operand);
    if (vector) collect(read, gemms[t.channel()], false, operand);
    if (!covers(read, t.nmp.output)) v.fail(i, "its output is not loaded after it");
  }
}

/// Extents a task reads that an earlier one may have appended to.
const std::vector<Extent>& cache_read(const Task& t) {
  if (t.kind == TaskKind::nmp_gemm) return t.nmp.stationary;
  static const std::vector<Extent> nothing;
  if (t.kind == TaskKind::host_load) return t.extents;
  return t.kind == TaskKind::npu_gemm ? t.npu.stationary : nothing;
}

void check_appends(const BlockView& v, const Ancestors& ancestors) {
  const bool parts = v.parts_in_turn();
  std::vector<std::int32_t> appends;
  for (std::int32_t i = 0; i < v.count(); ++i) {
    if (v.task(i).kind == TaskKind::kv_append) appends.push_back(i);
  }
  for (std::int32_t i = 0; i < v.count(); ++i) {
    const auto& operand = cache_read(v.task(i));
    if (operand.empty()) continue;
    for (const std::int32_t w : appends) {
      // A copy inside a cache writes what it has read; so does a later layer of the same block.
      const bool may_follow = parts || v.task(w).op == v.task(i).op;
      if (ancestors.before(w, i) || (may_follow && ancestors.before(i, w))) continue;
      if (overlap(v.task(w).extents, operand)) v.fail(i, "reads a cache that task {} appends to, without waiting for it", w);
    }
  }
}

/// What tasks of the block write to channels.
std::vector<Extent> written_extents(const BlockView& v) {
  std::vector<Extent> written;
  for (std::int32_t i = 0; i < v.count(); ++i) {
    const Task& t = v.task(i);
    if (t.kind == TaskKind::host_scatter || t.kind == TaskKind::kv_append)
      written.insert(written.end(), t.extents.begin(), t.extents.end());
    if (t.beside_banks()) written.insert(written.end(), t.nmp.output.begin(), t.nmp.output.end());
  }
  return written;
}

/// Every task of an operator starts after every task of the operators it needs; but loads of what nobody in the block writes bring weights,
/// which may come at any time.
void check_edges(const BlockView& v, const Ancestors& ancestors) {
  std::optional<std::vector<Extent>> written;
  const auto brings_weights = [&](std::int32_t i) {
    if (v.task(i).kind != TaskKind::host_load) return false;
    if (!written) written = written_extents(v);
    return !overlap(*written, v.task(i).extents);
  };
  const bool parts = v.parts_in_turn();
  std::map<std::int32_t, std::vector<std::int32_t>> by_operator;
  for (std::int32_t i = 0; i < v.count(); ++i) {
    if (v.task(i).op >= 0) by_operator[v.task(i).op].push_back(i);
  }
  for (const auto& [a, b] : v.header.edges) {
    const auto first = by_operator.find(a);
    const auto second = by_operator.find(b);
    if (first == by_operator.end() || second == by_operator.end()) continue;
    for (const std::int32_t later : second->second) {
      for (const std::int32_t earlier : first->second) {
        if (!ancestors.before(earlier, later) && !(parts && ancestors.before(later, earlier))) {
          if (brings_weights(later)) break;
          v.fail(later, "does not wait for task {} of {}, whose result it needs", earlier, v.operator_name(a));
        }
      }
    }
  }
}

}  // namespace

namespace {

/// The chains of a block: channels and arrays by number, and runs of vector units that are always used together.
class Chains {
 public:
  explicit Chains(const Block& block) {
    std::set<std::int32_t> units = {0};
    for (const Task& t : block.tasks) {
      if (t.on_channel()) channels_ = std::max(channels_, t.channel() + 1);
      if (t.kind != TaskKind::npu_vector || t.vector.units == 0) continue;
      units.insert(t.vector.first_unit);
      units.insert(t.vector.first_unit + t.vector.units);
    }
    units_.assign(units.begin(), units.end());
  }

  std::size_t count() const { return static_cast<std::size_t>(channels_) + 1 + units_.size(); }

  /// [first, last) of a task.
  std::pair<std::size_t, std::size_t> of(const Task& t) const {
    if (t.kind == TaskKind::barrier) return {0, 0};
    const auto arrays = static_cast<std::size_t>(channels_);
    if (t.kind != TaskKind::npu_vector) {
      const std::size_t one = t.on_channel() ? static_cast<std::size_t>(t.channel()) : arrays;
      return {one, one + 1};
    }
    const auto at = [&](std::int32_t unit) {
      return arrays + 1 + static_cast<std::size_t>(std::lower_bound(units_.begin(), units_.end(), unit) - units_.begin());
    };
    if (t.vector.units == 0) return {arrays + 1, count()};
    return {at(t.vector.first_unit), at(t.vector.first_unit + t.vector.units)};
  }

 private:
  std::int32_t channels_ = 0;
  std::vector<std::int32_t> units_;  ///< where a run begins
};

}  // namespace

Ancestors::Ancestors(const Block& block) {
  const Chains chains(block);
  chains_ = chains.count();
  chain_.assign(block.tasks.size(), -1);
  reached_.assign(block.tasks.size() * chains_, 0);
  std::vector<std::int32_t> last(chains_, -1);
  for (std::size_t i = 0; i < block.tasks.size(); ++i) {
    const Task& t = block.tasks[i];
    for (const std::int32_t d : t.dependencies) inherit(i, static_cast<std::size_t>(d));
    const auto [first, end] = chains.of(t);
    for (std::size_t c = first; c < end; ++c) {
      if (last[c] >= 0) inherit(i, static_cast<std::size_t>(last[c]));
    }
    for (std::size_t c = first; c < end; ++c) {
      ++reached(i, c);
      last[c] = static_cast<std::int32_t>(i);
    }
    if (first < end) chain_[i] = static_cast<std::int32_t>(first);
  }
}

void Ancestors::inherit(std::size_t to, std::size_t from) {
  for (std::size_t c = 0; c < chains_; ++c) reached(to, c) = std::max(reached(to, c), reached(from, c));
}

bool Ancestors::before(std::int32_t earlier, std::int32_t later) const {
  const auto e = static_cast<std::size_t>(earlier), l = static_cast<std::size_t>(later);
  if (e == l) return false;
  if (chain_[e] >= 0) return reached(l, static_cast<std::size_t>(chain_[e])) >= reached(e, static_cast<std::size_t>(chain_[e]));
  // A barrier ends when what it waits for has ended.
  for (std::size_t c = 0; c < chains_; ++c) {
    if (reached(l, c) < reached(e, c)) return false;
  }
  return true;
}

bool covers(const std::vector<Extent>& by, const std::vector<Extent>& what) {
  for (const Extent& e : what) {
    for (int bank = e.first_bank; bank < e.first_bank + e.banks; ++bank) {
      const Interval need = interval(e, bank);
      std::vector<Interval> have;
      for (const Extent& h : by) {
        if (in_bank(h, e.channel, bank)) have.push_back(interval(h, bank));
      }
      std::sort(have.begin(), have.end(), [](const Interval& a, const Interval& b) { return a.begin < b.begin; });
      std::int64_t reached = need.begin;
      for (const Interval& h : have) {
        if (h.begin <= reached) reached = std::max(reached, h.end);
      }
      if (reached < need.end) return false;
    }
  }
  return true;
}

bool overlap(const std::vector<Extent>& a, const std::vector<Extent>& b) {
  for (const Extent& x : a) {
    for (const Extent& y : b) {
      const int first = std::max(x.first_bank, y.first_bank);
      const int last = std::min(x.first_bank + x.banks, y.first_bank + y.banks);
      if (x.channel != y.channel || first >= last) continue;
      const Interval p = interval(x, first);
      const Interval q = interval(y, first);
      if (p.begin < q.end && q.begin < p.end) return true;
    }
  }
  return false;
}

void check_order(const BlockView& v) {
  const Ancestors ancestors(v.block);
  check_modes(v);
  check_transfers(v, ancestors);
  check_appends(v, ancestors);
  check_edges(v, ancestors);
  check_reductions(v, ancestors);
}

}  // namespace bondsim::schedule_checks
