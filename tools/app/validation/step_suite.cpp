#include <fmt/format.h>

#include <iterator>

#include "mapping/emit/mapper.hpp"
#include "tools/app/validation/validation_step.hpp"

/// Whole prefills and decode steps of shipped models.
namespace bondsim::tools {
namespace {

/// Prompts are the mean lengths of H2-LLM's data sets (ISCA'25, section 7) and 1024, which with a batch of 64 gives GEMMs of 65,536 rows.
constexpr StepSetup setups[] = {
    {"llama-3-8b", 1, 157, "fc_offloading", 128, true},
    {"llama-3-8b", 1, 783, "fc_offloading", 128, false, true},
    {"llama-3-8b", 1, 1886, "data_centric", 128, true},
    {"llama-3-8b", 4, 783, "fc_offloading", 128, false},
    {"llama-3-8b", 4, 0, "fc_offloading", 128, true, true},
    {"llama-3-8b", 16, 783, "fc_offloading", 128, false},
    {"llama-3-8b", 16, 783, "fc_offloading", 128, true},
    {"llama-3-8b", 16, 783, "attention_offloading", 1024, true},
    {"llama-3-8b", 64, 157, "fc_offloading", 128, true},
    {"llama-3-8b-w4a16", 64, 1024, "fc_offloading", 128, true},
    {"llama-3-8b", 16, 783, "fc_offloading", 32, true, true},
    {"llama-3-8b-w4a16", 1, 783, "fc_offloading", 128, true},
    {"llama-3-8b-w4a16", 16, 783, "fc_offloading", 128, true},
    {"llama-3-8b-w4a16", 16, 157, "data_centric", 128, false, true},
    {"llama-3-8b-kv8", 4, 1886, "attention_offloading", 128, true},
    {"llama-3-8b-kv8", 16, 783, "fc_offloading", 128, false},
    {"opt-6.7b", 1, 783, "fc_offloading", 128, true},
    {"opt-6.7b", 16, 783, "attention_offloading", 128, false},
    {"palm-8b", 1, 783, "fc_offloading", 128, false},
    {"palm-8b", 16, 157, "fc_offloading", 128, true},
    {"qwen3-8b", 4, 1886, "fc_offloading", 128, true},
    {"gemma-2-2b", 16, 157, "npu_only", 128, false, true},
    {"phi-2", 4, 783, "fc_offloading", 128, true},
    {"llama-3.2-1b", 64, 157, "attention_offloading", 128, true},
    {"mixtral-8x7b-w4a16", 1, 783, "fc_offloading", 128, true},
    {"mixtral-8x7b-w4a16", 4, 157, "data_centric_experts", 128, false, true},
    {"mixtral-8x7b-w4a16", 16, 783, "npu_only", 128, true},
    {"mixtral-8x7b-w4a16", 4, 783, "npu_only", 128, true},
};

Experiment experiment_of(const StepSetup& s, const std::string& system) {
  ExperimentRequest request;
  request.file = system;
  request.model = fmt::format("configs/model/{}.yaml", s.model);
  request.workload = s.prompt_tokens > 0 ? "configs/workload/sharegpt.yaml" : "configs/workload/mixed-batch.yaml";
  request.dataflow = fmt::format("configs/dataflow/{}.yaml", s.dataflow);
  request.overrides = {fmt::format("workload.batch={}", s.batch), "workload.generated_tokens=1",
                       fmt::format("system.npu.scratchpad_mib={}", s.scratchpad_mib),
                       fmt::format("system.npu.fused_attention={}", s.fused_attention)};
  if (s.prompt_tokens > 0) request.overrides.push_back(fmt::format("workload.prompt_tokens={}", s.prompt_tokens));
  return load_experiment(request);
}

}  // namespace

std::vector<StepSetup> step_setups() { return {std::begin(setups), std::end(setups)}; }

ValidationSet step_suite(const std::string& system_file, bool quick) {
  ValidationSet set;
  std::string text = "model,batch,prompt_tokens,dataflow,scratchpad_mib,fused_attention,phase\n";
  for (const StepSetup& s : setups) {
    if (quick && !s.quick) continue;
    const Experiment experiment = experiment_of(s, system_file);
    const auto system = std::make_shared<const System>(experiment.system);
    const auto schedule = [&] {
      try {
        return make_schedule(make_plan(experiment.system, experiment.model, experiment.workload, experiment.dataflow));
      } catch (const InfeasibleError& e) {
        throw InfeasibleError(fmt::format("suite steps, {} of batch {} under {}: {}", s.model, s.batch, s.dataflow, e.what()));
      }
    }();
    for_each_step(*schedule, [&](std::vector<Block> blocks) {
      const std::string tokens = s.prompt_tokens > 0 ? fmt::format("{}", s.prompt_tokens) : "mixed";
      const char* phase = blocks.front().step == 0 ? "prefill" : "decode";
      text += fmt::format("{},{},{},{},{},{},{}\n", s.model, s.batch, tokens, s.dataflow, s.scratchpad_mib, s.fused_attention, phase);
      ValidationCase c = case_of_step(system, schedule->header(), std::move(blocks));
      c.kind = phase;
      set.cases.push_back(std::move(c));
    });
  }
  set.title = fmt::format("{} whole prefills and decode steps on {}", set.cases.size(), system_file);
  set.table = CsvTable::parse(text, "suite steps");
  return set;
}

}  // namespace bondsim::tools
