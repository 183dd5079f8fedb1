#include "tools/app/exploration/ask_tell.hpp"

#include <algorithm>
#include <cmath>

namespace bondsim::tools {
namespace {

constexpr const char* tier_name = "told";

/// Reads the candidate of a task.
class TaskReader final : public search::Evaluator {
 public:
  const char* tier() const override { return tier_name; }
  std::string inputs() const override { return {}; }
  search::Evaluation evaluate(const search::Candidate& candidate) override {
    read = candidate;
    return {};
  }
  search::Candidate read;
};

search::ResultStore store_in_memory() { return {":memory:", {}, false}; }

}  // namespace

/// Its workers are the callers of tell().
class AskTellSearch::Pool final : public TaskPool {
 public:
  explicit Pool(AskTellSearch& search) : search_(search) {}
  int workers() const override { return 1; }

  void run(const std::vector<std::string>& tasks, const Callbacks& callbacks) override {
    std::vector<std::string> names;
    for (const std::string& task : tasks) {
      TaskReader reader;
      search::judge_task({&reader}, task);
      names.push_back(search_.space_.text(reader.read));
    }
    std::unique_lock<std::mutex> lock(search_.mutex_);
    search_.open_ = names;
    search_.changed_.notify_all();
    search_.changed_.wait(lock, [&] { return search_.stop_ || search_.open_.empty(); });
    if (search_.stop_) return;
    for (std::size_t i = 0; i < names.size(); ++i) callbacks.answered(i, search::to_json(search_.told_.at(names[i])));
  }

 private:
  AskTellSearch& search_;
};

AskTellSearch::AskTellSearch(search::DesignSpace space) : space_(std::move(space)), thread_([this] { search(); }) {}

AskTellSearch::~AskTellSearch() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stop_ = true;
    changed_.notify_all();
  }
  thread_.join();
}

void AskTellSearch::search() {
  std::exception_ptr failure;
  try {
    Pool pool(*this);
    search::ResultStore store = store_in_memory();
    search::HardwareSearchOptions how;
    how.pool = &pool;
    how.tier = tier_name;
    how.stop = [this] {
      const std::lock_guard<std::mutex> lock(mutex_);
      return stop_;
    };
    search::search_hardware(space_, how, store);
  } catch (...) {
    failure = std::current_exception();
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  failure_ = failure;
  ended_ = true;
  changed_.notify_all();
}

std::vector<std::string> AskTellSearch::ask() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait(lock, [&] { return ended_ || !open_.empty(); });
  if (failure_) std::rethrow_exception(failure_);
  return open_;
}

void AskTellSearch::tell(const std::string& candidate, const search::Evaluation& evaluation) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto asked = std::find(open_.begin(), open_.end(), candidate);
  if (asked == open_.end()) {
    throw ConfigError(fmt::format("tell: '{}' is not a candidate that is waited for, allowed: those of the last ask", candidate));
  }
  for (const std::string& objective : space_.objectives) {
    const auto metric = evaluation.metrics.find(objective);
    if (evaluation.feasible && (metric == evaluation.metrics.end() || !std::isfinite(metric->second))) {
      throw ConfigError(
          fmt::format("tell: '{}' without a finite {}, needed: {}", candidate, objective, fmt::join(space_.objectives, ", ")));
    }
  }
  told_[candidate] = evaluation;
  open_.erase(asked);
  if (open_.empty()) changed_.notify_all();
}

std::vector<search::FrontMember> AskTellSearch::front() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  search::ResultStore store = store_in_memory();
  for (const auto& [candidate, evaluation] : told_) store.add(candidate, tier_name, evaluation);
  return search::pareto_front(space_, store, tier_name);
}

std::map<std::string, search::Evaluation> AskTellSearch::told() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return told_;
}

}  // namespace bondsim::tools
