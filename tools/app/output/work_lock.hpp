#pragma once
#include <string>

namespace bondsim::tools {

/// One process at a time works in a directory: a lock that the system takes away when the process ends, however it ends. Processes forked
/// meanwhile do not hold it.
class WorkLock {
 public:
  /// @throws IoError when another process holds it, or the file cannot be made
  explicit WorkLock(const std::string& directory);
  ~WorkLock();
  WorkLock(const WorkLock&) = delete;
  WorkLock& operator=(const WorkLock&) = delete;

 private:
  std::string path_;
  int fd_ = -1;
  int owner_;
};

}  // namespace bondsim::tools
