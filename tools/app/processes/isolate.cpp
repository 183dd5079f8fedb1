#include "tools/app/processes/isolate.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "models/base/error.hpp"
#include "models/base/io_error.hpp"
#include "tools/app/processes/write_all.hpp"

namespace bondsim {
namespace {

/// First byte of what the child sends: how it ended.
enum class Outcome : char { done = 'd', config = 'c', infeasible = 'i', io = 'o', defect = 'x' };

std::string read_all(int fd) {
  std::string bytes;
  char buffer[65536];
  for (;;) {
    const ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return bytes;
    bytes.append(buffer, static_cast<std::size_t>(n));
  }
}

[[noreturn]] void run_child(int fd, const std::function<std::string()>& work) {
  std::string message;
  try {
    message = static_cast<char>(Outcome::done) + work();
  } catch (const ConfigError& e) {
    message = static_cast<char>(Outcome::config) + std::string(e.what());
  } catch (const InfeasibleError& e) {
    message = static_cast<char>(Outcome::infeasible) + std::string(e.what());
  } catch (const IoError& e) {
    message = static_cast<char>(Outcome::io) + std::string(e.what());
  } catch (const std::exception& e) {
    message = static_cast<char>(Outcome::defect) + std::string(e.what());
  }
  tools::write_all(fd, message);
  ::close(fd);
  std::fflush(nullptr);
  ::_exit(0);
}

}  // namespace

std::string run_isolated(const std::function<std::string()>& work, unsigned limit_s) {
  int fds[2];
  if (::pipe(fds) != 0) throw InternalError(fmt::format("pipe: {}", std::strerror(errno)));
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child < 0) throw InternalError(fmt::format("fork: {}", std::strerror(errno)));
  if (child == 0) {
    ::close(fds[0]);
    ::signal(SIGALRM, SIG_DFL);
    ::alarm(limit_s);                    // 0 sets none; the signal ends the child wherever it is
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // nobody waits for the answer of an orphan
    run_child(fds[1], work);
  }
  ::close(fds[1]);
  const std::string message = read_all(fds[0]);
  ::close(fds[0]);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (limit_s > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) {
    throw TimeLimitError(fmt::format("no result within {} s", limit_s));
  }
  if (message.empty()) throw InternalError(fmt::format("a simulation process died (status {})", status));
  std::string text = message.substr(1);
  switch (static_cast<Outcome>(message[0])) {
    case Outcome::done:
      return text;
    case Outcome::config:
      throw ConfigError(text);
    case Outcome::infeasible:
      throw InfeasibleError(text);
    case Outcome::io:
      throw IoError(text);
    default:
      throw InternalError(text);
  }
}

}  // namespace bondsim
