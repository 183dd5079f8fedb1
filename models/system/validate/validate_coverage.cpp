#include <algorithm>
#include <array>
#include <map>

#include "models/system/validate/validate_tasks.hpp"

namespace bondsim::schedule_checks {
namespace {

const GemmShape* shape_of(const Task& t) {
  if (t.kind == TaskKind::nmp_gemm) return &t.nmp.shape;
  return t.kind == TaskKind::npu_gemm ? &t.npu.shape : nullptr;
}

const GemmPart& part_of(const Task& t) { return t.kind == TaskKind::nmp_gemm ? t.nmp.part : t.npu.part; }

bool apart(std::int64_t a, std::int64_t a_size, std::int64_t b, std::int64_t b_size) { return a + a_size <= b || b + b_size <= a; }

bool disjoint(const Task& x, const Task& y) {
  const GemmShape& s = *shape_of(x);
  const GemmShape& t = *shape_of(y);
  const GemmPart& p = part_of(x);
  const GemmPart& q = part_of(y);
  return apart(p.gemm, s.count, q.gemm, t.count) || apart(p.m, s.m, q.m, t.m) || apart(p.n, s.n, q.n, t.n) || apart(p.k, s.k, q.k, t.k);
}

bool inside(std::int64_t begin, std::int64_t size, std::int64_t whole) { return begin >= 0 && begin <= whole && size <= whole - begin; }

/// Parts by entry of the block's work.
std::vector<std::vector<std::int32_t>> parts_by_work(const BlockView& v) {
  std::vector<std::vector<std::int32_t>> parts(v.block.work.size());
  for (std::int32_t i = 0; i < v.count(); ++i) {
    const GemmShape* s = shape_of(v.task(i));
    if (s == nullptr) continue;
    const GemmPart& p = part_of(v.task(i));
    if (p.work < 0 || p.work >= static_cast<std::int32_t>(parts.size())) {
      v.fail(i, "is part of work entry {}, the block has {}", p.work, parts.size());
    }
    const OperatorWork& w = v.block.work[static_cast<std::size_t>(p.work)];
    if (w.op != v.task(i).op) v.fail(i, "is part of work entry {}, which is {}", p.work, v.operator_name(w.op));
    if (!inside(p.gemm, s->count, w.shape.count) || !inside(p.m, s->m, w.shape.m) || !inside(p.n, s->n, w.shape.n) ||
        !inside(p.k, s->k, w.shape.k)) {
      v.fail(i, "computes outside its operator: GEMMs from {}, m from {}, n from {}, k from {}", p.gemm, p.m, p.n, p.k);
    }
    parts[static_cast<std::size_t>(p.work)].push_back(i);
  }
  return parts;
}

/// Begin and size of a part in one of its four dimensions.
std::pair<std::int64_t, std::int64_t> range_of(const Task& t, int dimension) {
  const GemmShape& s = *shape_of(t);
  const GemmPart& p = part_of(t);
  const std::array<std::pair<std::int64_t, std::int64_t>, 4> ranges = {{{p.gemm, s.count}, {p.m, s.m}, {p.n, s.n}, {p.k, s.k}}};
  return ranges[static_cast<std::size_t>(dimension)];
}

/// Fails when two parts have products in common. Parts whose ranges in a dimension lie apart need not be compared; so the list falls into
/// pieces, dimension by dimension, and only what falls apart in none is compared pair by pair.
/// @param whole dimensions in a row that have left the list whole
void require_disjoint(const BlockView& v, std::vector<std::int32_t> parts, int dimension, int whole) {
  if (parts.size() < 2) return;
  if (whole == 4) {
    std::sort(parts.begin(), parts.end());
    for (std::size_t i = 0; i < parts.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        if (!disjoint(v.task(parts[i]), v.task(parts[j]))) v.fail(parts[i], "computes products that task {} computes too", parts[j]);
      }
    }
    return;
  }
  const auto first = [&](std::int32_t i) { return range_of(v.task(i), dimension).first; };
  const auto last = [&](std::int32_t i) { return first(i) + range_of(v.task(i), dimension).second; };
  std::stable_sort(parts.begin(), parts.end(), [&](std::int32_t a, std::int32_t b) { return first(a) < first(b); });
  std::vector<std::vector<std::int32_t>> pieces;
  std::int64_t reached = 0;
  for (const std::int32_t i : parts) {
    if (pieces.empty() || first(i) >= reached) pieces.emplace_back();
    pieces.back().push_back(i);
    reached = pieces.back().size() == 1 ? last(i) : std::max(reached, last(i));
  }
  const int next = pieces.size() == 1 ? whole + 1 : 0;
  for (auto& piece : pieces) require_disjoint(v, std::move(piece), (dimension + 1) % 4, next);
}

}  // namespace

void check_coverage(const BlockView& v) {
  const auto parts = parts_by_work(v);
  for (std::size_t w = 0; w < parts.size(); ++w) {
    const OperatorWork& work = v.block.work[w];
    if (!plausible(work.shape)) {
      v.fail(-1, "work entry {} ({}) is count {}, m {}, n {}, k {}", w, v.operator_name(work.op), work.shape.count, work.shape.m,
             work.shape.n, work.shape.k);
    }
    std::int64_t macs = 0;
    for (const std::int32_t i : parts[w]) macs += shape_of(v.task(i))->macs();
    require_disjoint(v, parts[w], 0, 0);
    // Disjoint parts inside the whole cover it exactly when their volumes add up.
    if (macs != work.shape.macs()) {
      v.fail(parts[w].empty() ? -1 : parts[w].back(), "{}: the parts up to this task cover {} of {} products", v.operator_name(work.op),
             macs, work.shape.macs());
    }
  }
}

namespace {

bool accumulates(const Task& t) { return t.kind == TaskKind::npu_gemm && t.npu.accumulate; }

/// A part that adds to sums in the scratchpad waits for the one that has left them there: the same products of the elements of K before.
void check_accumulation(const BlockView& v, const std::vector<std::int32_t>& parts, const Ancestors& ancestors) {
  const auto place = [&](std::int32_t i, std::int64_t k) {
    const GemmShape& s = *shape_of(v.task(i));
    const GemmPart& p = part_of(v.task(i));
    return std::array<std::int64_t, 7>{p.gemm, s.count, p.m, s.m, p.n, s.n, k};
  };
  std::map<std::array<std::int64_t, 7>, std::int32_t> ends;  // by place and end in K; parts of a work entry are disjoint
  for (const std::int32_t i : parts) {
    if (v.task(i).kind == TaskKind::npu_gemm) ends[place(i, part_of(v.task(i)).k + shape_of(v.task(i))->k)] = i;
  }
  for (const std::int32_t i : parts) {
    if (!accumulates(v.task(i))) continue;
    const auto before = ends.find(place(i, part_of(v.task(i)).k));
    if (before == ends.end()) v.fail(i, "adds to sums up to element {} of K, which no task leaves", part_of(v.task(i)).k);
    if (!ancestors.before(before->second, i)) v.fail(i, "adds to the sums of task {} without waiting for it", before->second);
  }
}

}  // namespace

void check_reductions(const BlockView& v, const Ancestors& ancestors) {
  const auto parts = parts_by_work(v);
  const bool in_turn = v.parts_in_turn();
  std::map<std::int32_t, std::int64_t> sums;               // by operator: additions of partial results that are needed
  std::map<std::int32_t, std::vector<std::int32_t>> from;  // by operator: tasks with partial results
  for (std::size_t w = 0; w < parts.size(); ++w) {
    const OperatorWork& work = v.block.work[w];
    check_accumulation(v, parts[w], ancestors);
    for (const std::int32_t i : parts[w]) {
      const GemmShape& s = *shape_of(v.task(i));
      // Runs of PEs that cut K leave sums each.
      const std::int64_t left = v.task(i).kind == TaskKind::nmp_gemm ? v.task(i).nmp.k_parts_used() : 1;
      if ((s.k == work.shape.k && left == 1) || accumulates(v.task(i))) continue;
      from[work.op].push_back(i);
      sums[work.op] += s.count * s.m * s.n * (left - (part_of(v.task(i)).k > 0 ? 0 : 1));
    }
  }
  for (const auto& [op, tasks] : from) {
    std::int64_t done = 0;
    for (std::int32_t r = 0; r < v.count(); ++r) {
      const Task& t = v.task(r);
      if (t.kind != TaskKind::npu_vector || t.vector.kind != VectorKind::reduce || t.op != op) continue;
      for (const std::int32_t i : tasks) {
        if (!ancestors.before(i, r) && !(in_turn && ancestors.before(r, i)))
          v.fail(r, "adds up partial results without waiting for task {}", i);
      }
      done += t.vector.elements;
    }
    if (done != sums[op]) v.fail(tasks.back(), "{} partial results are added up, {} are needed", done, sums[op]);
  }
}

}  // namespace bondsim::schedule_checks
