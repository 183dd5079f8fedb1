#include <algorithm>
#include <map>

#include "models/schedule/validate_tasks.hpp"

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
    if (v.task(i).kind == kind && v.task(i).channel == channel) out.push_back(i);
  }
  return out;
}

void check_modes(const BlockView& v) {
  std::map<std::int32_t, std::int32_t> staying;  // by channel: its last task, when that is an nmp_gemm that does not leave NMP mode
  for (std::int32_t i = 0; i < v.count(); ++i) {
    const Task& t = v.task(i);
    if (t.channel < 0) continue;
    const auto before = staying.find(t.channel);
    if (before != staying.end()) {
      const std::int32_t last = before->second;
      if (t.kind != TaskKind::nmp_gemm) v.fail(last, "stays in NMP mode, but task {} of the channel needs normal mode", i);
      const auto& known = v.task(last).dependencies;
      for (const std::int32_t d : t.dependencies) {
        if (d != last && std::find(known.begin(), known.end(), d) == known.end()) {
          v.fail(last, "stays in NMP mode, but task {} of the channel still waits for task {}, which may need normal mode", i, d);
        }
      }
      staying.erase(before);
    }
    if (t.kind == TaskKind::nmp_gemm && !t.nmp.leave_mode) staying[t.channel] = i;
  }
  if (!staying.empty()) v.fail(staying.begin()->second, "stays in NMP mode at the end of the block");
}

/// An nmp_gemm reads what was scattered before it, and what it writes is loaded after it.
void check_transfers(const BlockView& v, const Ancestors& ancestors) {
  std::map<std::int32_t, std::vector<std::int32_t>> scatters;
  std::map<std::int32_t, std::vector<std::int32_t>> loads;
  for (std::int32_t c = 0; c < v.system.channels.nmp; ++c) {
    scatters[c] = tasks_where(v, TaskKind::host_scatter, c);
    loads[c] = tasks_where(v, TaskKind::host_load, c);
  }
  for (std::int32_t i = 0; i < v.count(); ++i) {
    const Task& t = v.task(i);
    if (t.kind != TaskKind::nmp_gemm) continue;
    std::vector<Extent> written;
    for (const std::int32_t s : scatters[t.channel]) {
      // The same place of the list of the channel is not enough: the data must have been waited for.
      if (ancestors.before(s, i)) written.insert(written.end(), v.task(s).extents.begin(), v.task(s).extents.end());
    }
    if (!covers(written, t.nmp.input)) v.fail(i, "its input is not scattered to the channel before it");
    std::vector<Extent> read;
    for (const std::int32_t l : loads[t.channel]) {
      if (ancestors.before(i, l)) read.insert(read.end(), v.task(l).extents.begin(), v.task(l).extents.end());
    }
    if (!covers(read, t.nmp.output)) v.fail(i, "its output is not loaded after it");
  }
}

void check_appends(const BlockView& v, const Ancestors& ancestors) {
  for (std::int32_t i = 0; i < v.count(); ++i) {
    const Task& reader = v.task(i);
    const auto& operand = reader.kind == TaskKind::nmp_gemm ? reader.nmp.stationary : reader.npu.stationary;
    if (operand.empty()) continue;
    for (std::int32_t w = 0; w < v.count(); ++w) {
      if (v.task(w).kind != TaskKind::kv_append || ancestors.before(w, i)) continue;
      if (overlap(v.task(w).extents, operand)) v.fail(i, "reads a cache that task {} appends to, without waiting for it", w);
    }
  }
}

/// Every task of an operator starts after every task of the operators it needs.
void check_edges(const BlockView& v, const Ancestors& ancestors) {
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
        if (!ancestors.before(earlier, later)) {
          v.fail(later, "does not wait for task {} of {}, whose result it needs", earlier, v.operator_name(a));
        }
      }
    }
  }
}

}  // namespace

Ancestors::Ancestors(const Block& block) : words_(block.tasks.size() / 64 + 1), bits_(block.tasks.size() * words_, 0) {
  std::map<std::int32_t, std::size_t> last;  // by executor; the systolic arrays are -1
  for (std::size_t i = 0; i < block.tasks.size(); ++i) {
    const Task& t = block.tasks[i];
    for (const std::int32_t d : t.dependencies) inherit(i, static_cast<std::size_t>(d));
    if (t.kind == TaskKind::npu_vector || t.kind == TaskKind::barrier) continue;
    const auto before = last.find(t.channel);
    if (before != last.end()) inherit(i, before->second);
    last[t.channel] = i;
  }
}

void Ancestors::inherit(std::size_t to, std::size_t from) {
  for (std::size_t w = 0; w < words_; ++w) bits_[to * words_ + w] |= bits_[from * words_ + w];
  bits_[to * words_ + from / 64] |= std::uint64_t{1} << (from % 64);
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
