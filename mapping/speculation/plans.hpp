#pragma once
#include <optional>

#include "mapping/emit/step_blocks.hpp"
#include "mapping/plan/plan.hpp"

namespace bondsim::speculation {

/// What a draft is made with besides the workload: a model of its own, or heads, and who runs it.
struct Draft {
  Model model;
  Dataflow dataflow;
};

/// A model and what drafts for it, in one memory. Operators of the draft are named `draft.NAME`.
struct Plans {
  Plan target;
  std::optional<Plan> draft;  ///< of draft layers: the target's, with operators of its own; none: drafts take no time
  StepScope draft_scope;
  bool draft_has_cache = false;  ///< of its own, which prompts fill
  ScheduleHeader header;         ///< operators of both

  /// Pages lie in turn from here on, whatever came before.
  void lay_pages_in_turn() {
    for (Plan* plan : {&target, draft ? &*draft : nullptr}) {
      if (plan == nullptr || !plan->kv_table) continue;
      plan->kv_table = std::make_shared<KvTable>(*plan->kv_table);
      plan->kv_table->lay_in_turn();
      if (plan->kv_swap) plan->kv_swap = std::make_shared<KvSwap>(*plan->kv_swap);
    }
  }
};

/// The workload as its plan sees it: rows and places of drafts counted.
Workload target_workload(const Workload& workload);
Workload draft_workload(const Workload& workload);

/// @pre the workload has a speculation; `draft` is there when the speculation has a model
/// @throws InfeasibleError, ConfigError as make_plan does
Plans make_plans(const System& system, const Model& model, const Workload& workload, const Dataflow& dataflow,
                 const TilingOverrides& tiling, const std::optional<Draft>& draft);

/// The draft's model in a memory of its own, standing for both: to time its steps without the model that verifies.
Plans make_draft_plans(const System& system, const Workload& workload, const Draft& draft);

}  // namespace bondsim::speculation
