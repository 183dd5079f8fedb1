#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <vector>

#include "mapping/llm/batch.hpp"
#include "mapping/plan/plan.hpp"
#include "models/schedule/schedule.hpp"

namespace bondsim {

/// What a step does before its batch: the tables of caches follow what became of requests, and caches that are swapped move over the buses,
/// layer by layer, in pieces of whole pages through the NPU's stream buffer, a chunk of each normal channel at a time: while one is
/// written, the next one is read.
class CacheMoves {
 public:
  /// @param plan must outlive this; its tables change
  explicit CacheMoves(const Plan& plan) : plan_(plan) {}

  void begin(const BatchStep& step);
  /// @return false when nothing is left to move
  bool next(Block& block);

 private:
  using ByChannel = std::map<int, std::vector<Extent>>;
  /// Tokens that move together; offsets in the layer space.
  struct Piece {
    ByChannel from, to;
  };
  struct Move {
    LayerClass layers;  ///< a block stands for these
    int op = 0;
    std::shared_ptr<const std::vector<Piece>> pieces;
  };

  void move(const CacheChange& change);
  std::vector<Piece> pieces_of(const CacheChange& change, std::int64_t tokens) const;
  ByChannel cache(int request, std::int64_t first, std::int64_t last) const;

  const Plan& plan_;
  BatchStep step_;
  std::deque<Move> moves_;
};

}  // namespace bondsim
