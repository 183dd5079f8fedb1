#include "mapping/layout/memory_map.hpp"

#include <gtest/gtest.h>

#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

/// Two layers on 16 banks of 2^28 bytes in rows of 2 KiB. Channel 1 holds 2 x 100 MB of weights and 2 x 40 MB of KV in a bank, and 1000
/// regions of a byte, each in a row of its own: 2047 x 1000 x 16 bytes of padding, and 3328 x 2 x 16 where weights and KV end.
TEST(MemoryMap, what_does_not_fit_is_said_part_by_part) {
  MemoryMap memory(testing::h2llm_system(), 2);
  memory.reserve(0, Space::layer, 1000);
  memory.reserve(1, Space::layer, 100'000'000, Holding::weights);
  memory.reserve(1, Space::layer, 40'000'000, Holding::kv);
  for (int i = 0; i < 1000; ++i) memory.reserve(1, Space::shared, 1);
  EXPECT_EQ(memory.held_per_bank(1, Holding::weights), 200'000'000);
  EXPECT_EQ(memory.held_per_bank(1, Holding::kv), 80'000'000);
  EXPECT_EQ(memory.held_per_bank(1, Holding::buffers), 1000);
  EXPECT_EQ(memory.held_per_bank(0, Holding::kv), 0);
  EXPECT_EQ(memory.bytes_per_bank(1) - 280'001'000, 2 * 3328 + 1000 * 2047);
  try {
    memory.require_capacity();
    FAIL() << "4.513 GB were placed in 4.295 GB";
  } catch (const CapacityError& e) {
    EXPECT_STREQ(e.what(),
                 "channel 1 needs 4.513 GB of 4.295: weights 3.200, KV 1.280, inputs and outputs 0.000, padding to whole rows 0.033");
  }
}

/// 16 banks of 2^28 bytes, 4295.0 MB a channel. Channel 0 has two layers of 50,000,000 and 10,000,000 bytes a bank, that is 24415 and 4883
/// rows of 2 KiB, and 1,000,000 of buffers in 489 rows: 1600, 320 and 16 MB of 1936.1. Channel 1 has two layers of 136 and 20 MB a bank,
/// 66407 and 9766 rows, and 1 MB: 5008.1 MB.
TEST(MemoryMap, table_has_megabytes_of_all_banks_and_percent_of_the_channel) {
  MemoryMap memory(testing::h2llm_system(2, 0), 2);
  memory.reserve(0, Space::layer, 50'000'000, Holding::weights);
  memory.reserve(0, Space::layer, 10'000'000, Holding::kv);
  memory.reserve(0, Space::shared, 1'000'000);
  memory.reserve(1, Space::layer, 136'000'000, Holding::weights);
  memory.reserve(1, Space::layer, 20'000'000, Holding::kv);
  memory.reserve(1, Space::shared, 1'000'000);
  const std::string table =
      "  channel       weights         KV    buffers    padding     needed      there  MB\n"
      "  0              1600.0      320.0       16.0        0.1     1936.1     4295.0  45.1 %\n"
      "  1              4352.0      640.0       16.0        0.1     5008.1     4295.0  116.6 %, too much\n";
  EXPECT_EQ(memory.text(), table);
  try {
    memory.require_capacity();
    FAIL() << "5.008 GB were placed in 4.295 GB";
  } catch (const CapacityError& e) {
    EXPECT_EQ(e.memory(), table);
  }
}

TEST(MemoryMap, what_fits_to_the_last_row_is_taken) {
  MemoryMap memory(testing::h2llm_system(), 1);
  memory.reserve(0, Space::layer, (1 << 28) - 2048, Holding::weights);
  memory.reserve(0, Space::shared, 2048);
  EXPECT_NO_THROW(memory.require_capacity());
  memory.reserve(0, Space::shared, 1);
  EXPECT_THROW(memory.require_capacity(), CapacityError);
}

}  // namespace
}  // namespace bondsim
