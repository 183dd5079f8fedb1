#include "tools/app/reproduction/findings.hpp"

#include <algorithm>

namespace bondsim::tools {
namespace {

template <class T>
bool among(const std::vector<T>& some, const T& one) {
  return some.empty() || std::find(some.begin(), some.end(), one) != some.end();
}

}  // namespace

const CellResult* Findings::find(const std::string& tier, const Cell& shared) const {
  const auto of_tier = cells.find(tier);
  if (of_tier == cells.end()) return nullptr;
  const auto found = of_tier->second.find(shared);
  return found == of_tier->second.end() || !found->second.problem.empty() ? nullptr : &found->second;
}

std::vector<Cell> cells_of(const Reproduction& r, std::size_t system, std::size_t variant, const RunSelection& part) {
  std::vector<Cell> cells;
  for (std::size_t m = 0; m < r.models.size(); ++m) {
    for (std::size_t d = 0; d < r.datasets.size(); ++d) {
      if (!among(part.models, r.models[m].name) || !among(part.datasets, r.datasets[d].name)) continue;
      for (const std::int64_t batch : r.batches) {
        if (among(part.batches, batch)) cells.push_back({system, m, d, batch, variant});
      }
    }
  }
  return cells;
}

bool judges(const ReproducedSystem& system, const std::string& tier) { return among(system.tiers, tier); }

}  // namespace bondsim::tools
