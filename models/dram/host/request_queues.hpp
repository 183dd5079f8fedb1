#pragma once
#include <cstdint>
#include <vector>

#include "models/dram/host/request.hpp"

namespace bondsim {

/// The read queue and the write queue of a channel. Requests of one bank and direction form a chain, oldest first; while the bank's row is
/// open, the chain knows its oldest hit and its oldest miss. Callers give the open row (-1: none); requests are named by number.
class RequestQueues {
 public:
  struct Chain {
    std::int32_t head = -1;
    std::int32_t tail = -1;
    std::int32_t hit = -1;
    std::int32_t miss = -1;
  };

  /// Requests that left a queue, but are not served yet, take up numbers too: one a bank.
  RequestQueues(int read_capacity, int write_capacity, int banks);

  Request& at(std::int32_t request) { return requests_[static_cast<std::size_t>(request)]; }
  const Request& at(std::int32_t request) const { return requests_[static_cast<std::size_t>(request)]; }

  /// A request that is in no chain, numbered as the youngest; and back.
  std::int32_t take();
  void release(std::int32_t request);

  /// Puts a request at the end of its chain.
  void enqueue(std::int32_t request, std::int32_t open_row);
  /// Takes a request out of its chain.
  void unlink(std::int32_t request, std::int32_t open_row);
  /// Finds the oldest hits and misses of a bank after its row has changed.
  void rescan(std::int32_t bank, std::int32_t open_row);
  /// All requests are free again.
  void clear();

  const Chain& chain(std::int32_t bank, bool write) const { return chains_[2 * static_cast<std::size_t>(bank) + write]; }
  int size(bool write) const { return queued_[write]; }
  int capacity(bool write) const { return capacity_[write]; }
  bool empty() const { return queued_[0] + queued_[1] == 0; }
  bool full(bool write) const { return queued_[write] >= capacity_[write]; }
  /// Banks with requests of a direction, as bits.
  std::uint64_t banks_waiting(bool write) const { return waiting_[write]; }
  /// Those of them whose chain has a hit, or a miss, of the open row.
  std::uint64_t banks_with_hits(bool write) const { return hits_[write]; }
  std::uint64_t banks_with_misses(bool write) const { return misses_[write]; }
  /// Whether a write to the same burst waits: its data serve a read.
  bool holds_write(const BurstAddress& at) const;
  /// Cycle at which the oldest write was accepted; `never` without writes.
  Cycle oldest_write() const;

 private:
  Chain& chain_of(const Request& request) { return chains_[2 * static_cast<std::size_t>(request.at.bank) + request.write]; }

  std::vector<Request> requests_;
  std::vector<Chain> chains_;  ///< [2 * bank + write]
  std::int32_t free_ = 0;
  std::int64_t order_ = 0;
  int capacity_[2];
  int queued_[2] = {0, 0};
  std::uint64_t waiting_[2] = {0, 0};
  std::uint64_t hits_[2] = {0, 0};
  std::uint64_t misses_[2] = {0, 0};
};

// Called for every request: inline.

inline std::int32_t RequestQueues::take() {
  const std::int32_t request = free_;
  free_ = at(request).next;
  at(request) = Request{};
  at(request).order = order_++;
  return request;
}

inline void RequestQueues::release(std::int32_t request) {
  at(request).next = free_;
  free_ = request;
}

inline void RequestQueues::enqueue(std::int32_t index, std::int32_t open_row) {
  Request& request = at(index);
  Chain& chain = chain_of(request);
  request.previous = chain.tail;
  (chain.tail >= 0 ? at(chain.tail).next : chain.head) = index;
  chain.tail = index;
  request.next = -1;
  const std::uint64_t bank = std::uint64_t{1} << request.at.bank;
  if (open_row >= 0) {
    const bool hits = request.at.row == open_row;
    std::int32_t& first = hits ? chain.hit : chain.miss;
    if (first < 0) first = index;
    (hits ? hits_ : misses_)[request.write] |= bank;
  }
  ++queued_[request.write];
  waiting_[request.write] |= bank;
}

inline void RequestQueues::unlink(std::int32_t index, std::int32_t open_row) {
  const Request& request = at(index);
  Chain& chain = chain_of(request);
  const std::uint64_t bank = std::uint64_t{1} << request.at.bank;
  if (chain.hit == index) {
    chain.hit = request.next;
    while (chain.hit >= 0 && at(chain.hit).at.row != open_row) chain.hit = at(chain.hit).next;
    if (chain.hit < 0) hits_[request.write] &= ~bank;
  }
  (request.previous >= 0 ? at(request.previous).next : chain.head) = request.next;
  (request.next >= 0 ? at(request.next).previous : chain.tail) = request.previous;
  --queued_[request.write];
  if (chain.head < 0) waiting_[request.write] &= ~bank;
}

inline bool RequestQueues::holds_write(const BurstAddress& burst) const {
  for (std::int32_t r = chain(burst.bank, true).head; r >= 0; r = at(r).next) {
    if (at(r).at.row == burst.row && at(r).at.column == burst.column) return true;
  }
  return false;
}

}  // namespace bondsim
