#pragma once
#include <gtest/gtest.h>

#include "models/dram/spec/command.hpp"

namespace bondsim::test {

/// The parts that a channel's time is divided into; rows_open overlaps them and is not compared. @param where the case, for messages
template <class Where>
void expect_same_parts(const ChannelTimes& a, const ChannelTimes& b, const Where& where) {
  EXPECT_EQ(a.host_transfer, b.host_transfer) << where;
  EXPECT_EQ(a.host_row, b.host_row) << where;
  EXPECT_EQ(a.column, b.column) << where;
  EXPECT_EQ(a.row, b.row) << where;
  EXPECT_EQ(a.refresh, b.refresh) << where;
  EXPECT_EQ(a.mode_switch, b.mode_switch) << where;
  EXPECT_EQ(a.free, b.free) << where;
}

}  // namespace bondsim::test
