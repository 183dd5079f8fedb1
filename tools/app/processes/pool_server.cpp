#include "tools/app/processes/pool_server.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <sstream>

#include "models/base/error.hpp"
#include "tools/app/processes/worker_pool.hpp"
#include "tools/app/processes/write_all.hpp"

namespace bondsim::tools {
namespace {

/// Moves the whole lines of `text` out of it.
std::vector<std::string> take_lines(std::string& text) {
  std::vector<std::string> lines;
  std::size_t begin = 0;
  for (std::size_t end = text.find('\n'); end != std::string::npos; end = text.find('\n', begin)) {
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  text.erase(0, begin);
  return lines;
}

void run_batch(WorkerPool& pool, const std::vector<std::string>& tasks, std::size_t chunk, int out) {
  TaskPool::Callbacks callbacks;
  callbacks.chunk = chunk;
  callbacks.answered = [&](std::size_t i, const std::string& text) { write_all(out, fmt::format("answered {} {}\n", i, text)); };
  callbacks.gave_up = [&](std::size_t i, const std::string& report) { write_all(out, fmt::format("gave_up {} {}\n", i, report)); };
  callbacks.died = [&](const std::string& report) { write_all(out, fmt::format("died {}\n", report)); };
  pool.run(tasks, callbacks);
}

/// Until the other end of `in` is closed.
void serve_batches(WorkerPool& pool, int in, int out) {
  std::string received;
  std::vector<std::string> tasks;
  std::size_t missing = 0;
  std::size_t chunk = 1;
  char buffer[65536];
  for (;;) {
    const ssize_t n = ::read(in, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    received.append(buffer, static_cast<std::size_t>(n));
    for (const std::string& line : take_lines(received)) {
      if (missing == 0) {
        std::istringstream head(line.substr(4));
        head >> missing >> chunk;
        tasks.clear();
      } else {
        tasks.push_back(line);
        --missing;
      }
      if (missing > 0) continue;
      run_batch(pool, tasks, chunk, out);
      if (!write_all(out, "ready\n")) return;
    }
  }
}

}  // namespace

PoolServer::PoolServer(int jobs, const TaskPool::Work& work) {
  int to[2];
  int from[2];
  if (::pipe(to) != 0 || ::pipe(from) != 0) throw InternalError("no pipe for the process that leads the workers");
  ::signal(SIGPIPE, SIG_IGN);
  std::fflush(nullptr);
  pid_ = ::fork();
  if (pid_ < 0) throw InternalError("no process to lead the workers");
  if (pid_ == 0) {
    ::close(to[1]);
    ::close(from[0]);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::signal(SIGINT, SIG_IGN);  // rank 0 decides when to stop
    ::signal(SIGTERM, SIG_IGN);
    {
      WorkerPool pool(jobs, work);
      serve_batches(pool, to[0], from[1]);
    }
    ::_exit(0);
  }
  ::close(to[0]);
  ::close(from[1]);
  to_ = to[1];
  from_ = from[0];
}

PoolServer::~PoolServer() {
  ::close(to_);
  ::close(from_);
  if (!lost_.empty()) return;
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

std::string PoolServer::batch_text(const std::vector<std::string>& tasks, std::size_t chunk) {
  std::string text = fmt::format("run {} {}\n", tasks.size(), chunk);
  for (const std::string& task : tasks) text += task + "\n";
  return text;
}

void PoolServer::send(const std::string& batch) { write_all(to_, batch); }

std::vector<std::string> PoolServer::lines(int timeout_ms) {
  pollfd file{from_, POLLIN, 0};
  if (!lost_.empty()) {
    ::poll(nullptr, 0, timeout_ms);
    return {};
  }
  if (::poll(&file, 1, timeout_ms) <= 0) return {};
  char buffer[65536];
  const ssize_t n = ::read(from_, buffer, sizeof buffer);
  if (n < 0 && errno == EINTR) return {};
  if (n <= 0) {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    lost_ = WIFSIGNALED(status) ? fmt::format("signal {}", WTERMSIG(status)) : fmt::format("exit status {}", WEXITSTATUS(status));
    return {};
  }
  received_.append(buffer, static_cast<std::size_t>(n));
  return take_lines(received_);
}

}  // namespace bondsim::tools
