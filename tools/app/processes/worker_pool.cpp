#include "tools/app/processes/worker_pool.hpp"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "models/base/error.hpp"
#include "tools/app/processes/write_all.hpp"

namespace bondsim {

int worker_count(int jobs) { return jobs > 0 ? jobs : static_cast<int>(std::max(1U, std::thread::hardware_concurrency())); }

namespace {

constexpr int most_deaths = 3;

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return fmt::format("signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
  return fmt::format("exit status {}", WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

}  // namespace

WorkerPool::WorkerPool(int workers, Work work) : work_(std::move(work)) {
  check(workers >= 1, "{} workers", workers);
  ::signal(SIGPIPE, SIG_IGN);  // a dead worker is found by the failed write
  workers_.resize(static_cast<std::size_t>(workers));
  for (Worker& worker : workers_) start(worker);
}

WorkerPool::~WorkerPool() {
  for (Worker& worker : workers_) end(worker);
}

void WorkerPool::start(Worker& worker) {
  int to[2];
  int from[2];
  if (::pipe(to) != 0 || ::pipe(from) != 0) throw InternalError(fmt::format("no pipe for a worker: {}", std::strerror(errno)));
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) throw InternalError(fmt::format("no worker process: {}", std::strerror(errno)));
  if (pid == 0) {
    // Only its own pipe may stay open: the others' ends are what tells them that the parent is gone.
    for (const Worker& other : workers_) {
      if (other.to >= 0) ::close(other.to);
      if (other.from >= 0) ::close(other.from);
    }
    ::close(to[1]);
    ::close(from[0]);
    ::signal(SIGINT, SIG_IGN);  // the parent decides when to stop
    ::signal(SIGTERM, SIG_IGN);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // and nobody needs the answers of an orphan
    serve(to[0], from[1]);
  }
  ::close(to[0]);
  ::close(from[1]);
  worker = {pid, to[1], from[0], {}, {}};
}

/// Answers line by line until the parent closes the pipe.
void WorkerPool::serve(int from, int to) const {
  std::string received;
  char buffer[65536];
  for (;;) {
    const ssize_t n = ::read(from, buffer, sizeof buffer);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) ::_exit(0);
    received.append(buffer, static_cast<std::size_t>(n));
    for (std::size_t end = received.find('\n'); end != std::string::npos; end = received.find('\n')) {
      std::string answer;
      try {
        answer = work_(received.substr(0, end));
      } catch (const std::exception& e) {
        fmt::print(stderr, "bondsim worker: {}\n", e.what());
        ::_exit(3);
      }
      received.erase(0, end + 1);
      if (!tools::write_all(to, answer + "\n")) ::_exit(0);
    }
  }
}

void WorkerPool::end(Worker& worker) {
  if (worker.pid < 0) return;
  ::close(worker.to);
  ::close(worker.from);
  int status = 0;
  while (::waitpid(worker.pid, &status, 0) < 0 && errno == EINTR) {
  }
  worker.pid = -1;
}

std::vector<pid_t> WorkerPool::processes() const {
  std::vector<pid_t> pids;
  for (const Worker& worker : workers_) pids.push_back(worker.pid);
  return pids;
}

void WorkerPool::run(const std::vector<std::string>& tasks, const Callbacks& callbacks) {
  Run run{tasks, callbacks, {}, std::vector<int>(tasks.size(), 0)};
  for (std::size_t i = 0; i < tasks.size(); ++i) run.waiting.push_back(i);
  for (;;) {
    if (callbacks.stop && callbacks.stop()) run.waiting.clear();
    std::vector<pollfd> files;
    std::vector<Worker*> busy;
    for (Worker& worker : workers_) {
      hand_out(worker, run);
      if (worker.tasks.empty()) continue;
      files.push_back({worker.from, POLLIN, 0});
      busy.push_back(&worker);
    }
    if (busy.empty() && run.waiting.empty()) return;
    if (busy.empty()) continue;                                  // a worker had died idle: its successor takes the work
    if (::poll(files.data(), files.size(), 500) <= 0) continue;  // a signal or half a second: look at `stop` again
    for (std::size_t i = 0; i < busy.size(); ++i) {
      if (files[i].revents != 0) receive(*busy[i], run);
    }
  }
}

void WorkerPool::hand_out(Worker& worker, Run& run) {
  if (!worker.tasks.empty() || run.waiting.empty()) return;
  std::string text;
  // A line that killed a worker goes alone, so that its neighbours do not suffer.
  const bool alone = run.deaths[run.waiting.front()] > 0;
  const std::size_t most = alone ? 1 : std::max<std::size_t>(1, run.callbacks.chunk);
  while (!run.waiting.empty() && worker.tasks.size() < most && (alone || run.deaths[run.waiting.front()] == 0)) {
    text += run.tasks[run.waiting.front()] + "\n";
    worker.tasks.push_back(run.waiting.front());
    run.waiting.pop_front();
  }
  if (!tools::write_all(worker.to, text)) bury(worker, run);
}

void WorkerPool::receive(Worker& worker, Run& run) {
  char buffer[65536];
  const ssize_t n = ::read(worker.from, buffer, sizeof buffer);
  if (n < 0 && errno == EINTR) return;
  if (n <= 0) {
    bury(worker, run);
    return;
  }
  worker.received.append(buffer, static_cast<std::size_t>(n));
  for (std::size_t end = worker.received.find('\n'); end != std::string::npos; end = worker.received.find('\n')) {
    const std::string answer = worker.received.substr(0, end);
    worker.received.erase(0, end + 1);
    check(!worker.tasks.empty(), "worker {} answered what it was not asked: {}", worker.pid, answer);
    const std::size_t task = worker.tasks.front();
    worker.tasks.pop_front();
    run.callbacks.answered(task, answer);
  }
}

/// The first task it had is the one it died of; the others wait again.
void WorkerPool::bury(Worker& worker, Run& run) {
  ::close(worker.to);
  ::close(worker.from);
  int status = 0;
  while (::waitpid(worker.pid, &status, 0) < 0 && errno == EINTR) {
  }
  const std::size_t suspect = worker.tasks.front();
  const std::string report = fmt::format("worker {} ended with {} on: {}", worker.pid, how_it_ended(status), run.tasks[suspect]);
  if (run.callbacks.died) run.callbacks.died(report);
  const bool stopped = run.callbacks.stop && run.callbacks.stop();
  std::deque<std::size_t> again(worker.tasks);
  if (++run.deaths[suspect] >= most_deaths) {
    again.pop_front();
    run.callbacks.gave_up(suspect, report);
  }
  if (!stopped) run.waiting.insert(run.waiting.begin(), again.begin(), again.end());
  worker.pid = -1;
  worker.to = worker.from = -1;
  start(worker);
}

}  // namespace bondsim
