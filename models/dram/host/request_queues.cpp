#include "models/dram/host/request_queues.hpp"

#include <algorithm>

namespace bondsim {

RequestQueues::RequestQueues(int read_capacity, int write_capacity, int banks)
    : requests_(static_cast<std::size_t>(read_capacity + write_capacity + banks)),
      chains_(2 * static_cast<std::size_t>(banks)),
      capacity_{read_capacity, write_capacity} {
  clear();
}

void RequestQueues::clear() {
  free_ = 0;
  for (std::size_t i = 0; i < requests_.size(); ++i) {
    requests_[i].next = static_cast<std::int32_t>(i + 1 < requests_.size() ? i + 1 : -1);
  }
  std::fill(chains_.begin(), chains_.end(), Chain{});
  queued_[0] = queued_[1] = 0;
  for (const std::size_t write : {0U, 1U}) waiting_[write] = hits_[write] = misses_[write] = 0;
}

void RequestQueues::rescan(std::int32_t bank, std::int32_t open_row) {
  for (const std::size_t write : {0U, 1U}) {
    Chain& chain = chains_[2 * static_cast<std::size_t>(bank) + write];
    chain.hit = chain.miss = -1;
    hits_[write] &= ~(std::uint64_t{1} << bank);
    misses_[write] &= ~(std::uint64_t{1} << bank);
    if (open_row < 0) continue;
    for (std::int32_t r = chain.head; r >= 0 && (chain.hit < 0 || chain.miss < 0); r = at(r).next) {
      std::int32_t& first = at(r).at.row == open_row ? chain.hit : chain.miss;
      if (first < 0) first = r;
    }
    hits_[write] |= static_cast<std::uint64_t>(chain.hit >= 0) << bank;
    misses_[write] |= static_cast<std::uint64_t>(chain.miss >= 0) << bank;
  }
}

Cycle RequestQueues::oldest_write() const {
  Cycle oldest = never;
  for (std::uint64_t mask = waiting_[1]; mask != 0; mask &= mask - 1) {
    oldest = std::min(oldest, at(chain(__builtin_ctzll(mask), true).head).accepted);
  }
  return oldest;
}

}  // namespace bondsim
