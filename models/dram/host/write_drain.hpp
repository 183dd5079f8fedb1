#pragma once
#include "models/dram/host/request_queues.hpp"
#include "models/dram/host/row_buffers.hpp"
#include "models/dram/spec/config.hpp"

namespace bondsim {

/// Decides when queued writes are served instead of reads: once their queue is fuller than `write_high_percent` or no read waits, until it
/// is emptier than `write_low_percent`; a write that waited `write_wait_ns` while reads were served has all writes served.
class WriteDrain {
 public:
  WriteDrain(const ControllerConfig& controller, double ck_mhz);

  /// The decision for cycle `t`, from the queues as they are.
  void update(Cycle t, const RequestQueues& queues);
  /// Writes are served (else reads).
  bool writing() const { return writing_; }
  /// Whether a write whose row is open has waited too long for reads to leave it the bus.
  bool opened_write_overdue(Cycle t, const RowBuffers& rows, const RequestQueues& queues) const {
    return longest_wait_ != 0 && !writing_ && rows.active() != 0 && overdue_among(rows.active(), t, rows, queues);
  }

  bool overdue() const { return overdue_; }
  /// Cycles a write may wait while reads are served; 0: for ever.
  Cycle longest_wait() const { return longest_wait_; }
  void restore(bool writing, bool overdue) {
    writing_ = writing;
    overdue_ = overdue;
  }

 private:
  bool overdue_among(std::uint64_t banks, Cycle t, const RowBuffers& rows, const RequestQueues& queues) const;

  int high_percent_;
  int low_percent_;
  Cycle longest_wait_;
  bool writing_ = false;
  bool overdue_ = false;  ///< a write has waited too long: all of them are served
};

inline void WriteDrain::update(Cycle t, const RequestQueues& queues) {
  const int writes = queues.size(true);
  const int reads = queues.size(false);
  const int capacity = queues.capacity(true);
  if (overdue_) {
    overdue_ = writing_ = writes > 0;
  } else if (!writing_) {
    overdue_ = writes > 0 && reads > 0 && longest_wait_ > 0 && t - queues.oldest_write() >= longest_wait_;
    writing_ = overdue_ || writes * 100 > high_percent_ * capacity || reads == 0;
  } else {
    writing_ = !(writes * 100 < low_percent_ * capacity && reads != 0);
  }
}

}  // namespace bondsim
