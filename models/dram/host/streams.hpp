#pragma once
#include <cstdint>
#include <tuple>
#include <vector>

#include "models/base/clock.hpp"
#include "models/dram/host/request.hpp"
#include "models/dram/spec/extent_cursor.hpp"
#include "models/dram/timing/shared_queue.hpp"

namespace bondsim {

/// A transfer or a list of requests that enters the queues burst by burst.
struct Stream {
  ExtentCursor cursor;
  RequestList list;
  std::size_t index = 0;  ///< of the list's next request
  bool write = false;
  bool listed = false;
  std::int32_t op = -1;
  std::uint64_t tag = 0;
  Picoseconds submitted;
  Cycle visible = 0;  ///< its requests may enter from this cycle on
  std::int64_t number = 0;
  std::int64_t in_flight = 0;  ///< requests in the queues, or whose rows are open for them
  Cycle data_end = 0;          ///< of its last data beat so far

  bool next_is_write() const { return listed ? list.items[index].write : write; }
  bool exhausted() const { return listed ? index == list.count : cursor.done(); }
  /// Order of service within a direction; the order of calls within one simulated time does not matter.
  std::tuple<std::int64_t, std::uint64_t, std::int64_t> rank() const { return {submitted.value, tag, number}; }
};

/// The streams of a channel, by (time of submission, tag). Of the transfers of a direction the first one has requests to enter; those
/// behind it wait, and cost nothing until their turn comes. Lists enter as their requests arrive. A stream has a slot from its turn until
/// its last request is served.
class Streams {
 public:
  /// @param of `organization` is that of one pseudo channel of several: transfers are those of the channel, of which its banks are served
  explicit Streams(const DramOrganization& organization, const PseudoChannel& of = {}) : organization_(&organization), of_(of) {}

  /// @throws InternalError when the transfer or list is empty, or lies outside the channel.
  void add(const HostTransfer& transfer, Picoseconds submitted, Cycle visible);
  void add(const RequestList& list, std::int32_t op, std::uint64_t tag, Picoseconds submitted, Cycle visible);

  bool empty() const { return active_.empty() && waiting_[0].empty() && waiting_[1].empty(); }
  Stream& at(std::int32_t slot) { return slots_[static_cast<std::size_t>(slot)]; }
  const Stream& at(std::int32_t slot) const { return slots_[static_cast<std::size_t>(slot)]; }

  /// Gives slots to transfers whose turn has come by cycle `t`.
  void give_turns(Cycle t) {
    for (const bool write : {false, true}) {
      if (head_[write] < 0 && !waiting_[write].empty()) give_turn(write, t);
    }
  }
  /// Slots of the streams that have their turn, or have requests in flight, by rank.
  const std::vector<std::int32_t>& active() const { return active_; }
  /// Slot of the first stream whose next request is of this direction and may enter at cycle `t` (at time `now`); -1: none.
  std::int32_t next(bool write, Cycle t, Picoseconds now) const { return lists_.empty() ? head_[write] : next_of_lists(write, t, now); }
  /// First cycle after `t` at which a request may enter a queue that is not full.
  Cycle next_acceptance(Cycle t, const Clock& clock, const bool (&full)[2]) const;
  /// All requests of a stream have entered: the next one of its direction has its turn.
  void exhausted(std::int32_t slot, Cycle t);
  /// All requests of a stream are served: it leaves.
  void remove(std::int32_t slot);

  /// Operator of the first stream; -1 without streams.
  std::int32_t first_op() const;
  bool has_lists() const { return !lists_.empty() || draining_lists_ > 0; }
  /// Slot of the transfer whose turn it is; -1: none.
  std::int32_t head(bool write) const { return head_[write]; }
  /// Whether transfers wait that may not enter by cycle `t`.
  bool waits_beyond(Cycle t) const;
  /// First arrival of a request to come, when all streams are lists; the smallest time otherwise.
  Picoseconds first_arrival() const;

 private:
  struct Waiting {
    HostTransfer transfer;
    Picoseconds submitted;
    Cycle visible = 0;
    std::int64_t number = 0;
  };

  ExtentCursor cursor(const Extent& extent) const {
    return of_.count == 1 ? ExtentCursor(extent, *organization_) : ExtentCursor::of_pseudo_channel(extent, *organization_, of_.first_bank);
  }
  void give_turn(bool write, Cycle t);
  std::int32_t next_of_lists(bool write, Cycle t, Picoseconds now) const;
  std::int32_t take_slot(const Stream& stream);

  const DramOrganization* organization_;
  PseudoChannel of_;
  SharedQueue<Waiting> waiting_[2];
  std::vector<Stream> slots_;
  std::vector<std::int32_t> free_slots_;
  std::vector<std::int32_t> active_;
  std::vector<std::int32_t> lists_;  ///< slots of lists with requests to come, by rank
  std::int32_t head_[2] = {-1, -1};
  int draining_lists_ = 0;
  std::int64_t next_number_ = 0;
};

inline std::int32_t Streams::next_of_lists(bool write, Cycle t, Picoseconds now) const {
  std::int32_t first = head_[write];
  for (const std::int32_t slot : lists_) {
    const Stream& stream = at(slot);
    if (first >= 0 && at(first).rank() < stream.rank()) break;
    if (stream.visible <= t && stream.next_is_write() == write && now >= stream.list.items[stream.index].arrival) return slot;
  }
  return first;
}

}  // namespace bondsim
