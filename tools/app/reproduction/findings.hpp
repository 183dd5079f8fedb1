#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tools/app/reproduction/cell_judge.hpp"

namespace bondsim::tools {

/// All that was found, by tier (analytical, cycle). Cells are shared ones (Inputs::shared).
struct Findings {
  std::map<std::string, std::map<Cell, CellResult>> cells;
  std::map<std::pair<std::string, std::int64_t>, double> utilization;  ///< of in-die PEs, by system and batch
  std::size_t steps = 0;                                               ///< of the cells of the cycle tier
  std::size_t simulated = 0;                                           ///< of them: the others are equal to one of these

  /// nullptr where there is no result.
  const CellResult* find(const std::string& tier, const Cell& shared) const;
};

template <class Named>
std::size_t index_of(const std::vector<Named>& list, const std::string& name) {
  std::size_t i = 0;
  while (i < list.size() && list[i].name != name) ++i;
  return i;
}

/// Runs of a system under a variant: all models, data sets and batches of the reproduction that the part names; its empty lists are all.
std::vector<Cell> cells_of(const Reproduction& reproduction, std::size_t system, std::size_t variant, const RunSelection& part);

/// Whether a tier can judge a system.
bool judges(const ReproducedSystem& system, const std::string& tier);

}  // namespace bondsim::tools
