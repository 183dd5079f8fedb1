#pragma once
#include <utility>

#include "models/schedule/one_block.hpp"
#include "models/system/system.hpp"

namespace bondsim::test {

/// A schedule of one block of the operator `gemm`, written by hand.
inline OneBlockSchedule one_block_by_hand(const System& system, Block block) {
  ScheduleHeader header;
  header.model = header.dataflow = "by hand";
  header.channels = system.channel_names();
  header.layers = 1;
  header.steps = block.step;
  header.operators.push_back({"gemm", block.phase, "nmp"});
  return OneBlockSchedule(std::move(header), std::move(block));
}

}  // namespace bondsim::test
