#pragma once
#include <string>

namespace bondsim::tools {

/// A file or directory under work that SIGINT, SIGTERM and SIGHUP remove before they end the process, as long as this lives. Of the process
/// that made it alone: a child forked meanwhile leaves it.
class RemovedOnSignal {
 public:
  explicit RemovedOnSignal(const std::string& path);
  ~RemovedOnSignal();
  RemovedOnSignal(const RemovedOnSignal&) = delete;
  RemovedOnSignal& operator=(const RemovedOnSignal&) = delete;

 private:
  int slot_ = -1;
};

}  // namespace bondsim::tools
