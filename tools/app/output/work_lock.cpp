#include "tools/app/output/work_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "models/base/io_error.hpp"
#include "tools/app/output/place.hpp"

namespace bondsim::tools {
namespace {

/// A process that was killed holds its locks until the system has taken it apart.
constexpr int most_tries = 20;
constexpr std::chrono::milliseconds between_tries{50};

/// False when another process holds it.
bool try_lock(int fd) {
  struct flock whole = {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  return ::fcntl(fd, F_SETLK, &whole) == 0;
}

/// A holder that ended in order has removed the file meanwhile.
bool still_named(int fd) {
  struct stat status = {};
  return ::fstat(fd, &status) == 0 && status.st_nlink > 0;
}

}  // namespace

WorkLock::WorkLock(const std::string& directory) : path_(directory + "/.bondsim-lock"), owner_(::getpid()) {
  for (int tries = 0;; ++tries) {
    fd_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd_ < 0) io_error(directory, "cannot be written");
    const bool locked = try_lock(fd_);
    const int error = errno;
    if (locked && still_named(fd_)) return;
    ::close(fd_);
    if (locked) continue;
    const bool held = error == EACCES || error == EAGAIN;
    if (held && tries < most_tries) {
      std::this_thread::sleep_for(between_tries);
      continue;
    }
    if (held) throw IoError(fmt::format("--out {}: another bondsim is at work in it", directory));
    if (error == ENOLCK || error == EINVAL || error == EOPNOTSUPP) {  // a file system without locks
      fd_ = -1;
      return;
    }
    errno = error;
    io_error(directory, "cannot be locked");
  }
}

WorkLock::~WorkLock() {
  if (fd_ < 0) return;
  if (owner_ == ::getpid()) ::unlink(path_.c_str());
  ::close(fd_);
}

}  // namespace bondsim::tools
