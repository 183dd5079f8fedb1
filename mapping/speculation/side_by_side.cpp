#include "mapping/speculation/side_by_side.hpp"

#include <algorithm>
#include <set>

namespace bondsim::speculation {
namespace {

/// What decode of a plan runs on.
struct Resources {
  std::set<int> channels;
  bool arrays = false;
};

Resources resources_of(const Plan& plan) {
  Resources used;
  for (const OperatorGraph* graph : {&plan.layer, &plan.head}) {
    for (const std::string& gemm : gemm_names(*graph)) {
      const Binding& binding = plan.dataflow.binding(gemm);
      used.arrays = used.arrays || binding.executor != Executor::nmp;
      for (const int channel : binding.all_channels()) used.channels.insert(channel);
    }
  }
  return used;
}

/// Puts parts of one chain into a block, each after the end of the one before.
class Chain {
 public:
  Chain(Block& block, std::int32_t first_unit, std::int32_t units) : block_(block), first_unit_(first_unit), units_(units) {}

  void add(const Block& part) {
    for (std::int64_t i = 0; i < part.layers; ++i) add_once(part);
  }

 private:
  void add_once(const Block& part) {
    if (part.tasks.empty()) return;
    const auto first_work = static_cast<std::int32_t>(block_.work.size());
    block_.work.insert(block_.work.end(), part.work.begin(), part.work.end());
    const auto first = static_cast<std::int32_t>(block_.tasks.size());
    std::vector<bool> needed(part.tasks.size(), false);
    for (const Task& task : part.tasks) {
      for (const std::int32_t d : task.dependencies) needed[static_cast<std::size_t>(d)] = true;
      block_.tasks.push_back(moved(task, first, first_work));
    }
    ends_.clear();
    for (std::size_t i = 0; i < needed.size(); ++i) {
      if (!needed[i]) ends_.push_back(first + static_cast<std::int32_t>(i));
    }
  }

  Task moved(Task task, std::int32_t first, std::int32_t first_work) const {
    for (std::int32_t& d : task.dependencies) d += first;
    if (task.dependencies.empty()) task.dependencies = ends_;
    for (GemmPart* part : {&task.nmp.part, &task.npu.part}) {
      if (part->work >= 0) part->work += first_work;
    }
    if (task.kind == TaskKind::npu_vector) {
      task.vector.first_unit = first_unit_;
      task.vector.units = units_;
    }
    return task;
  }

  Block& block_;
  std::int32_t first_unit_, units_;
  std::vector<std::int32_t> ends_;  ///< of the part before: tasks that none of it waits for
};

}  // namespace

Block side_by_side(const System& system, StepBlocks& target, StepBlocks& draft, const BatchStep& verification,
                   const std::vector<Batch>& steps) {
  Block block;
  block.phase = Phase::decode;
  block.step = static_cast<std::int32_t>(verification.batch.step);
  block.layer = -1;
  const std::int32_t units = std::max(1, system.npu.vector_units / 2);
  Chain verify(block, 0, units), drafts(block, units, system.npu.vector_units - units);
  Block part;
  for (target.begin(verification); target.next(part);) {
    verify.add(part);
    block.yields.insert(block.yields.end(), part.yields.begin(), part.yields.end());
  }
  for (const Batch& step : steps) {
    for (draft.begin({step, 1, Picoseconds()}); draft.next(part);) drafts.add(part);
  }
  return block;
}

void require_disjoint(const Plan& target, const Plan& draft) {
  const auto fail = [&](const std::string& what) {
    throw ConfigError(fmt::format(
        "workload.speculation.schedule: parallel, but {} and {} both use {} in decode, allowed: dataflows on channels of their own, one of "
        "them on PEs throughout",
        target.model.name, draft.model.name, what));
  };
  if (target.system.npu.vector_units < 2) fail("the only vector unit");
  if (!target.dataflow.groups().empty() || !draft.dataflow.groups().empty()) fail("vector units by groups of their dataflow");
  const Resources a = resources_of(target), b = resources_of(draft);
  if (a.arrays && b.arrays) fail("the arrays");
  for (const int channel : a.channels) {
    if (b.channels.count(channel) > 0) fail(fmt::format("channel {}", channel));
  }
}

}  // namespace bondsim::speculation
