#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "models/dram/command.hpp"

namespace bondsim {

/// Sorted, disjoint intervals of time of which only the recent ones are kept.
class IntervalTrack {
 public:
  /// Adds [from, to); it may touch or overlap what is there, and must not begin before `forget`ten time.
  void add(std::int64_t from, std::int64_t to);
  /// Ends the last interval at `to`.
  void cut(std::int64_t to) { items_.back().to = to; }

  /// Drops what ended at or before `t`; says whether `t` is covered and until when that holds.
  bool covers(std::int64_t t, std::int64_t& until);

  std::size_t size() const { return items_.size() - head_; }

 private:
  struct Interval {
    std::int64_t from;
    std::int64_t to;
  };
  std::vector<Interval> items_;
  std::size_t head_ = 0;
};

/// Splits a channel's time exclusively. Intervals of each kind are given as they become known; where they overlap, the first of
/// data, refresh, mode switch, work counts. What none covers is free.
class TimeAccount {
 public:
  enum class Kind { data, refresh, mode_switch, work };

  /// [from, to) belongs to `kind`. Nothing given later begins before `now`.
  void add(Kind kind, Picoseconds from, Picoseconds to, Picoseconds now);
  /// From `from` on, `count` times: work without data for `period` - `data`, then data. All that begins before the end of it has been
  /// given, and nothing else happens in it.
  void add_periodic_data(Picoseconds from, Picoseconds period, Picoseconds data, std::int64_t count);
  /// Work begins (an open end) and ends.
  void begin_work(Picoseconds from);
  void end_work(Picoseconds to);
  /// Data and work before `t` are of the mode so far, later ones of `mode`.
  void change_mode(ChannelMode mode, Picoseconds t);

  /// Parts of [0, t); everything that begins before `t` must have been given.
  ChannelTimes until(Picoseconds t);

 private:
  void advance(std::int64_t to);

  std::array<IntervalTrack, 4> tracks_;
  std::array<std::array<std::int64_t, 5>, 2> sums_{};  ///< by mode, then by kind and free
  std::int64_t now_ = 0;
  std::size_t mode_ = 0;
};

}  // namespace bondsim
