#include "tools/app/processes/rank_pool.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "models/base/error.hpp"

namespace bondsim::tools {
namespace {

const std::string end_message = "end";
constexpr int most_losses = 3;

}  // namespace

RankPool::RankPool(Transport& transport, PoolServer& own, int jobs)
    : transport_(transport), own_(own), jobs_(static_cast<std::size_t>(jobs)), ranks_(static_cast<std::size_t>(transport.ranks())) {}

RankPool::~RankPool() {
  for (int rank = 1; rank < transport_.ranks(); ++rank) transport_.send(rank, end_message);
}

int RankPool::workers() const {
  return static_cast<int>(jobs_) *
         static_cast<int>(std::count_if(ranks_.begin(), ranks_.end(), [](const Rank& rank) { return !rank.lost; }));
}

void RankPool::run(const std::vector<std::string>& tasks, const Callbacks& callbacks) {
  Run run{tasks, callbacks, {}, std::vector<int>(tasks.size(), 0)};
  for (std::size_t i = 0; i < tasks.size(); ++i) run.waiting.push_back(i);
  for (;;) {
    if (callbacks.stop && callbacks.stop()) run.waiting.clear();
    for (std::size_t rank = 0; rank < ranks_.size(); ++rank) hand_out(rank, run);
    if (std::none_of(ranks_.begin(), ranks_.end(), [](const Rank& rank) { return rank.busy; })) {
      if (!run.waiting.empty()) throw InternalError("the processes that lead the workers have died, in every rank");
      return;
    }
    for (const std::string& line : own_.lines(1)) take(0, line, run);
    if (!own_.lost().empty() && !ranks_[0].lost) lose(0, own_.lost(), run);
    int from = 0;
    for (std::string message; transport_.receive(from, message);) take(static_cast<std::size_t>(from), message, run);
  }
}

void RankPool::hand_out(std::size_t at, Run& run) {
  Rank& rank = ranks_[at];
  if (rank.busy || rank.lost || run.waiting.empty()) return;
  // A task that was lost with a server goes alone, so that its neighbours do not suffer.
  const bool alone = run.losses[run.waiting.front()] > 0;
  const std::size_t most = alone ? 1 : jobs_ * std::max<std::size_t>(1, run.callbacks.chunk);
  std::vector<std::string> batch;
  rank.tasks.clear();
  while (!run.waiting.empty() && batch.size() < most && (alone || run.losses[run.waiting.front()] == 0)) {
    rank.tasks.push_back(run.waiting.front());
    batch.push_back(run.tasks[run.waiting.front()]);
    run.waiting.pop_front();
  }
  rank.finished.assign(batch.size(), false);
  rank.busy = true;
  const std::string text = PoolServer::batch_text(batch, std::max<std::size_t>(1, run.callbacks.chunk));
  if (at == 0) {
    own_.send(text);
  } else {
    transport_.send(static_cast<int>(at), text);
  }
}

void RankPool::take(std::size_t at, const std::string& line, Run& run) {
  Rank& rank = ranks_.at(at);
  std::istringstream text(line);
  std::string what;
  text >> what;
  if (what == "ready") {
    rank.busy = false;
    return;
  }
  const auto rest = [&] {
    std::string words;
    std::getline(text >> std::ws, words);
    return words;
  };
  if (what == "lost") return lose(at, rest(), run);
  if (what == "died") {
    if (run.callbacks.died) run.callbacks.died(fmt::format("rank {}: {}", at, rest()));
    return;
  }
  std::size_t number = 0;
  text >> number;
  check(rank.busy && number < rank.tasks.size() && !rank.finished[number], "rank {} answered what it was not asked: {}", at, line);
  rank.finished[number] = true;
  if (what == "answered") {
    run.callbacks.answered(rank.tasks[number], rest());
  } else {
    run.callbacks.gave_up(rank.tasks[number], fmt::format("rank {}: {}", at, rest()));
  }
}

void RankPool::lose(std::size_t at, const std::string& how, Run& run) {
  Rank& rank = ranks_[at];
  rank.lost = true;
  const std::string report = fmt::format("rank {}: the process that leads its workers ended with {}; the rank does no more", at, how);
  if (run.callbacks.died) run.callbacks.died(report);
  const bool stopped = run.callbacks.stop && run.callbacks.stop();
  for (std::size_t i = 0; rank.busy && i < rank.tasks.size(); ++i) {
    if (rank.finished[i]) continue;
    if (++run.losses[rank.tasks[i]] >= most_losses) {
      run.callbacks.gave_up(rank.tasks[i], report);
    } else if (!stopped) {
      run.waiting.push_front(rank.tasks[i]);
    }
  }
  rank.busy = false;
}

void serve_rank(Transport& transport, PoolServer& own) {
  bool told = false;
  for (;;) {
    int from = 0;
    for (std::string message; transport.receive(from, message);) {
      if (message == end_message) return;
      own.send(message);
    }
    for (const std::string& line : own.lines(1)) transport.send(0, line);
    if (own.lost().empty() || told) continue;
    transport.send(0, "lost " + own.lost());
    told = true;
  }
}

}  // namespace bondsim::tools
