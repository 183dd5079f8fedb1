#pragma once
#include <functional>
#include <memory>

#include "mapping/search/device/evaluator.hpp"
#include "mapping/search/device/result_store.hpp"
#include "models/base/task_pool.hpp"

namespace bondsim::search {

/// State of a search, for a progress line.
struct SearchProgress {
  std::int64_t done = 0;       ///< candidates asked for so far, those of the store included
  std::int64_t total = 0;      ///< at most
  std::int64_t evaluated = 0;  ///< new ones
  double best = 0;             ///< first objective of the best feasible candidate; infinite before there is one
};

/// Parameters of the search over devices; equal ones give equal results.
struct HardwareSearchOptions {
  TaskPool* pool = nullptr;  ///< its work is judge_task()
  std::string tier = {};     ///< who judges
  std::function<void(const SearchProgress&)> progress = {};
  std::function<void(const std::string&)> report = {};  ///< a worker that died, a candidate given up
  std::function<bool()> stop = {};
  std::size_t chunk = 1;  ///< candidates a worker is given at a time
};

/// One undominated device.
struct FrontMember {
  std::string candidate;
  Evaluation evaluation;
};

/// Searches the space, every evaluation going to the store and none being made that is there: a search that was stopped
/// or killed goes on where it was and ends with the same front. Deterministic, whatever the number of workers.
/// @return false when it was stopped before the end.
bool search_hardware(const DesignSpace& space, const HardwareSearchOptions& options, ResultStore& store);

/// Judges the listed candidates, those that are not in the store already. @return false when it was stopped before the end.
bool judge_hardware(const DesignSpace& space, const HardwareSearchOptions& options, ResultStore& store,
                    const std::vector<Candidate>& candidates);

/// The feasible candidates of a tier that no other beats in every objective, best in the first objective first; of equal ones
/// the first by name.
std::vector<FrontMember> pareto_front(const DesignSpace& space, const ResultStore& store, const std::string& tier);

}  // namespace bondsim::search
