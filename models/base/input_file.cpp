#include "models/base/input_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>

#include "models/base/io_error.hpp"

namespace bondsim {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

/// Files opened as inputs, by device and inode: names may differ.
class Inputs {
 public:
  static Inputs& get() {
    static Inputs inputs;
    return inputs;
  }
  void add(const struct stat& file) {
    const std::lock_guard<std::mutex> lock(mutex_);
    files_.emplace(file.st_dev, file.st_ino);
  }
  bool has(const struct stat& file) {
    const std::lock_guard<std::mutex> lock(mutex_);
    return files_.count({file.st_dev, file.st_ino}) > 0;
  }

 private:
  std::mutex mutex_;
  std::set<std::pair<dev_t, ino_t>> files_;
};

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a directory";
  if (S_ISFIFO(mode)) return "a FIFO";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

/// Opens without waiting for a writer of a FIFO; `problem` says why it is no input.
Descriptor open_regular(const std::string& path, const std::string& expected, std::string& problem) {
  if (path.find('\0') != std::string::npos) {
    problem = "a file name has no NUL byte";
    return Descriptor(-1);
  }
  struct stat status = {};
  if (::stat(path.c_str(), &status) != 0) {
    problem = fmt::format("no such file, or it cannot be read; {} is expected ({})", expected, std::strerror(errno));
    return Descriptor(-1);
  }
  Descriptor file(S_ISREG(status.st_mode) ? ::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC) : -1);
  const int error = errno;
  if (file.get() >= 0) ::fstat(file.get(), &status);  // another file may have taken the name meanwhile
  if (!S_ISREG(status.st_mode)) {
    problem = fmt::format("is {}, {} is expected", kind_of(status.st_mode), expected);
  } else if (file.get() < 0) {
    problem = fmt::format("no such file, or it cannot be read; {} is expected ({})", expected, std::strerror(error));
  } else {
    Inputs::get().add(status);
  }
  return file;
}

/// Bytes of the UTF-8 character that `text` begins with; 0 when there is none.
std::size_t character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char first = byte(0);
  if (first < 0x80) return first >= 0x20 || first == '\t' || first == '\n' || first == '\r' ? 1 : 0;
  const std::size_t length = first >= 0xC2 && first < 0xE0 ? 2 : first >= 0xE0 && first < 0xF0 ? 3 : first >= 0xF0 && first < 0xF5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
  }
  const bool overlong = (first == 0xE0 && byte(1) < 0xA0) || (first == 0xF0 && byte(1) < 0x90);
  const bool surrogate = first == 0xED && byte(1) >= 0xA0;
  const bool beyond = first == 0xF4 && byte(1) >= 0x90;
  return overlong || surrogate || beyond ? 0 : length;
}

std::string size_problem(const std::string& expected, std::size_t max_bytes) {
  return fmt::format("is longer than {} MiB, the most that {} may have", max_bytes >> 20, expected);
}

}  // namespace

std::string input_problem(const std::string& path, const std::string& expected) {
  std::string problem;
  open_regular(path, expected, problem);
  return problem;
}

bool was_input(const std::string& path) {
  struct stat status = {};
  return ::stat(path.c_str(), &status) == 0 && Inputs::get().has(status);
}

void require_text(const std::string& text, const std::string& name) {
  const std::string_view all = text;
  int line = 1;
  for (std::size_t at = 0; at < all.size();) {
    const std::size_t length = character(all.substr(at));
    if (length == 0) {
      throw ConfigError(fmt::format("{}:{}: byte 0x{:02X} is no UTF-8 text, allowed: UTF-8 without control characters", name, line,
                                    static_cast<unsigned char>(all[at])));
    }
    if (all[at] == '\n') ++line;
    at += length;
  }
}

std::string read_input_file(const std::string& path, const std::string& expected, std::size_t max_bytes) {
  std::string problem;
  const Descriptor file = open_regular(path, expected, problem);
  if (!problem.empty()) throw ConfigError(fmt::format("{}: {}", path, problem));
  std::string text;
  char buffer[65536];
  for (;;) {
    const ssize_t n = ::read(file.get(), buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw IoError(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
    if (n == 0) break;
    text.append(buffer, static_cast<std::size_t>(n));
    if (text.size() > max_bytes) throw ConfigError(fmt::format("{}: {}", path, size_problem(expected, max_bytes)));
  }
  if (text.compare(0, 3, "\xEF\xBB\xBF") == 0) text.erase(0, 3);
  require_text(text, path);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r' || i + 1 == text.size() || text[i + 1] != '\n') text[kept++] = text[i];
  }
  text.resize(kept);
  return text;
}

std::ifstream open_input_file(const std::string& path, const std::string& expected) {
  const std::string problem = input_problem(path, expected);
  if (!problem.empty()) throw ConfigError(fmt::format("{}: {}", path, problem));
  std::ifstream in(path, std::ios::binary);
  if (!in) throw IoError(fmt::format("{}: cannot be read: {}", path, std::strerror(errno)));
  return in;
}

}  // namespace bondsim
