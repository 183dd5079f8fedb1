#include <gtest/gtest.h>

#include <random>

#include "models/system/validate/validate_tasks.hpp"

namespace bondsim {
namespace {

bool share_an_executor(const Task& a, const Task& b) {
  if (a.kind == TaskKind::barrier || b.kind == TaskKind::barrier) return false;
  const bool vector = a.kind == TaskKind::npu_vector;
  if (vector != (b.kind == TaskKind::npu_vector)) return false;
  if (!vector) return a.executor == b.executor;
  const auto end = [](const Task& t) { return t.vector.units == 0 ? 99 : t.vector.first_unit + t.vector.units; };
  return a.vector.first_unit < end(b) && b.vector.first_unit < end(a);
}

/// Against the definition: a task ends before another starts when that waits for it, shares an executor with it, or does so with one that
/// comes after it; a barrier, when all it waits for has ended.
TEST(Ancestors, are_those_of_the_definition_on_random_blocks) {
  std::mt19937_64 random(11);
  const auto in = [&](int least, int most) { return std::uniform_int_distribution<int>(least, most)(random); };
  for (int round = 0; round < 200; ++round) {
    Block block;
    for (std::int32_t i = 0; i < 40; ++i) {
      Task t;
      t.kind = std::vector<TaskKind>{TaskKind::host_load, TaskKind::npu_gemm, TaskKind::npu_vector,
                                     TaskKind::barrier}[static_cast<std::size_t>(in(0, 3))];
      if (t.kind == TaskKind::host_load) t.executor = ExecutorId::of_channel(in(0, 3));
      if (t.kind == TaskKind::npu_gemm) t.executor = ExecutorId::arrays();
      if (t.kind == TaskKind::npu_vector && in(0, 3) > 0) t.vector = {VectorKind::softmax, 1, in(0, 6), in(1, 2)};
      for (std::int32_t d = 0; d < i; ++d) {
        if (in(0, 19) == 0) t.dependencies.push_back(d);
      }
      block.tasks.push_back(std::move(t));
    }
    const schedule_checks::Ancestors ancestors(block);
    std::vector<std::vector<bool>> before(40, std::vector<bool>(40, false));  // [later][earlier]
    for (std::size_t l = 0; l < 40; ++l) {
      const auto take = [&](std::size_t e) {
        before[l][e] = true;
        for (std::size_t x = 0; x < 40; ++x) before[l][x] = before[l][x] || before[e][x];
      };
      for (const std::int32_t d : block.tasks[l].dependencies) take(static_cast<std::size_t>(d));
      for (std::size_t e = 0; e < l; ++e) {
        if (share_an_executor(block.tasks[e], block.tasks[l])) take(e);
      }
      for (std::size_t e = 0; e < l; ++e) {
        if (block.tasks[e].kind != TaskKind::barrier) continue;
        bool ended = true;
        for (const std::int32_t d : block.tasks[e].dependencies) ended = ended && before[l][static_cast<std::size_t>(d)];
        if (ended) before[l][e] = true;
      }
    }
    for (std::int32_t l = 0; l < 40; ++l) {
      for (std::int32_t e = 0; e < l; ++e) {
        ASSERT_EQ(ancestors.before(e, l), before[static_cast<std::size_t>(l)][static_cast<std::size_t>(e)])
            << e << " before " << l << ", round " << round;
      }
    }
  }
}

}  // namespace
}  // namespace bondsim
