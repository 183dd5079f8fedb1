#include "tools/app/serving/iteration_form.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/support/serving_setup.hpp"
#include "tools/app/studies/plan_experiment.hpp"

namespace bondsim::tools {
namespace {

/// Of narrow layers, so that attention takes much of the energy.
Experiment narrow_chat() {
  return chat({"model.layers=2", "model.vocab=64", "model.hidden=256", "model.intermediate=256", "serving.batch.max_batch=4",
               "serving.kv.context_tokens=1024"});
}

Batch decode_of(const std::vector<std::int64_t>& contexts) {
  Batch batch;
  for (std::size_t i = 0; i < contexts.size(); ++i) batch.requests.push_back({static_cast<int>(i), Phase::decode, 1, contexts[i], 1});
  return batch;
}

/// What the two, alone, take less or more than the line between the grid's points is some tenths of a percent here.
TEST(IterationForm, energy_by_its_table_is_the_closed_forms_own_for_requests_of_different_context) {
  const Experiment e = narrow_chat();
  IterationForm form(e.system, plans_of_experiment(e));
  for (const auto& contexts : std::vector<std::vector<std::int64_t>>{{20, 900}, {100, 300}, {20, 1000}}) {
    const double exact = form.evaluate(decode_of(contexts)).joules;
    EXPECT_NEAR(form.cost(decode_of(contexts)).joules / exact, 1, 2e-3) << contexts[0] << " and " << contexts[1];
  }
}

/// Batches of one mean context below the grid's second point: their energies differ by what those of their requests alone do.
TEST(IterationForm, energies_of_batches_of_one_mean_context_differ_as_those_of_their_requests_alone) {
  const Experiment e = narrow_chat();
  IterationForm form(e.system, plans_of_experiment(e));
  const auto joules = [&](const std::vector<std::int64_t>& contexts) { return form.cost(decode_of(contexts)).joules; };
  const double alone = joules({1}) + joules({255}) - 2 * joules({128}), together = joules({1, 255}) - joules({128, 128});
  EXPECT_GT(std::abs(alone), 1e-3 * joules({128})) << "a tile of the context begins at 129";
  EXPECT_NEAR(together, alone, 1e-9 * joules({128}));
}

}  // namespace
}  // namespace bondsim::tools
