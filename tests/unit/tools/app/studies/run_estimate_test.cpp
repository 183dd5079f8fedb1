#include "tools/app/studies/run_estimate.hpp"

#include <gtest/gtest.h>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "tests/support/experiment_setup.hpp"
#include "tools/app/studies/forecast.hpp"

namespace bondsim::tools {
namespace {

Experiment with_tokens(std::int64_t generated) {
  return shipped_experiment("h2llm-llama3-8b-sharegpt",
                            {"model.hidden=512", "model.intermediate=1024", "model.vocab=2048", "model.query_heads=4", "model.kv_heads=1",
                             "workload.prompt_tokens=8", "workload.generated_tokens=" + std::to_string(generated)});
}

TEST(RunEstimate, of_many_steps_takes_a_sample_and_gives_the_time_of_each) {
  const Experiment few = with_tokens(most_estimated_steps), many = with_tokens(most_estimated_steps + 1);
  const auto form = cost::make_cost_model("detailed", &few.system);
  StepSampling of_few, of_many;
  const Results all = estimate_run(few, *form, &of_few), sampled = estimate_run(many, *form, &of_many);
  EXPECT_EQ(of_few.evaluated, most_estimated_steps);
  EXPECT_EQ(sampling_text(of_few), "");
  EXPECT_EQ(of_many.evaluated, sampled_estimate_steps);
  EXPECT_LT(of_many.change_with_half, 0.001);
  ASSERT_EQ(sampled.steps.size(), all.steps.size() + 1);
  Picoseconds sum;
  for (std::size_t i = 0; i < all.steps.size(); ++i) {
    sum += sampled.steps[i];
    // Refreshes make neighbours differ by a tenth.
    ASSERT_NEAR(to_seconds(sampled.steps[i]), to_seconds(all.steps[i]), 0.12 * to_seconds(all.steps[i])) << "step " << i + 1;
  }
  EXPECT_NEAR(to_seconds(sum), to_seconds(all.decode()), 0.001 * to_seconds(all.decode()));
  EXPECT_NEAR(to_joules(sampled.energy_total), to_joules(all.energy_total), 0.002 * to_joules(all.energy_total));
  EXPECT_NEAR(to_seconds(sampled.decode()), to_seconds(sum + sampled.steps.back()), 0.0005 * to_seconds(sum));
}

TEST(Forecast, endless_work_is_refused_and_short_work_is_not_asked_about) {
  EXPECT_TRUE(surely_short(with_tokens(200)));
  EXPECT_NO_THROW(require_ends(with_tokens(200), 0));
  const Experiment experiment = with_tokens(1500);
  EXPECT_FALSE(surely_short(experiment));
  const auto form = cost::make_cost_model("detailed", &experiment.system);
  const double all_s = to_seconds(estimate_run(experiment, *form).total) / experiment.model.layers;
  const RunForecast forecast = forecast_run(experiment);
  EXPECT_GT(forecast.simulated_s, all_s) << "embedding and head are no layers";
  EXPECT_LT(forecast.simulated_s, 3 * all_s);
  EXPECT_NO_THROW(require_ends(experiment, forecast.wall_s * 1.01));
  try {
    require_ends(experiment, forecast.wall_s * 0.99);
    FAIL();
  } catch (const InfeasibleError& e) {
    EXPECT_NE(std::string(e.what()).find("allowed without --yes-long"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace bondsim::tools
