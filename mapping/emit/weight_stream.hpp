#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

#include "mapping/llm/graph.hpp"
#include "mapping/tiling/split.hpp"

namespace bondsim {

/// Columns of an operator's weights whose bytes are a chunk of the stream.
struct WeightPiece {
  OperatorId op = 0;
  Range columns;
  std::int64_t bytes = 0;
};

/// Which weights of a block of prefill may be on their way: pieces in the order in which the arrays need them, as many ahead as have room.
/// A channel takes its transfers in their order, so a piece that comes too early holds up what other tasks wait for: pieces are fetched
/// ahead by as much as the bus can move while arrays and vector units work, and two always.
class WeightStream {
 public:
  /// @param room bytes of the scratchpad
  WeightStream(std::vector<WeightPiece> pieces, std::int64_t room, double bytes_a_second);

  const WeightPiece& piece(std::size_t i) const { return pieces_[i]; }
  std::size_t pieces() const { return pieces_.size(); }

  /// Pieces [first, last) are to be fetched now.
  struct Fetch {
    std::size_t first = 0, last = 0;
  };
  /// The next piece is needed.
  Fetch need();
  /// The bus has `seconds` beside other work.
  Fetch beside(double seconds);

  /// Number of the piece whose computation frees the room for piece `i`; -1: it has room from the start.
  std::int64_t frees(std::size_t i) const;

  /// The next piece is computed by the task whose number is kept.
  void computed(std::int32_t task) { tasks_.push_back(task); }
  std::int32_t task(std::size_t i) const { return tasks_[i]; }
  std::size_t next() const { return tasks_.size(); }

 private:
  bool has_room(std::size_t i) const;

  std::vector<WeightPiece> pieces_;
  std::vector<std::int64_t> before_;  ///< bytes of the pieces before
  std::int64_t room_;
  double bytes_a_second_;
  double credit_ = 0;                ///< bytes the bus can move beside work that has tasks already
  std::size_t fetched_ = 0;          ///< pieces
  std::vector<std::int32_t> tasks_;  ///< by piece: the npu_gemm
};

}  // namespace bondsim
