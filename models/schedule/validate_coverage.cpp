#include <algorithm>
#include <map>

#include "models/schedule/validate_tasks.hpp"

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
    for (std::size_t i = 0; i < parts[w].size(); ++i) {
      macs += shape_of(v.task(parts[w][i]))->macs();
      for (std::size_t j = 0; j < i; ++j) {
        if (!disjoint(v.task(parts[w][i]), v.task(parts[w][j]))) {
          v.fail(parts[w][i], "computes products that task {} computes too", parts[w][j]);
        }
      }
    }
    // Disjoint parts inside the whole cover it exactly when their volumes add up.
    if (macs != work.shape.macs()) {
      v.fail(parts[w].empty() ? -1 : parts[w].back(), "{}: the parts up to this task cover {} of {} products", v.operator_name(work.op),
             macs, work.shape.macs());
    }
  }
}

void check_reductions(const BlockView& v, const Ancestors& ancestors) {
  const auto parts = parts_by_work(v);
  std::map<std::int32_t, std::int64_t> sums;               // by operator: additions of partial results that are needed
  std::map<std::int32_t, std::vector<std::int32_t>> from;  // by operator: tasks with partial results
  for (std::size_t w = 0; w < parts.size(); ++w) {
    const OperatorWork& work = v.block.work[w];
    for (const std::int32_t i : parts[w]) {
      const GemmShape& s = *shape_of(v.task(i));
      if (s.k == work.shape.k) continue;
      from[work.op].push_back(i);
      if (part_of(v.task(i)).k > 0) sums[work.op] += s.count * s.m * s.n;
    }
  }
  for (const auto& [op, tasks] : from) {
    std::int64_t done = 0;
    for (std::int32_t r = 0; r < v.count(); ++r) {
      const Task& t = v.task(r);
      if (t.kind != TaskKind::npu_vector || t.vector.kind != VectorKind::reduce || t.op != op) continue;
      for (const std::int32_t i : tasks) {
        if (!ancestors.before(i, r)) v.fail(r, "adds up partial results without waiting for task {}", i);
      }
      done += t.vector.elements;
    }
    if (done != sums[op]) v.fail(tasks.back(), "{} partial results are added up, {} are needed", done, sums[op]);
  }
}

}  // namespace bondsim::schedule_checks
