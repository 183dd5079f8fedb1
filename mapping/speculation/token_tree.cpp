#include "mapping/speculation/token_tree.hpp"

#include <numeric>

namespace bondsim::speculation {

TokenTree::TokenTree(const SpeculationConfig& config) {
  std::int64_t drafts = 1;
  for (int level = 0; level < config.depth; ++level) levels_.push_back(drafts *= config.width_at(level));
}

std::int64_t TokenTree::before(int level) const { return std::accumulate(levels_.begin(), levels_.begin() + level, std::int64_t{0}); }

std::int64_t TokenTree::masked_scores() const {
  std::int64_t kept = 1;
  for (int level = 0; level < depth(); ++level) kept += drafts_at(level) * (level + 2);
  return rows() * rows() - kept;
}

}  // namespace bondsim::speculation
