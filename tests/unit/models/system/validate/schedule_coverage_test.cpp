#include <gtest/gtest.h>

#include <array>
#include <random>

#include "models/system/validate/validate_tasks.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

using Box = std::array<std::array<std::int64_t, 2>, 4>;  ///< begin and size in GEMMs, m, n, k

/// Cuts a box in two at random, again and again.
std::vector<Box> cut(const Box& whole, int cuts, std::mt19937_64& random) {
  std::vector<Box> boxes = {whole};
  for (int i = 0; i < cuts; ++i) {
    const std::size_t b = random() % boxes.size(), d = random() % 4;
    const std::int64_t size = boxes[b][d][1];
    if (size < 2) continue;
    const std::int64_t first = 1 + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(size - 1));
    Box rest = boxes[b];
    rest[d] = {rest[d][0] + first, size - first};
    boxes[b][d][1] = first;
    boxes.push_back(rest);
  }
  return boxes;
}

Block block_of(const Box& whole, const std::vector<Box>& boxes) {
  Block block;
  block.work.push_back({0, {whole[0][1], whole[1][1], whole[2][1], whole[3][1]}});
  for (const Box& b : boxes) {
    Task t;
    t.kind = TaskKind::npu_gemm;
    t.executor = ExecutorId::arrays();
    t.op = 0;
    t.npu.shape = {b[0][1], b[1][1], b[2][1], b[3][1]};
    t.npu.part = {0, b[0][0], b[1][0], b[2][0], b[3][0]};
    block.tasks.push_back(std::move(t));
  }
  return block;
}

TEST(Coverage, parts_that_cut_a_whole_are_sound_and_one_moved_by_one_is_found) {
  const System system = testing::h2llm_system();
  ScheduleHeader header;
  header.operators.push_back({"w", Phase::prefill, "npu"});
  const auto sound = [&](const Block& block) {
    try {
      schedule_checks::check_coverage({system, header, block});
    } catch (...) {
      return false;
    }
    return true;
  };
  std::mt19937_64 random(3);
  const Box whole = {{{0, 5}, {0, 60}, {0, 40}, {0, 30}}};
  int moved = 0;
  for (int i = 0; i < 300; ++i) {
    std::vector<Box> boxes = cut(whole, 1 + static_cast<int>(random() % 40), random);
    ASSERT_TRUE(sound(block_of(whole, boxes))) << "round " << i;
    const std::size_t d = random() % 4;
    Box& box = boxes[random() % boxes.size()];
    const std::int64_t by = random() % 2 == 0 ? 1 : -1;
    if (box[d][0] + by < 0 || box[d][0] + by + box[d][1] > whole[d][1]) continue;
    box[d][0] += by;
    ++moved;
    // As many products, some of them twice.
    EXPECT_FALSE(sound(block_of(whole, boxes))) << "round " << i;
  }
  EXPECT_GT(moved, 50);
}

}  // namespace
}  // namespace bondsim
