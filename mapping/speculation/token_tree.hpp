#pragma once
#include <cstdint>
#include <vector>

#include "mapping/llm/speculation.hpp"

namespace bondsim::speculation {

/// The drafts of a verification: level by level, each of a level followed by as many of the next. A chain has one a level. Drafts lie in
/// the cache in this order, behind the token that they follow.
class TokenTree {
 public:
  explicit TokenTree(const SpeculationConfig& config);

  int depth() const { return static_cast<int>(levels_.size()); }
  std::int64_t drafts_at(int level) const { return levels_[static_cast<std::size_t>(level)]; }
  std::int64_t drafts() const { return before(depth()); }
  /// Rows of a verification: the drafts, and the token that they follow.
  std::int64_t rows() const { return drafts() + 1; }
  /// Drafts of the levels before this one.
  std::int64_t before(int level) const;
  bool is_chain() const { return drafts() == depth(); }

  /// Scores of a head that a verification over `context` tokens, its own rows included, computes; and those of them that the mask zeroes:
  /// a row attends to all tokens before the verification, and of it to itself and those on its way back.
  std::int64_t scores(std::int64_t context) const { return rows() * context; }
  std::int64_t masked_scores() const;

 private:
  std::vector<std::int64_t> levels_;
};

}  // namespace bondsim::speculation
