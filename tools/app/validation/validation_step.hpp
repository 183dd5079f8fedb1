#pragma once
#include <functional>
#include <memory>
#include <vector>

#include "tools/app/validation/validation.hpp"

/// One step of a run as a case.
namespace bondsim::tools {

bool has(const Block& block, TaskKind kind);

/// Calls `take` with the blocks of each step of a schedule in turn.
void for_each_step(ScheduleSource& schedule, const std::function<void(std::vector<Block>)>& take);

/// A whole step: its blocks one after the other. @param blocks of one step
ValidationCase case_of_step(std::shared_ptr<const System> system, const ScheduleHeader& header, std::vector<Block> blocks);

/// A run whose prefill and first decode step are cases of the suite `steps`.
struct StepSetup {
  const char* model;  ///< file of configs/model
  int batch;
  int prompt_tokens;     ///< of every request; 0: those of configs/workload/mixed-batch.yaml
  const char* dataflow;  ///< file of configs/dataflow
  double scratchpad_mib;
  bool fused_attention;
  bool quick = false;  ///< in quick_steps too
};
std::vector<StepSetup> step_setups();

}  // namespace bondsim::tools
