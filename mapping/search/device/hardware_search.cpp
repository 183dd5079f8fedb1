#include "mapping/search/device/hardware_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <pagmo/algorithm.hpp>
#include <pagmo/algorithms/gaco.hpp>
#include <pagmo/algorithms/nsga2.hpp>
#include <pagmo/batch_evaluators/member_bfe.hpp>
#include <pagmo/bfe.hpp>
#include <pagmo/population.hpp>
#include <pagmo/problem.hpp>
#include <set>

#include "mapping/search/dataflow/pareto.hpp"

namespace bondsim::search {
namespace {

/// Ends a search from within pagmo.
struct Stopped {};

/// Judges lists of candidates by store and workers.
class Judge {
 public:
  Judge(const DesignSpace& space, const HardwareSearchOptions& options, ResultStore& store, std::int64_t total)
      : space_(space), options_(options), store_(store), tier_(options.tier) {
    progress_.total = total;
    progress_.best = std::numeric_limits<double>::infinity();
  }

  /// @throws Stopped when the search is to end; everything judged is in the store.
  void judge(const std::vector<Candidate>& candidates) {
    std::vector<std::string> tasks;
    std::vector<std::string> names;
    std::set<std::string> asked;
    for (const Candidate& candidate : candidates) {
      std::string name = space_.text(candidate);
      const Evaluation* known = store_.find(name, tier_);
      if (known != nullptr) {
        count(*known);
      } else if (asked.insert(name).second) {
        tasks.push_back(judging_task(tier_, candidate));
        names.push_back(std::move(name));
      } else {
        ++progress_.done;
      }
    }
    if (options_.progress) options_.progress(progress_);
    run(tasks, names);
    if (options_.stop && options_.stop()) throw Stopped();
  }

  /// Infeasible candidates come after all feasible ones, equally far.
  std::vector<double> objectives(const Candidate& candidate) const {
    const Evaluation* evaluation = store_.find(space_.text(candidate), tier_);
    check(evaluation != nullptr, "{} was not judged", space_.text(candidate));
    std::vector<double> values;
    for (const auto& metric : space_.objectives) values.push_back(evaluation->feasible ? evaluation->metrics.at(metric) : 1e30);
    return values;
  }

 private:
  void run(const std::vector<std::string>& tasks, const std::vector<std::string>& names) {
    const auto keep = [&](std::size_t task, const Evaluation& evaluation) {
      store_.add(names[task], tier_, evaluation);
      ++progress_.evaluated;
      count(evaluation);
      if (options_.progress) options_.progress(progress_);
    };
    TaskPool::Callbacks callbacks;
    callbacks.answered = [&](std::size_t task, const std::string& answer) { keep(task, evaluation_from_json(answer)); };
    callbacks.gave_up = [&](std::size_t task, const std::string& report) { keep(task, {false, report, {}}); };
    callbacks.died = options_.report;
    callbacks.stop = options_.stop;
    callbacks.chunk = options_.chunk;
    options_.pool->run(tasks, callbacks);
  }

  void count(const Evaluation& evaluation) {
    ++progress_.done;
    if (evaluation.feasible) progress_.best = std::min(progress_.best, evaluation.metrics.at(space_.objectives[0]));
  }

  const DesignSpace& space_;
  const HardwareSearchOptions& options_;
  ResultStore& store_;
  std::string tier_;
  SearchProgress progress_;
};

/// The space as pagmo sees it: whole numbers for the parameters that have a choice.
struct SpaceProblem {
  const DesignSpace* space = nullptr;
  Judge* judge = nullptr;

  std::vector<std::size_t> free_parameters() const {
    std::vector<std::size_t> free;
    for (std::size_t i = 0; i < space->parameters.size(); ++i) {
      if (space->parameters[i].rows.size() > 1) free.push_back(i);
    }
    return free;
  }

  Candidate candidate(const double* x) const {
    Candidate candidate(space->parameters.size(), 0);
    for (const std::size_t i : free_parameters()) candidate[i] = static_cast<int>(std::lround(*x++));
    return candidate;
  }

  pagmo::vector_double fitness(const pagmo::vector_double& x) const {
    const Candidate c = candidate(x.data());
    judge->judge({c});
    return judge->objectives(c);
  }

  pagmo::vector_double batch_fitness(const pagmo::vector_double& xs) const {
    const std::size_t width = free_parameters().size();
    std::vector<Candidate> candidates;
    for (std::size_t i = 0; i < xs.size(); i += width) candidates.push_back(candidate(&xs[i]));
    judge->judge(candidates);
    pagmo::vector_double values;
    for (const Candidate& c : candidates) {
      const std::vector<double> own = judge->objectives(c);
      values.insert(values.end(), own.begin(), own.end());
    }
    return values;
  }

  std::pair<pagmo::vector_double, pagmo::vector_double> get_bounds() const {
    pagmo::vector_double last;
    for (const std::size_t i : free_parameters()) last.push_back(static_cast<double>(space->parameters[i].rows.size() - 1));
    return {pagmo::vector_double(last.size(), 0.0), last};
  }
  pagmo::vector_double::size_type get_nobj() const { return space->objectives.size(); }
  pagmo::vector_double::size_type get_nix() const { return free_parameters().size(); }
};

void judge_all(const DesignSpace& space, Judge& judge) {
  constexpr std::int64_t batch = 1 << 16;
  for (std::int64_t first = 0; first < space.size(); first += batch) {
    std::vector<Candidate> candidates;
    for (std::int64_t i = first; i < std::min(space.size(), first + batch); ++i) candidates.push_back(space.candidate(i));
    judge.judge(candidates);
  }
}

void evolve(const DesignSpace& space, Judge& judge) {
  const auto seed = static_cast<unsigned>(space.search.seed);
  const auto generations = static_cast<unsigned>(space.search.generations);
  const pagmo::problem problem(SpaceProblem{&space, &judge});
  const pagmo::bfe batches{pagmo::member_bfe{}};
  const pagmo::population population(problem, batches, static_cast<unsigned>(space.search.population), seed);
  if (space.search.method == SpaceMethod::nsga2) {
    pagmo::nsga2 nsga2(generations, 0.95, 10., 0.1, 50., seed);
    nsga2.set_bfe(batches);
    pagmo::algorithm(nsga2).evolve(population);
  } else {
    const auto kernel = static_cast<unsigned>(std::max(2, space.search.population / 2));
    pagmo::gaco colony(generations, kernel, 1.0, 0.0, 0.01, 1u, 7u, 100000u, 100000u, 0.0, false, seed);
    colony.set_bfe(batches);
    pagmo::algorithm(colony).evolve(population);
  }
}

}  // namespace

bool search_hardware(const DesignSpace& space, const HardwareSearchOptions& options, ResultStore& store) {
  // Without parameters there is one candidate, and nothing to evolve.
  const bool exhaustive = space.search.method == SpaceMethod::exhaustive || space.parameters.empty();
  if (exhaustive && space.size() > 10'000'000) {
    throw ConfigError(fmt::format("{}: space.search.method: exhaustive over {} candidates, allowed: at most 10000000, or nsga2", space.name,
                                  space.size()));
  }
  const std::int64_t asked = static_cast<std::int64_t>(space.search.population) * (space.search.generations + 1);
  Judge judge(space, options, store, exhaustive ? space.size() : asked);
  try {
    if (exhaustive) {
      judge_all(space, judge);
    } else {
      evolve(space, judge);
    }
  } catch (const Stopped&) {
    return false;
  }
  return true;
}

bool judge_hardware(const DesignSpace& space, const HardwareSearchOptions& options, ResultStore& store,
                    const std::vector<Candidate>& candidates) {
  Judge judge(space, options, store, static_cast<std::int64_t>(candidates.size()));
  try {
    judge.judge(candidates);
  } catch (const Stopped&) {
    return false;
  }
  return true;
}

std::vector<FrontMember> pareto_front(const DesignSpace& space, const ResultStore& store, const std::string& tier) {
  struct Entry {
    std::vector<double> objectives;
    const std::string* candidate;
    const Evaluation* evaluation;
  };
  std::vector<Entry> entries;
  for (const auto& [candidate, evaluation] : store.all(tier)) {
    if (!evaluation.feasible) continue;
    std::vector<double> objectives;
    objectives.reserve(space.objectives.size());
    for (const auto& metric : space.objectives) objectives.push_back(evaluation.metrics.at(metric));
    entries.push_back({objectives, &candidate, &evaluation});
  }
  entries.erase(keep_undominated(entries.begin(), entries.end(), [](const Entry& e) { return e.objectives; }), entries.end());
  std::vector<FrontMember> members;
  members.reserve(entries.size());
  for (const Entry& entry : entries) members.push_back({*entry.candidate, *entry.evaluation});
  return members;
}

}  // namespace bondsim::search
