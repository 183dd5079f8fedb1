#pragma once
#include <algorithm>
#include <cstdint>
#include <vector>

#include "models/dram/spec/bank_mask.hpp"
#include "models/dram/spec/timing_rules.hpp"

namespace bondsim {

/// Row buffers of the banks in normal mode, and the requests that rows were opened for. Requests are numbers of RequestQueues.
class RowBuffers {
 public:
  enum class State : std::uint8_t { closed, opening, open };
  struct Buffer {
    State state = State::closed;
    std::int32_t row = -1;
    std::int32_t owner = -1;   ///< opening: the request it is opened for
    std::int32_t active = -1;  ///< open: that request, until it is served
    Cycle act1 = 0;
    std::int32_t open_row() const { return state == State::open ? row : -1; }
  };

  explicit RowBuffers(int banks) : buffers_(static_cast<std::size_t>(banks)) {}

  const Buffer& at(std::int32_t bank) const { return buffers_[static_cast<std::size_t>(bank)]; }
  std::uint64_t open() const { return open_; }        ///< banks with an open row, as bits
  std::uint64_t opening() const { return opening_; }  ///< banks between ACT1 and ACT2
  std::uint64_t active() const { return active_; }    ///< banks whose row was opened for a request that is not served yet
  /// Whether rows have been, or are being, opened for requests that are not served yet.
  bool unserved() const { return (active_ | opening_) != 0; }

  /// ACT1 at cycle `t` for `request`.
  void begin_opening(std::int32_t bank, std::int32_t row, std::int32_t request, Cycle t) {
    buffers_[static_cast<std::size_t>(bank)] = {State::opening, row, request, -1, t};
    opening_ |= bit(bank);
  }
  /// ACT2: the row is open, and its request is served before others.
  void finish_opening(std::int32_t bank) {
    Buffer& buffer = buffers_[static_cast<std::size_t>(bank)];
    buffer.state = State::open;
    buffer.active = buffer.owner;
    buffer.owner = -1;
    opening_ &= ~bit(bank);
    active_ |= bit(bank);
    open_ |= bit(bank);
  }
  /// The request that the row was opened for has its RD or WR.
  void serve(std::int32_t bank) {
    buffers_[static_cast<std::size_t>(bank)].active = -1;
    active_ &= ~bit(bank);
  }
  /// Row timing switched off: the row is open without commands.
  void open_at_once(std::int32_t bank, std::int32_t row) {
    buffers_[static_cast<std::size_t>(bank)].state = State::open;
    buffers_[static_cast<std::size_t>(bank)].row = row;
    open_ |= bit(bank);
  }
  void close(std::int32_t bank) {
    buffers_[static_cast<std::size_t>(bank)].state = State::closed;
    open_ &= ~bit(bank);
  }

  /// Fast-forward: all banks closed, then one bank as it was.
  void clear() {
    std::fill(buffers_.begin(), buffers_.end(), Buffer{});
    open_ = opening_ = active_ = 0;
  }
  void restore(std::int32_t bank, State state, std::int32_t row, Cycle act1) {
    Buffer& buffer = buffers_[static_cast<std::size_t>(bank)];
    buffer.state = state;
    buffer.row = row;
    buffer.act1 = act1;
    (state == State::open ? open_ : opening_) |= bit(bank);
  }
  void restore_owner(std::int32_t bank, std::int32_t request) { buffers_[static_cast<std::size_t>(bank)].owner = request; }
  void restore_active(std::int32_t bank, std::int32_t request) {
    buffers_[static_cast<std::size_t>(bank)].active = request;
    active_ |= bit(bank);
  }

 private:
  static std::uint64_t bit(std::int32_t bank) { return std::uint64_t{1} << bank; }

  std::vector<Buffer> buffers_;
  std::uint64_t open_ = 0;
  std::uint64_t opening_ = 0;
  std::uint64_t active_ = 0;
};

}  // namespace bondsim
