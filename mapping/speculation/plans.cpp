#include "mapping/speculation/plans.hpp"

#include <algorithm>

#include "mapping/speculation/rounds.hpp"
#include "mapping/speculation/side_by_side.hpp"

namespace bondsim::speculation {
namespace {

/// Adds an operator of decode. @return its number
int add_operator(ScheduleHeader& header, const std::string& name) {
  header.operators.push_back({name, Phase::decode, "npu"});
  return static_cast<int>(header.operators.size()) - 1;
}

/// Operators that move accepted tokens of a tree.
void add_copies(Plan& plan) {
  for (const char* name : {"k_copy", "v_copy"}) plan.operator_ids[{name, Phase::decode}] = add_operator(plan.header, name);
}

/// The draft's operators behind the target's.
void join(Plans& plans) {
  plans.header = plans.target.header;
  if (!plans.draft) return;
  const auto first = static_cast<int>(plans.header.operators.size());
  for (OperatorInfo op : plans.draft->header.operators) {
    op.name = "draft." + op.name;
    plans.header.operators.push_back(std::move(op));
  }
  for (const auto& [from, to] : plans.draft->header.edges) plans.header.edges.emplace_back(from + first, to + first);
  for (auto& entry : plans.draft->operator_ids) entry.second += first;
}

void require_heads(const Plan& plan, int depth) {
  int heads = 0;
  for (OperatorId v = 0; v < plan.head.size(); ++v) heads += plan.head[v].kind == OperatorKind::weight_gemm ? 1 : 0;
  if (depth > heads) {
    throw ConfigError(fmt::format("workload.speculation.depth: {} with {}, allowed: at most its {} heads", depth, plan.model.name, heads));
  }
  if (!plan.attention.empty()) {
    throw ConfigError(
        fmt::format("workload.speculation.model: {} has attention, allowed with draft heads: a graph without", plan.model.name));
  }
}

void require_no_window(const Model& model, const TokenTree& tree) {
  for (const LayerClass& c : model.classes()) {
    if (c.window == 0 || tree.is_chain()) continue;
    throw ConfigError(fmt::format("workload.speculation.width: a tree with {}, which attends to a window, allowed: a chain", model.name));
  }
}

Plan plan_of_layers(const Plan& target, int layers) {
  if (layers >= target.model.layers) {
    throw ConfigError(
        fmt::format("workload.speculation.layers: {} of {}, allowed: fewer than its {}", layers, target.model.name, target.model.layers));
  }
  return target;
}

}  // namespace

Workload target_workload(const Workload& workload) {
  Workload w = workload;
  const TokenTree tree(*w.speculation);
  w.decode_rows = tree.rows();
  w.spare_tokens = tree.drafts();
  w.apart = w.apart || (w.batch > 1 && tree.depth() > 0);  // requests leave lockstep
  return w;
}

Workload draft_workload(const Workload& workload) {
  Workload w = target_workload(workload);
  const SpeculationConfig& c = *w.speculation;
  const TokenTree tree(c);
  w.decode_rows = 1;
  w.kv_pages = w.shared_tokens = w.swap_pages = 0;  // room for every request's longest context; nothing is shared
  if (c.draft == DraftKind::heads) return w;
  w.decode_rows = 2;  // the draft that was accepted last, and what the model added
  for (int level = 0; level + 1 < tree.depth(); ++level) w.decode_rows = std::max(w.decode_rows, tree.drafts_at(level));
  if (c.schedule == DraftSchedule::parallel) w.spare_tokens += tree.depth() + 1;
  return w;
}

Plans make_plans(const System& system, const Model& model, const Workload& workload, const Dataflow& dataflow,
                 const TilingOverrides& tiling, const std::optional<Draft>& draft) {
  const SpeculationConfig& c = *workload.speculation;
  const TokenTree tree(c);
  require_no_window(model, tree);
  Plans plans{make_plan(system, model, target_workload(workload), dataflow, tiling), {}, {}, false, {}};
  if (tree.depth() > 0 && c.draft == DraftKind::layers) {
    plans.draft = plan_of_layers(plans.target, c.layers);
    plans.draft_scope.layers = c.layers;
  } else if (tree.depth() > 0 && c.draft != DraftKind::ngram) {
    const bool heads = c.draft == DraftKind::heads;
    require_no_window(draft->model, tree);
    plans.draft = make_plan(system, draft->model, draft_workload(workload), draft->dataflow, {}, {&plans.target.memory, !heads});
    plans.draft_scope.embedding = !heads;
    plans.draft_has_cache = !heads;
    if (heads) require_heads(*plans.draft, c.depth);
    if (c.schedule == DraftSchedule::parallel) require_disjoint(plans.target, *plans.draft);
  }
  if (!tree.is_chain()) {
    add_copies(plans.target);
    if (plans.draft_has_cache) add_copies(*plans.draft);
  }
  join(plans);
  return plans;
}

Plans make_draft_plans(const System& system, const Workload& workload, const Draft& draft) {
  const bool heads = workload.speculation->draft == DraftKind::heads;
  Plan plan = make_plan(system, draft.model, draft_workload(workload), draft.dataflow, {}, {nullptr, !heads});
  Plans plans{plan, std::move(plan), {}, !heads, {}};
  plans.draft_scope.embedding = !heads;
  plans.header = plans.target.header;
  return plans;
}

}  // namespace bondsim::speculation
