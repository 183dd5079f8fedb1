#pragma once
#include <utility>

#include "models/schedule/schedule.hpp"

namespace bondsim {

/// A Schedule that is a single block: one operator alone, or one written by hand.
class OneBlockSchedule : public ScheduleSource {
 public:
  OneBlockSchedule(ScheduleHeader header, Block block) : header_(std::move(header)), block_(std::move(block)) {}
  const ScheduleHeader& header() const override { return header_; }
  using ScheduleSource::next;
  bool next(Picoseconds, Block& block) override {
    if (std::exchange(handed_out_, true)) return false;
    block = block_;
    return true;
  }

 private:
  ScheduleHeader header_;
  Block block_;
  bool handed_out_ = false;
};

}  // namespace bondsim
