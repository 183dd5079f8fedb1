#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "mapping/search/device/evaluator.hpp"

struct sqlite3;
struct sqlite3_stmt;

namespace bondsim::search {

/// Every evaluation of a search in one SQLite file. An evaluation is in the file once `add` has returned, whatever happens to the process
/// then.
///   search(key, value)                             what was searched: space, seed, version, objectives; front: `tier candidates` of the
///                                                  front that was written last
///   agreement(metric, tier_a, tier_b, candidates, kendall_tau, spearman_rho)    how far two tiers order alike what both judged
///   evaluation(candidate, tier, feasible, reason, metrics, seed, version)    candidate: `key=value ...`; metrics: JSON
class ResultStore {
 public:
  /// A search resumes a file only if it agrees on all of these.
  struct Identity {
    std::string space;    ///< digest of the space and of the files it names
    std::string version;  ///< of bondsim
    std::int64_t seed = 0;
    std::string objectives = {};  ///< metrics, separated by blanks; for those who read the file
  };

  /// Makes the file, or opens it when `resume`. @throws ConfigError when it exists and `resume` is not set, is damaged, or was made by
  /// another search; IoError, here and below, when the system cannot open or write it.
  ResultStore(const std::string& path, const Identity& identity, bool resume);

  /// nullptr when the candidate was not judged in this tier yet.
  const Evaluation* find(const std::string& candidate, const std::string& tier) const;
  /// @throws IoError when the file cannot take it; InternalError when it is there already.
  void add(const std::string& candidate, const std::string& tier, const Evaluation& evaluation);
  /// Replaces what was noted of the metric and the two tiers. @throws IoError when the file cannot take it.
  void note_agreement(const std::string& metric, const std::string& tier_a, const std::string& tier_b, std::size_t candidates,
                      double kendall_tau, double spearman_rho);
  /// Notes that the front of a tier is written, as it is with all that is in the store now; readers then know a front of a search that
  /// went on. @throws IoError when the file cannot take it.
  void note_front(const std::string& tier);
  /// All of one tier, by candidate.
  const std::map<std::string, Evaluation>& all(const std::string& tier) const;

 private:
  void execute(const char* sql);
  void check_identity();
  void load();
  void require_objectives(const std::string& candidate, const Evaluation& evaluation) const;
  [[noreturn]] void fail(const std::string& what) const;

  std::string path_;
  Identity identity_;
  std::unique_ptr<sqlite3, int (*)(sqlite3*)> database_;
  std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> insert_;
  mutable std::map<std::string, std::map<std::string, Evaluation>> known_;  ///< tier, candidate
};

}  // namespace bondsim::search
