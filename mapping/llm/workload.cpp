#include "mapping/llm/workload.hpp"

namespace bondsim {

Workload decode_workload(const ConfigNode& node) {
  auto workload = decode_document<Workload>(node, "workload", "bondsim.workload/1");
  const bool listed = !workload.prompts.empty();
  if (listed == (workload.prompt_tokens > 0)) {
    config_error(node, "workload.prompt_tokens", "give either prompt_tokens or prompts, allowed: exactly one of them");
  }
  if (listed && static_cast<int>(workload.prompts.size()) != workload.batch) {
    config_error(
        *node.find("prompts"), "workload.prompts",
        fmt::format("{} prompt lengths for a batch of {}, allowed: one for each request", workload.prompts.size(), workload.batch));
  }
  if (workload.prompt_cached && workload.generated_tokens == 0) {
    config_error(*node.find("generated_tokens"), "workload.generated_tokens",
                 "0 with prompt_cached, which leaves nothing to run, allowed: 1 or more");
  }
  if (workload.speculation) resolve_speculation(*node.find("speculation"), "workload", *workload.speculation);
  return workload;
}

void require_context_fits(const Model& model, const Workload& workload) {
  for (int r = 0; r < workload.batch; ++r) {
    if (workload.reserved_tokens(r) <= model.max_context) continue;
    throw InfeasibleError(fmt::format("request {}: {} tokens of context (prompt {} + generated {}), {} holds at most {}", r,
                                      workload.reserved_tokens(r), workload.prompt_of(r), workload.generated_tokens, model.name,
                                      model.max_context));
  }
}

}  // namespace bondsim
