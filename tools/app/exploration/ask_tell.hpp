#pragma once
#include <condition_variable>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "mapping/search/device/hardware_search.hpp"

namespace bondsim::tools {

/// A search over a design space whose judge is the caller: it asks for candidates and tells what they are worth. The search itself, as the
/// space's file describes it, runs in a thread of its own, and waits for what it is told. Deterministic: the same answers give the same
/// questions.
class AskTellSearch {
 public:
  explicit AskTellSearch(search::DesignSpace space);
  /// Ends the search where it is.
  ~AskTellSearch();
  AskTellSearch(const AskTellSearch&) = delete;
  AskTellSearch& operator=(const AskTellSearch&) = delete;

  const search::DesignSpace& space() const { return space_; }
  /// Candidates that are to be told, each once, as DesignSpace::text() writes them; waits for the search to say. Empty: it has ended.
  /// @throws ConfigError for a space that cannot be searched
  std::vector<std::string> ask();
  /// @throws ConfigError for a candidate that was not asked for or told already, and for a missing or non-finite objective
  void tell(const std::string& candidate, const search::Evaluation& evaluation);
  /// The feasible candidates told so far that no other beats.
  std::vector<search::FrontMember> front() const;
  /// Of one tier, all that was told, by candidate.
  std::map<std::string, search::Evaluation> told() const;

 private:
  class Pool;
  void search();

  search::DesignSpace space_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> open_;  ///< asked and not told, in the order of the search
  std::map<std::string, search::Evaluation> told_;
  bool ended_ = false, stop_ = false;
  std::exception_ptr failure_;
  std::thread thread_;  ///< last: it uses all of the above
};

}  // namespace bondsim::tools
