#include <gtest/gtest.h>

#include "models/schedule/one_block.hpp"
#include "tests/support/inputs.hpp"

namespace bondsim::test {
namespace {

Task vector_task(std::int32_t op, std::int64_t elements, std::int32_t first_unit, std::int32_t units) {
  Task task;
  task.kind = TaskKind::npu_vector;
  task.executor = ExecutorId::vector_units();
  task.op = op;
  task.vector.kind = VectorKind::residual;  // one operation an element
  task.vector.elements = elements;
  task.vector.first_unit = first_unit;
  task.vector.units = units;
  return task;
}

std::int64_t total_ps(std::vector<Task> tasks) {
  const System system = shipped_system("h2llm");
  return std::stoll(run_isolated([&] {
    ScheduleHeader header;
    header.channels = system.channel_names();
    header.operators = {{"a", Phase::decode, "vector"}, {"b", Phase::decode, "vector"}, {"c", Phase::decode, "vector"}};
    Block block;
    block.phase = Phase::decode;
    block.step = 1;
    block.tasks = std::move(tasks);
    OneBlockSchedule schedule(header, block);
    return std::to_string(simulate(system, schedule).total.value);
  }));
}

// 8 vector units of 128 lanes at 1 GHz: 102,400 elements take 100 ns on all units, 200 ns on four, 400 ns on two.
TEST(VectorUnits, work_on_different_units_runs_side_by_side) {
  EXPECT_EQ(total_ps({vector_task(0, 102400, 0, 4), vector_task(1, 102400, 4, 4)}), 200'000);
}

TEST(VectorUnits, work_on_a_shared_unit_waits_its_turn) {
  EXPECT_EQ(total_ps({vector_task(0, 102400, 0, 4), vector_task(1, 102400, 3, 4)}), 400'000);
  EXPECT_EQ(total_ps({vector_task(0, 102400, 0, 0), vector_task(1, 102400, 0, 0)}), 200'000);
}

TEST(VectorUnits, later_work_does_not_overtake_on_units_that_earlier_work_waits_for) {
  // b needs all units and waits for a; c would fit beside a, but comes after b on those units.
  EXPECT_EQ(total_ps({vector_task(0, 102400, 0, 4), vector_task(1, 102400, 0, 0), vector_task(2, 102400, 4, 4)}),
            200'000 + 100'000 + 200'000);
}

}  // namespace
}  // namespace bondsim::test
