#include "tools/app/output/place.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "models/base/error.hpp"
#include "models/base/io_error.hpp"

namespace bondsim::tools {
namespace {

namespace fs = std::filesystem;

/// The last name of a path, without the slashes behind it.
fs::path clean_of(const std::string& asked) {
  if (asked.empty()) throw ConfigError("--out: is empty, allowed: a path");
  fs::path path = fs::path(asked).lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  return path;
}

/// The folder above, made and resolved.
fs::path parent_of(const std::string& asked, const fs::path& path) {
  const fs::path parent = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code ec;
  fs::create_directories(parent, ec);
  if (!fs::is_directory(parent)) {
    throw IoError(fmt::format("--out {}: {} cannot be made: {}", asked, parent.string(), ec ? ec.message() : "it is no directory"));
  }
  return fs::canonical(parent);
}

bool holds_working_directory(const fs::path& place) {
  std::error_code ec;
  for (fs::path here = fs::canonical(fs::current_path(), ec); !ec; here = here.parent_path()) {
    if (here == place) return true;
    if (here == here.parent_path()) return false;
  }
  return false;
}

}  // namespace

void io_error(const std::string& asked, const std::string& what) {
  const int error = errno;
  throw IoError(fmt::format("--out {}: {}: {}", asked, what, std::strerror(error)));
}

std::string place_of_directory(const std::string& asked) {
  const fs::path path = clean_of(asked);
  const std::string name = path.filename().string();
  if (name.empty() || name == "." || name == "..") {
    throw ConfigError(fmt::format("--out {}: is this directory or one above it, allowed: a directory of its own", asked));
  }
  const fs::path place = parent_of(asked, path) / name;
  if (holds_working_directory(place)) {
    throw ConfigError(fmt::format("--out {}: is the working directory or one above it, allowed: a directory of its own", asked));
  }
  const auto status = fs::symlink_status(place);
  if (fs::is_symlink(status))
    throw ConfigError(fmt::format("--out {}: is a link, which is left alone; allowed: a directory's own path", asked));
  if (fs::exists(status) && !fs::is_directory(status))
    throw ConfigError(fmt::format("--out {}: exists and is no directory, it is left alone", asked));
  return place.string();
}

std::string place_of_file(const std::string& asked) {
  if (!asked.empty() && asked.back() == '/') throw ConfigError(fmt::format("--out {}: is a directory's path, allowed: a file", asked));
  const fs::path path = clean_of(asked);
  const std::string name = path.filename().string();
  if (name.empty() || name == "." || name == "..") throw ConfigError(fmt::format("--out {}: is a directory, allowed: a file", asked));
  const fs::path place = parent_of(asked, path) / name;
  const auto status = fs::symlink_status(place);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    throw ConfigError(fmt::format("--out {}: is no regular file, it is left alone", asked));
  }
  return place.string();
}

bool is_stream(const std::string& path) {
  struct stat found = {};
  if (::stat(path.c_str(), &found) != 0) return false;
  return S_ISCHR(found.st_mode) || S_ISFIFO(found.st_mode) || (S_ISREG(found.st_mode) && path.rfind("/dev/", 0) == 0);
}

void write_new_file(const std::string& path, const std::string& content) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (fd < 0) io_error(path, "cannot be made");
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t n = ::write(fd, content.data() + done, content.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) {
      const int error = errno;
      ::close(fd);
      errno = error;
      io_error(path, "cannot be written");
    }
    done += static_cast<std::size_t>(n);
  }
  const bool on_disk = ::fsync(fd) == 0 || errno == EINVAL || errno == EROFS;
  const int error = errno;
  const bool closed = ::close(fd) == 0;
  if (!on_disk) errno = error;
  if (!on_disk || !closed) io_error(path, "cannot be written");
}

void sync_path(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) io_error(path, "cannot be opened");
  const bool synced = ::fsync(fd) == 0 || errno == EINVAL;
  const int error = errno;
  ::close(fd);
  errno = error;
  if (!synced) io_error(path, "cannot be put on the disk");
}

}  // namespace bondsim::tools
