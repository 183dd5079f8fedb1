#include "models/dram/host/streams.hpp"

#include <algorithm>
#include <utility>

#include "models/base/error.hpp"

namespace bondsim {

void Streams::add(const HostTransfer& transfer, Picoseconds submitted, Cycle visible) {
  check(!cursor(transfer.extent).done(), "an empty transfer was submitted");
  Waiting waiting{transfer, submitted, visible, next_number_++};
  waiting_[transfer.write].insert_before(
      waiting, [&](const Waiting& other) { return other.submitted == submitted && other.transfer.tag > transfer.tag; });
}

void Streams::add(const RequestList& list, std::int32_t op, std::uint64_t tag, Picoseconds submitted, Cycle visible) {
  check(list.count > 0, "an empty list of requests was submitted");
  Stream stream;
  stream.list = list;
  stream.listed = true;
  stream.op = op;
  stream.tag = tag;
  stream.submitted = submitted;
  stream.visible = visible;
  stream.number = next_number_++;
  const std::int32_t slot = take_slot(stream);
  const auto at =
      std::find_if(lists_.begin(), lists_.end(), [&](std::int32_t other) { return this->at(other).rank() > this->at(slot).rank(); });
  lists_.insert(at, slot);
}

/// A slot, and its place among the active ones.
std::int32_t Streams::take_slot(const Stream& stream) {
  std::int32_t slot = 0;
  if (free_slots_.empty()) {
    slot = static_cast<std::int32_t>(slots_.size());
    slots_.push_back(stream);
  } else {
    slot = free_slots_.back();
    free_slots_.pop_back();
    at(slot) = stream;
  }
  auto place = active_.end();
  while (place != active_.begin() && at(*(place - 1)).rank() > at(slot).rank()) --place;
  active_.insert(place, slot);
  return slot;
}

void Streams::give_turn(bool write, Cycle t) {
  SharedQueue<Waiting>& waiting = waiting_[write];
  const Waiting& first = waiting.front();
  if (first.visible > t) return;
  Stream stream;
  stream.cursor = cursor(first.transfer.extent);
  stream.write = write;
  stream.op = first.transfer.op;
  stream.tag = first.transfer.tag;
  stream.submitted = first.submitted;
  stream.visible = first.visible;
  stream.number = first.number;
  waiting.pop();
  head_[write] = take_slot(stream);
}

Cycle Streams::next_acceptance(Cycle t, const Clock& clock, const bool (&full)[2]) const {
  Cycle next = never;
  for (const bool write : {false, true}) {
    if (full[write]) continue;
    if (head_[write] >= 0) {
      next = t + 1;
    } else if (!waiting_[write].empty()) {
      next = std::min(next, std::max(t + 1, waiting_[write].front().visible));
    }
  }
  for (const std::int32_t slot : lists_) {
    const Stream& stream = at(slot);
    const ListedRequest& listed = stream.list.items[stream.index];
    if (full[listed.write]) continue;
    Cycle at = std::max(t + 1, stream.visible);
    if (listed.arrival.value > 0) at = std::max(at, clock.edge_at_or_after(listed.arrival));
    next = std::min(next, at);
  }
  return next;
}

void Streams::exhausted(std::int32_t slot, Cycle t) {
  if (at(slot).listed) {
    lists_.erase(std::find(lists_.begin(), lists_.end(), slot));
    ++draining_lists_;
    return;
  }
  head_[at(slot).write] = -1;
  give_turns(t);
}

void Streams::remove(std::int32_t slot) {
  if (at(slot).listed) --draining_lists_;
  active_.erase(std::find(active_.begin(), active_.end(), slot));
  free_slots_.push_back(slot);
}

std::int32_t Streams::first_op() const {
  if (!active_.empty()) return at(active_.front()).op;
  for (const SharedQueue<Waiting>& waiting : waiting_) {
    if (!waiting.empty()) return waiting.front().transfer.op;
  }
  return -1;
}

bool Streams::waits_beyond(Cycle t) const {
  return (!waiting_[0].empty() && waiting_[0].back().visible > t) || (!waiting_[1].empty() && waiting_[1].back().visible > t);
}

Picoseconds Streams::first_arrival() const {
  if (head_[0] >= 0 || head_[1] >= 0 || !waiting_[0].empty() || !waiting_[1].empty() || lists_.size() != active_.size())
    return Picoseconds(0);
  Picoseconds first(INT64_MAX);
  for (const std::int32_t slot : lists_) {
    const Stream& stream = at(slot);
    first = std::min(first, std::max(stream.list.items[stream.index].arrival, stream.submitted));
  }
  return first;
}

}  // namespace bondsim
