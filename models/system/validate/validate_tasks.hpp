#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "models/schedule/schedule.hpp"
#include "models/system/system.hpp"
#include "models/system/validate/validator.hpp"

/// The validator's parts; thrown faults are caught by ScheduleValidator.
namespace bondsim::schedule_checks {

/// A block with its system, as the checks share it.
struct BlockView {
  const System& system;
  const ScheduleHeader& header;
  const Block& block;

  const Task& task(std::int32_t i) const { return block.tasks[static_cast<std::size_t>(i)]; }
  std::int32_t count() const { return static_cast<std::int32_t>(block.tasks.size()); }
  std::string operator_name(std::int32_t op) const;
  /// Whether the block has several layers or steps one after the other: outside of layers no cache grows.
  bool parts_in_turn() const {
    return block.layer < 0 &&
           std::any_of(block.tasks.begin(), block.tasks.end(), [](const Task& t) { return t.kind == TaskKind::kv_append; });
  }

  /// Throws a ScheduleFault of task `i` (-1: of the block).
  template <class... Args>
  [[noreturn]] void fail(std::int32_t i, fmt::format_string<Args...> format, Args&&... args) const {
    raise(i, fmt::format(format, std::forward<Args>(args)...));
  }
  [[noreturn]] void raise(std::int32_t i, std::string what) const;
};

/// Every dimension at least 1, and the product far from overflow.
bool plausible(const GemmShape& shape);

/// Fields of task `i` alone.
void check_task(const BlockView& view, std::int32_t i);

/// Relations between tasks: order, data, modes.
void check_order(const BlockView& view);

/// GEMM parts against the block's work.
void check_coverage(const BlockView& view);

/// For each task, which tasks end before it starts: by its dependencies, and because a channel, the systolic arrays and each vector unit
/// take one task after the other. A task knows, of each of these chains, how far it has come when the task starts; so a block takes room in
/// proportion to its tasks.
class Ancestors {
 public:
  explicit Ancestors(const Block& block);
  bool before(std::int32_t earlier, std::int32_t later) const;

 private:
  void inherit(std::size_t to, std::size_t from);
  std::int32_t& reached(std::size_t task, std::size_t chain) { return reached_[task * chains_ + chain]; }
  std::int32_t reached(std::size_t task, std::size_t chain) const { return reached_[task * chains_ + chain]; }

  std::size_t chains_ = 0;
  std::vector<std::int32_t> chain_;    ///< by task: one of its chains; -1: a barrier, which is on none
  std::vector<std::int32_t> reached_;  ///< by task and chain: tasks of the chain that have ended when the task has
};

/// Partial sums of the block's operators are added up by reduce tasks that wait for them.
void check_reductions(const BlockView& view, const Ancestors& ancestors);

/// True when every byte of `what` is in one of `by`.
bool covers(const std::vector<Extent>& by, const std::vector<Extent>& what);
bool overlap(const std::vector<Extent>& a, const std::vector<Extent>& b);

}  // namespace bondsim::schedule_checks
