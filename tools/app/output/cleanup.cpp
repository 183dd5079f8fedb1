#include "tools/app/output/cleanup.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <climits>
#include <cstring>

#include "models/base/error.hpp"
#include "models/base/io_error.hpp"

namespace bondsim::tools {
namespace {

struct Slot {
  std::atomic<pid_t> owner{0};  ///< 0: free
  std::array<char, PATH_MAX> path{};
};

/// A signal handler can reach nothing that is not static. A command has one or two outputs.
std::array<Slot, 8> slots;

constexpr std::array<int, 3> signals = {SIGINT, SIGTERM, SIGHUP};
std::array<struct sigaction, signals.size()> before;
int registered = 0;

struct Entry {  // what the kernel returns, see getdents64(2)
  std::uint64_t inode;
  std::int64_t offset;
  unsigned short length;
  unsigned char type;
  char name[1];
};

/// Removes a file, or a directory with what is in it, by system calls alone: a signal handler must not allocate.
void remove_entry(int parent, const char* name, int depth) {
  if (::unlinkat(parent, name, 0) == 0 || depth == 0) return;
  const int directory = ::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (directory < 0) return;
  alignas(Entry) char buffer[2048];
  // Entries go while they are listed; the list is read again until a reading removes none.
  for (bool removed = true; removed;) {
    removed = false;
    ::lseek(directory, 0, SEEK_SET);
    for (long n = 0; (n = ::syscall(SYS_getdents64, directory, buffer, sizeof buffer)) > 0;) {
      for (long at = 0; at < n;) {
        const auto* entry = reinterpret_cast<const Entry*>(buffer + at);
        const char* child = buffer + at + offsetof(Entry, name);
        at += entry->length;
        if (std::strcmp(child, ".") == 0 || std::strcmp(child, "..") == 0) continue;
        remove_entry(directory, child, depth - 1);
        removed = removed || ::faccessat(directory, child, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
      }
    }
  }
  ::close(directory);
  ::unlinkat(parent, name, AT_REMOVEDIR);
}

void remove_and_end(int signal) {
  for (Slot& slot : slots) {
    if (slot.owner.load() == ::getpid()) remove_entry(AT_FDCWD, slot.path.data(), 4);
  }
  struct sigaction ending = {};
  ending.sa_handler = SIG_DFL;
  ::sigaction(signal, &ending, nullptr);
  ::raise(signal);
}

void install() {
  for (std::size_t i = 0; i < signals.size(); ++i) {
    struct sigaction mine = {};
    mine.sa_handler = remove_and_end;
    ::sigaction(signals[i], nullptr, &before[i]);
    if (before[i].sa_handler == SIG_DFL) ::sigaction(signals[i], &mine, nullptr);  // nohup, or a handler that ends in order, stays
  }
}

void restore() {
  for (std::size_t i = 0; i < signals.size(); ++i) {
    struct sigaction now = {};
    ::sigaction(signals[i], nullptr, &now);
    if (now.sa_handler == remove_and_end) ::sigaction(signals[i], &before[i], nullptr);
  }
}

}  // namespace

RemovedOnSignal::RemovedOnSignal(const std::string& path) {
  if (path.size() >= PATH_MAX) throw IoError(fmt::format("{}: the path is too long", path));
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (slots[i].owner.load() != 0) continue;
    std::strcpy(slots[i].path.data(), path.c_str());
    slots[i].owner.store(::getpid());
    slot_ = static_cast<int>(i);
    if (registered++ == 0) install();
    return;
  }
  throw InternalError("more outputs at a time than a signal handler can clean up");
}

RemovedOnSignal::~RemovedOnSignal() {
  if (slot_ < 0) return;
  slots[static_cast<std::size_t>(slot_)].owner.store(0);
  if (--registered == 0) restore();
}

}  // namespace bondsim::tools
