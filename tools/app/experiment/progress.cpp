#include "tools/app/experiment/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>

namespace bondsim::tools {

ProgressBar::ProgressBar(std::int64_t total) : total_(std::max<std::int64_t>(1, total)), visible_(::isatty(STDERR_FILENO) == 1) {}

void ProgressBar::show(std::int64_t done) {
  const int percent = static_cast<int>(std::clamp<std::int64_t>(100 * done / total_, 0, 100));
  if (!visible_ || percent == percent_) return;
  percent_ = percent;
  const auto filled = static_cast<std::size_t>(percent * 40 / 100);
  fmt::print(stderr, "\r[{}{}] {:3} %", std::string(filled, '='), std::string(40 - filled, ' '), percent);
  std::fflush(stderr);
}

void ProgressBar::clear() {
  if (visible_) fmt::print(stderr, "\r{}\r", std::string(50, ' '));
}

}  // namespace bondsim::tools
