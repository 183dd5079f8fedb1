#include "mapping/serving/kv_pages.hpp"

#include <gtest/gtest.h>

namespace bondsim::serving {
namespace {

TEST(KvPages, a_block_that_two_requests_have_lies_in_memory_once) {
  KvPages pages(100, 16, 32);
  KvHolding first, second;
  ASSERT_TRUE(pages.grow(first, 512));
  EXPECT_TRUE(pages.share(first, {0, 7}));
  ASSERT_TRUE(pages.grow(second, 512));
  EXPECT_EQ(pages.available(), 100 - 64) << "computed twice, before either knew of the other";
  EXPECT_FALSE(pages.share(second, {0, 7}));
  EXPECT_EQ(pages.available(), 100 - 32);
  pages.release(first);
  EXPECT_EQ(pages.available(), 100 - 32) << "the second holds it still";
  KvHolding third;
  EXPECT_EQ(pages.known(0, {7, 8}), 1);
  EXPECT_EQ(pages.known(1, {7, 8}), 0) << "another kind of place has its heads elsewhere";
  pages.reuse(third, 0, {7, 8}, 1);
  pages.release(second);
  EXPECT_EQ(pages.available(), 100 - 32);
  pages.release(third);
  EXPECT_EQ(pages.available(), 100);
  EXPECT_EQ(pages.known(0, {7}), 1) << "kept until its place is needed";
}

}  // namespace
}  // namespace bondsim::serving
