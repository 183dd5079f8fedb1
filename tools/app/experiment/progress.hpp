#pragma once
#include <cstdint>

namespace bondsim::tools {

/// A progress bar on standard error, on a terminal only; silent in a pipe. Redraws when the percentage changes.
class ProgressBar {
 public:
  explicit ProgressBar(std::int64_t total);
  void show(std::int64_t done);
  void clear();

 private:
  std::int64_t total_;
  bool visible_;
  int percent_ = -1;
};

}  // namespace bondsim::tools
