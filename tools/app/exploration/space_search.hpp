#pragma once
#include <optional>
#include <string>
#include <vector>

#include "mapping/search/device/confirmation.hpp"
#include "mapping/search/device/hardware_search.hpp"

namespace bondsim::tools {

/// A search for devices in a design space.
struct SpaceSearchRequest {
  std::string space;                ///< file
  std::string out;                  ///< directory for front.csv, dataflows/ and search.sqlite
  std::string form;                 ///< the closed form of the analytical tier
  std::string tier = "analytical";  ///< analytical, cycle, or both: the closed form screens, simulation confirms
  int jobs = 0;                     ///< worker processes; 0: one a processor
  bool resume = false;              ///< go on with the search in `out`
};

/// Hears of a search while it goes on.
class SpaceSearchListener {
 public:
  virtual ~SpaceSearchListener() = default;
  /// @param objective the first of the space
  virtual void progress(const std::string& /*tier*/, const std::string& /*objective*/, const search::SearchProgress&) {}
  virtual void tier_ended() {}
  /// A worker that died, a candidate given up.
  virtual void report(const std::string& /*text*/) {}
};

/// Front of a search, and how the tiers agree.
struct SpaceSearchResult {
  search::DesignSpace space;
  bool complete = false;        ///< false: stopped by SIGINT or SIGTERM; `out` can be resumed
  std::size_t evaluations = 0;  ///< in the store
  std::string store;            ///< its file
  std::string deciding;         ///< the tier that the front is of
  std::size_t judged = 0;       ///< candidates judged by that tier
  std::vector<search::FrontMember> front;
  std::size_t screened = 0;                         ///< tier both: candidates judged by the closed form
  std::vector<search::FrontMember> screened_front;  ///< tier both
  std::vector<search::TierAgreement> agreement;     ///< tier both
  std::string files;                                ///< written, as a list
};

/// Searches with worker processes, or with those of all ranks of an MPI job, and writes what was found.
/// @return nullopt in a rank that worked for another. @throws ConfigError, IoError
std::optional<SpaceSearchResult> search_space(const SpaceSearchRequest& request, SpaceSearchListener& listener);

}  // namespace bondsim::tools
