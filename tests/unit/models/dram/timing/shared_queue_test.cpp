#include "models/dram/timing/shared_queue.hpp"

#include <gtest/gtest.h>

#include <deque>

#include "tests/support/dram_setup.hpp"

namespace bondsim {
namespace {

std::vector<int> items(const SharedQueue<int>& queue) {
  std::vector<int> list;
  for (std::size_t i = 0; i < queue.size(); ++i) list.push_back(queue[i]);
  return list;
}

TEST(SharedQueue, copies_change_without_changing_each_other) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    test::Random random(seed);
    std::vector<SharedQueue<int>> queues(3);
    std::vector<std::deque<int>> expected(3);
    for (int step = 0; step < 400; ++step) {
      const auto i = static_cast<std::size_t>(random() % 3);
      switch (random() % 5) {
        case 0:
        case 1:
          queues[i].push_back(step);
          expected[i].push_back(step);
          break;
        case 2:
          if (expected[i].empty()) break;
          queues[i].pop();
          expected[i].pop_front();
          break;
        case 3: {  // before the last up to two
          const std::size_t back = std::min<std::size_t>(random() % 3, expected[i].size());
          std::size_t left = back;
          queues[i].insert_before(step, [&left](int) { return left > 0 && left-- > 0; });
          expected[i].insert(expected[i].end() - static_cast<std::ptrdiff_t>(back), step);
          break;
        }
        default: {
          const auto other = static_cast<std::size_t>(random() % 3);
          queues[i] = queues[other];
          expected[i] = expected[other];
        }
      }
      for (std::size_t q = 0; q < 3; ++q) {
        ASSERT_EQ(items(queues[q]), std::vector<int>(expected[q].begin(), expected[q].end())) << "seed " << seed << ", step " << step;
      }
    }
  }
}

}  // namespace
}  // namespace bondsim
