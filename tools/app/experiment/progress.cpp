#include "tools/app/experiment/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

namespace bondsim::tools {

namespace {

bool hidden = false;

constexpr std::size_t bar_width = 40;
constexpr std::size_t line_width = 78;

}  // namespace

void hide_progress() { hidden = true; }

std::string time_left(double elapsed, std::int64_t done, std::int64_t total) {
  if (elapsed < 2 || done <= 0) return "";
  const auto left = std::llround(elapsed * static_cast<double>(total - done) / static_cast<double>(done));
  if (left < 100) return fmt::format("{} s", left);
  return fmt::format("{} min {} s", left / 60, left % 60);
}

ProgressBar::ProgressBar(std::int64_t total)
    : total_(std::max<std::int64_t>(1, total)), visible_(!hidden && ::isatty(STDERR_FILENO) == 1) {}

void ProgressBar::show(std::int64_t done) {
  if (!visible_) return;
  const int percent = static_cast<int>(std::clamp<std::int64_t>(100 * done / total_, 0, 100));
  const Clock::time_point now = Clock::now();
  if (percent == percent_ && now - drawn_ < std::chrono::seconds(1)) return;
  percent_ = percent;
  drawn_ = now;
  const std::size_t filled = static_cast<std::size_t>(percent) * bar_width / 100;
  const std::string left = time_left(std::chrono::duration<double>(now - began_).count(), done, total_);
  fmt::print(stderr, "\r[{}{}] {:3} %{:<26}", std::string(filled, '='), std::string(bar_width - filled, ' '), percent,
             left.empty() ? "" : ", " + left + " left");
  std::fflush(stderr);
}

void ProgressBar::clear() {
  if (visible_) fmt::print(stderr, "\r{}\r", std::string(line_width, ' '));
}

}  // namespace bondsim::tools
