#pragma once
#include <utility>

#include "models/schedule/one_block.hpp"

namespace bondsim::test {

/// A schedule of one block of the operator `gemm`, written by hand.
inline OneBlockSchedule one_block_by_hand(int channels, Block block) {
  ScheduleHeader header;
  header.model = header.dataflow = "by hand";
  header.channels = channels;
  header.layers = 1;
  header.steps = block.step;
  header.operators.push_back({"gemm", block.phase, "nmp"});
  return OneBlockSchedule(std::move(header), std::move(block));
}

}  // namespace bondsim::test
