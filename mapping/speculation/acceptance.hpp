#pragma once
#include <cstdint>
#include <vector>

#include "mapping/llm/speculation.hpp"
#include "models/base/draws.hpp"

namespace bondsim::speculation {

/// Accepted drafts of a verification: of each level the place of the accepted one in its level, as far as any is.
struct Accepted {
  std::vector<std::int64_t> places;
  std::int64_t tokens() const { return static_cast<std::int64_t>(places.size()) + 1; }  ///< with that of the model itself
};

/// Draws what verifications accept. The drafts that follow an accepted one are tried in turn, each accepted with its level's chance, until
/// one is; where none is, the drafts end. A trace says how many levels are accepted; which draft of a level then is drawn evenly.
class Acceptance {
 public:
  explicit Acceptance(const SpeculationConfig& config) : config_(config) {}

  /// Of the `verification`-th of a request: the same whenever it is asked. A trace goes on from request to request in the order of asking.
  Accepted draw(int request, std::int64_t verification);
  /// Whether a draft that follows a whole accepted draft is what the model gives: as likely as one of the last level.
  bool guesses(int request, std::int64_t verification) const;

 private:
  std::int64_t taken(double chance, int width, Draws& draws) const;

  SpeculationConfig config_;
  std::size_t at_ = 0;  ///< of the trace
};

/// Mean tokens of a verification: one, and the sum over the tree's drafts of the product of the chances on the way to each. Of a chain with
/// one chance a: (1 - a^(depth + 1)) / (1 - a). Of a trace: its mean.
double expected_tokens(const SpeculationConfig& config);

}  // namespace bondsim::speculation
