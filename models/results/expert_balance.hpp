#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "models/results/results.hpp"

namespace bondsim {

/// Work of one expert in a phase, all layers together.
struct ExpertLoad {
  int expert = 0;
  std::int64_t macs = 0;  ///< rows routed to it times its weights
  Picoseconds busy;       ///< of its operators
};

/// How evenly the routing loads the experts. An expert with twice the rows has twice the MACs; its time grows less where reading its
/// weights is what takes long.
struct ExpertBalance {
  std::vector<ExpertLoad> experts;  ///< by number; those without a row are not in the results of a phase
  std::size_t busiest = 0;          ///< index of the one with the most MACs, the first of them
  double share_of_macs = 0;         ///< of the busiest one, in those of all experts
  double macs_over_mean = 0;        ///< the busiest one's MACs by the mean's
  double busy_over_mean = 0;        ///< the longest busy time by the mean's
};

/// From the operators `eN.*`. @return nothing for a model without experts
std::optional<ExpertBalance> expert_balance(const Results& results, const std::string& phase);

/// A line a phase for the terminal; empty without experts.
std::string expert_text(const Results& results);

}  // namespace bondsim
