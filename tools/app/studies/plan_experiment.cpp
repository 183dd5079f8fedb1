#include "tools/app/studies/plan_experiment.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "mapping/emit/mapper.hpp"
#include "mapping/speculation/served_schedule.hpp"
#include "mapping/speculation/speculative_schedule.hpp"

namespace bondsim::tools {
namespace {

/// Of the experiment with another workload, drafts included.
speculation::Plans plans_of(const Experiment& e, const Workload& workload) {
  if (workload.speculation) return speculation::make_plans(e.system, e.model, workload, e.dataflow, e.tiling, e.draft);
  speculation::Plans plans{make_plan(e.system, e.model, workload, e.dataflow, e.tiling), {}, {}, false, {}};
  plans.header = plans.target.header;
  return plans;
}

Element shipped_element(const std::string& name) {
  const auto& formats = shipped_formats();
  const auto found = std::find_if(formats.begin(), formats.end(), [&](const Format& f) { return f.name == name; });
  check(found != formats.end(), "there is no format {}", name);
  return found->element();
}

/// A format of fewer bits that makes the whole batch fit, in words; empty where none does.
std::string other_formats(const Experiment& experiment) {
  struct Choice {
    const char* words;
    OperandFormat ElementBits::*operand;
    const char* format;
  };
  const Choice choices[] = {{"KV in 8 bit (model.bits.kv: int8)", &ElementBits::kv, "int8"},
                            {"weights in 8 bit (model.bits.weight: int8)", &ElementBits::weight, "int8"},
                            {"weights in 4 bit (model.bits.weight: int4_g128)", &ElementBits::weight, "int4_g128"}};
  for (const Choice& choice : choices) {
    Experiment other = experiment;
    const Element element = shipped_element(choice.format);
    if (element.bits() >= (experiment.model.bits.*choice.operand).element.bits()) continue;
    other.model.bits.*choice.operand = element;
    try {
      plans_of(other, other.workload);
      return fmt::format("; or {}", choice.words);
    } catch (const InfeasibleError&) {
    } catch (const ConfigError&) {  // nothing multiplies it
    }
  }
  return "";
}

bool fits(const Experiment& experiment, int batch) {
  Workload workload = experiment.workload;
  workload.batch = batch;
  if (!workload.prompts.empty()) workload.prompts.resize(static_cast<std::size_t>(batch));
  try {
    plans_of(experiment, workload);
    return true;
  } catch (const InfeasibleError&) {
    return false;
  }
}

}  // namespace

int largest_batch(const Experiment& experiment) {
  int fitting = 0;
  int failing = experiment.workload.batch;
  while (failing - fitting > 1) {
    const int middle = fitting + (failing - fitting) / 2;
    (fits(experiment, middle) ? fitting : failing) = middle;
  }
  return fitting;
}

speculation::Plans plans_of_experiment(const Experiment& experiment) {
  try {
    return plans_of(experiment, experiment.workload);
  } catch (const CapacityError& e) {
    const int batch = largest_batch(experiment);
    const std::string largest = batch > 0 ? fmt::format("largest batch that fits: {}", batch) : std::string("no batch fits, not even 1");
    throw CapacityError(fmt::format("{}; {}{}", e.what(), largest, other_formats(experiment)), e.memory());
  }
}

Plan plan_experiment(const Experiment& experiment) { return plans_of_experiment(experiment).target; }

std::unique_ptr<ScheduleSource> schedule_batches(speculation::Plans plans, std::unique_ptr<BatchSource> batches) {
  if (plans.target.workload.speculation) return speculation::make_schedule(std::move(plans), std::move(batches));
  return make_schedule(std::move(plans.target), std::move(batches));
}

std::unique_ptr<ScheduleSource> schedule_experiment(const Experiment& experiment) {
  speculation::Plans plans = plans_of_experiment(experiment);
  if (experiment.workload.speculation) return speculation::make_schedule(std::move(plans));
  return make_schedule(std::move(plans.target));
}

Experiment without_drafts(Experiment experiment) {
  experiment.workload.speculation.reset();
  experiment.draft.reset();
  return experiment;
}

}  // namespace bondsim::tools
