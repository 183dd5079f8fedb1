#pragma once
#include <utility>

#include "models/schedule/schedule.hpp"

namespace bondsim::test {

/// A schedule of one block, written by hand.
class OneBlockSchedule : public ScheduleSource {
 public:
  OneBlockSchedule(int channels, Block block) : block_(std::move(block)) {
    header_.model = header_.dataflow = "by hand";
    header_.channels = channels;
    header_.layers = 1;
    header_.steps = block_.step;
    header_.operators.push_back({"gemm", block_.phase, "nmp"});
  }
  const ScheduleHeader& header() const override { return header_; }
  bool next(Block& block) override {
    if (std::exchange(handed_out_, true)) return false;
    block = block_;
    return true;
  }

 private:
  ScheduleHeader header_;
  Block block_;
  bool handed_out_ = false;
};

}  // namespace bondsim::test
