#include "tools/app/output/output_file.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "models/base/error.hpp"
#include "models/base/input_file.hpp"
#include "models/base/io_error.hpp"
#include "tools/app/output/output_directory.hpp"
#include "tools/app/output/place.hpp"

namespace bondsim::tools {

namespace fs = std::filesystem;

OutputFile::OutputFile(const std::string& path, Named named) : named_(named), asked_(path), owner_(::getpid()) {
  if (is_stream(path)) {
    stream_.open(path, std::ios::binary | std::ios::app);
    if (!stream_) io_error(asked_, "cannot be opened");
    return;
  }
  target_ = place_of_file(path);
  require_no_input();
  const fs::path target(target_);
  const std::string ending = "." + target.filename().string();
  staging_ = (target.parent_path() / (".bondsim-XXXXXX" + ending)).string();
  const int fd = ::mkostemps(staging_.data(), static_cast<int>(ending.size()), O_CLOEXEC);
  if (fd < 0) {
    staging_.clear();
    io_error(asked_, "cannot be made");
  }
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::fchmod(fd, 0666 & ~mask);
  ::close(fd);
  on_signal_ = std::make_unique<RemovedOnSignal>(staging_);
  stream_.open(staging_, std::ios::binary);
}

OutputFile::~OutputFile() {
  if (!staging_.empty() && owner_ == ::getpid()) ::unlink(staging_.c_str());
}

namespace {

/// errno of one byte more: a stream does not keep that of the write which failed.
int reason_of_failure(const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  const int error = fd < 0 || ::write(fd, "", 1) < 0 ? errno : 0;
  if (fd >= 0) ::close(fd);
  return error;
}

}  // namespace

void OutputFile::require_no_input() const {
  if (named_ == Named::by_us || !was_input(target_)) return;
  throw ConfigError(fmt::format("--out {}: is an input of this run, it is left alone; allowed: another file", asked_));
}

void OutputFile::commit() {
  errno = 0;
  const bool failed_before = !stream_;
  stream_.close();
  if (!stream_) {
    if (failed_before && !staging_.empty()) errno = reason_of_failure(staging_);
    if (errno == 0) errno = ENOSPC;
    io_error(asked_, "cannot be written");
  }
  if (staging_.empty()) return;
  require_no_input();
  sync_path(staging_);
  if (::rename(staging_.c_str(), target_.c_str()) != 0) io_error(asked_, "cannot be put in place");
  on_signal_.reset();
  staging_.clear();
  const fs::path directory = fs::path(target_).parent_path();
  sync_path(directory.string());
  add_to_output(directory.string(), fs::path(target_).filename().string());
}

}  // namespace bondsim::tools
