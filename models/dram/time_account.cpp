#include "models/dram/time_account.hpp"

#include <algorithm>

#include "models/base/error.hpp"

namespace bondsim {
namespace {

constexpr std::int64_t open_end = INT64_MAX / 2;
constexpr std::size_t longest_track = 24;

}  // namespace

void IntervalTrack::add(std::int64_t from, std::int64_t to) {
  if (from >= to) return;
  if (size() == 0 || from > items_.back().to) {
    if (head_ > 16 && head_ * 2 > items_.size()) {
      items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(head_));
      head_ = 0;
    }
    items_.push_back({from, to});
    return;
  }
  std::size_t at = items_.size();
  while (at > head_ && items_[at - 1].to >= from) --at;  // the first interval that ends at or after `from`
  if (items_[at].from > to) {
    items_.insert(items_.begin() + static_cast<std::ptrdiff_t>(at), {from, to});
    return;
  }
  items_[at].from = std::min(items_[at].from, from);
  std::size_t last = at;
  while (last + 1 < items_.size() && items_[last + 1].from <= to) ++last;
  items_[at].to = std::max(items_[last].to, to);
  items_.erase(items_.begin() + static_cast<std::ptrdiff_t>(at + 1), items_.begin() + static_cast<std::ptrdiff_t>(last + 1));
}

bool IntervalTrack::covers(std::int64_t t, std::int64_t& until) {
  while (head_ < items_.size() && items_[head_].to <= t) ++head_;
  if (head_ == items_.size()) {
    items_.clear();
    head_ = 0;
    return false;
  }
  const bool covered = items_[head_].from <= t;
  until = std::min(until, covered ? items_[head_].to : items_[head_].from);
  return covered;
}

void TimeAccount::add(Kind kind, Picoseconds from, Picoseconds to, Picoseconds now) {
  IntervalTrack& track = tracks_[static_cast<std::size_t>(kind)];
  if (track.size() >= longest_track) advance(now.value);
  track.add(std::max(from.value, now_), to.value);
}

void TimeAccount::add_periodic_data(Picoseconds from, Picoseconds period, Picoseconds data, std::int64_t count) {
  advance(from.value);
  sums_[mode_][static_cast<std::size_t>(Kind::data)] += count * data.value;
  sums_[mode_][static_cast<std::size_t>(Kind::work)] += count * (period - data).value;
  now_ = from.value + count * period.value;
}

void TimeAccount::begin_work(Picoseconds from) { tracks_[static_cast<std::size_t>(Kind::work)].add(from.value, open_end); }

void TimeAccount::end_work(Picoseconds to) { tracks_[static_cast<std::size_t>(Kind::work)].cut(to.value); }

void TimeAccount::change_mode(ChannelMode mode, Picoseconds t) {
  advance(t.value);
  mode_ = mode == ChannelMode::normal ? 0 : 1;
}

void TimeAccount::advance(std::int64_t to) {
  while (now_ < to) {
    std::int64_t until = to;
    std::size_t part = 0;
    while (part < tracks_.size() && !tracks_[part].covers(now_, until)) ++part;
    sums_[mode_][part] += until - now_;
    now_ = until;
  }
}

ChannelTimes TimeAccount::until(Picoseconds t) {
  check(t.value >= now_, "times asked for {} ps, already at {} ps", t.value, now_);
  advance(t.value);
  ChannelTimes times;
  times.host_transfer = Picoseconds(sums_[0][0]);
  times.host_row = Picoseconds(sums_[0][3]);
  times.column = Picoseconds(sums_[1][0]);
  times.row = Picoseconds(sums_[1][3]);
  times.refresh = Picoseconds(sums_[0][1] + sums_[1][1]);
  times.mode_switch = Picoseconds(sums_[0][2] + sums_[1][2]);
  times.free = Picoseconds(sums_[0][4] + sums_[1][4]);
  return times;
}

}  // namespace bondsim
