#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace bondsim::tools {

/// No progress bar shows from here on.
void hide_progress();

/// A progress bar on standard error with the time that is left at the rate so far, on a terminal only; silent in a pipe. Redraws when the
/// percentage changes, and at most once a second otherwise.
class ProgressBar {
 public:
  explicit ProgressBar(std::int64_t total);
  void show(std::int64_t done);
  void clear();

 private:
  using Clock = std::chrono::steady_clock;

  std::int64_t total_;
  bool visible_;
  int percent_ = -1;
  Clock::time_point began_ = Clock::now(), drawn_ = began_;
};

/// `12 s` or `3 min 20 s`, of `elapsed` seconds in which `done` of `total` were done: what the rest takes at that rate. Empty before 2 s
/// have passed or anything is done.
std::string time_left(double elapsed, std::int64_t done, std::int64_t total);

}  // namespace bondsim::tools
