#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "models/dram/spec/command.hpp"
#include "models/dram/timing/packed_state.hpp"

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

  /// Puts in how many intervals end after `now` and, relative to it, where they lie; takes the same.
  void pack(std::int64_t now, PackedState& state) const;
  void unpack(std::int64_t now, PackedReader& in);
  /// Returns true if one interval from `now` or earlier has no end, or no interval ends after `now`.
  bool open_at(std::int64_t now) const;
  bool empty_after(std::int64_t now) const { return size() == 0 || items_.back().to <= now; }

 private:
  struct Interval {
    std::int64_t from;
    std::int64_t to;
  };
  std::vector<Interval> items_;
  std::size_t head_ = 0;  ///< intervals before it are dropped
};

/// Splits a channel's time exclusively. Intervals of each kind are given as they become known; where they overlap, the first of
/// data, refresh, mode switch, bus, work counts. What none covers is free. `bus` is the channel bus at work while the banks serve PEs.
class TimeAccount {
 public:
  enum class Kind { data, refresh, mode_switch, bus, work };

  /// [from, to) belongs to `kind`. Nothing given later begins before `now`.
  void add(Kind kind, Picoseconds from, Picoseconds to, Picoseconds now);
  /// Picoseconds by kind, then free, then with a row open; the last overlaps the others.
  using Sums = std::array<std::int64_t, 7>;
  /// [from, from + the sum of the exclusive `parts`) at once. All that begins before the end of it has been given, and nothing else happens
  /// in it.
  void add_sums(Picoseconds from, const Sums& parts);
  /// Work begins (an open end) and ends, that of a pseudo channel for itself: there is work while any has some.
  void begin_work(Picoseconds from, int pseudo_channel = 0);
  void end_work(Picoseconds to, int pseudo_channel = 0);
  void set_pseudo_channels(int count) { other_work_.resize(static_cast<std::size_t>(count - 1)); }
  /// Data and work before `t` are of the mode so far, later ones of `mode`.
  void change_mode(ChannelMode mode, Picoseconds t);

  /// `rows` more rows (less, if negative) are open from `t` on; calls come in the order of time.
  void change_open_rows(Picoseconds t, std::int64_t rows);

  /// While host work is under way: what was given beyond `now`, relative to it. All that begins before `now` has been given. False when
  /// more lies there than data and refresh.
  bool pack(Picoseconds now, PackedState& state);
  /// The reverse, after time of host work that has passed in these parts.
  void unpack(Picoseconds now, PackedReader& in, const Sums& passed);
  const Sums& host_sums() const { return sums_[0]; }
  /// Until when time has been summed.
  Picoseconds summed_until() const { return Picoseconds(now_); }

  /// Parts of [0, t); everything that begins before `t` must have been given.
  ChannelTimes until(Picoseconds t);

 private:
  void advance(std::int64_t to);
  void advance_open_rows(std::int64_t to);

  IntervalTrack& work(int pseudo_channel) {
    if (pseudo_channel == 0) return tracks_[static_cast<std::size_t>(Kind::work)];
    return other_work_[static_cast<std::size_t>(pseudo_channel - 1)];
  }

  std::array<IntervalTrack, 5> tracks_;
  std::vector<IntervalTrack> other_work_;  ///< of the pseudo channels after the first
  std::array<Sums, 2> sums_{};             ///< by mode
  std::int64_t now_ = 0;
  std::size_t mode_ = 0;
  std::int64_t open_rows_ = 0;
  std::int64_t open_rows_until_ = 0;  ///< time until which open rows have been summed
};

}  // namespace bondsim
