#include "tools/app/validation/validation_step.hpp"

#include <algorithm>
#include <utility>

namespace bondsim::tools {
namespace {

/// Blocks of a run in their order.
class BlockList : public ScheduleSource {
 public:
  BlockList(ScheduleHeader header, std::shared_ptr<const std::vector<Block>> blocks)
      : header_(std::move(header)), blocks_(std::move(blocks)) {}
  const ScheduleHeader& header() const override { return header_; }
  using ScheduleSource::next;
  bool next(Picoseconds, Block& block) override {
    if (next_ == blocks_->size()) return false;
    block = (*blocks_)[next_++];
    return true;
  }

 private:
  ScheduleHeader header_;
  std::shared_ptr<const std::vector<Block>> blocks_;
  std::size_t next_ = 0;
};

}  // namespace

bool has(const Block& block, TaskKind kind) {
  return std::any_of(block.tasks.begin(), block.tasks.end(), [kind](const Task& t) { return t.kind == kind; });
}

void for_each_step(ScheduleSource& schedule, const std::function<void(std::vector<Block>)>& take) {
  std::vector<Block> blocks;
  for (Block block; schedule.next(block);) {
    if (!blocks.empty() && block.step != blocks.front().step) take(std::exchange(blocks, {}));
    blocks.push_back(block);
  }
  if (!blocks.empty()) take(std::move(blocks));
}

ValidationCase case_of_step(std::shared_ptr<const System> system, const ScheduleHeader& header, std::vector<Block> blocks) {
  const auto shared = std::make_shared<const std::vector<Block>>(std::move(blocks));
  ValidationCase c;
  c.kind = "whole step";
  c.on_nmp = std::any_of(shared->begin(), shared->end(), [](const Block& b) { return has(b, TaskKind::nmp_gemm); });
  c.schedule = [header, shared] { return std::make_unique<BlockList>(header, shared); };
  c.predicted = [shared, system](const cost::CostModel& model) {
    // A block stands for several layers but passes once.
    double sum = 0, now = 0;
    for (const Block& block : *shared) {
      const double seconds = model.block_seconds(block, *system, now);
      now += seconds;
      sum += static_cast<double>(block.executions()) * seconds;
    }
    return sum;
  };
  c.system = std::move(system);
  return c;
}

}  // namespace bondsim::tools
