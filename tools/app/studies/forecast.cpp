#include "tools/app/studies/forecast.hpp"

#include <fmt/format.h>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/emit/mapper.hpp"
#include "models/base/error.hpp"
#include "tools/app/studies/plan_experiment.hpp"

namespace bondsim::tools {
namespace {

/// First, middle and last.
constexpr std::int64_t forecast_steps = 3;

std::string duration_text(double seconds) {
  if (seconds < 120) return fmt::format("{:.0f} s", seconds);
  if (seconds < 7200) return fmt::format("{:.0f} min", seconds / 60);
  return seconds < 172800 ? fmt::format("{:.1f} h", seconds / 3600) : fmt::format("{:.0f} days", seconds / 86400);
}

}  // namespace

RunForecast forecast_run(const Experiment& experiment) {
  const auto form = cost::make_cost_model("detailed", &experiment.system);
  ScheduleScope scope;
  scope.decode_samples = forecast_steps;
  const auto schedule = make_schedule(plan_experiment(without_drafts(experiment)), scope);
  RunForecast forecast;
  for (Block block; schedule->next(block); block = Block{}) {
    forecast.simulated_s += form->block_seconds(block, experiment.system) * static_cast<double>(block.steps);
  }
  forecast.wall_s = forecast.simulated_s * experiment.system.channel_count() * wall_s_per_channel_s;
  return forecast;
}

bool surely_short(const Experiment& experiment) {
  const Workload& w = experiment.workload;
  const std::int64_t layers = w.layers == LayerMode::all ? experiment.model.layers : 1;
  std::int64_t prompts = 0;
  for (int i = 0; i < w.batch; ++i) prompts += w.prompt_of(i);
  return w.generated_tokens * layers <= 1000 && prompts * layers <= 32768;
}

void require_ends(const Experiment& experiment, double longest_s) {
  if (surely_short(experiment)) return;
  const RunForecast f = forecast_run(experiment);
  if (f.wall_s <= longest_s) return;
  throw InfeasibleError(
      fmt::format("would take about {} on one core for {:.1f} s of simulated time, allowed without --yes-long: {}; bondsim estimate gives "
                  "its figures by the closed form, fewer workload.generated_tokens or workload.layers=one make it shorter",
                  duration_text(f.wall_s), f.simulated_s, duration_text(longest_s)));
}

}  // namespace bondsim::tools
