#include "tools/app/studies/step_run.hpp"

#include <gtest/gtest.h>

#include "tests/support/inputs.hpp"

namespace bondsim::tools {
namespace {

using test::Case;

constexpr std::uint64_t first_seed = 7100;
constexpr int cases = 8;

std::vector<StepSchedule> steps_of(const Case& c, std::int64_t samples = 0) {
  return step_schedules(make_plan(c.system, c.model, c.workload, c.dataflow), samples);
}

std::string key_of(const Case& c, std::size_t step) { return step_key(steps_of(c).at(step), c.system, ""); }

Case shipped(const char* dataflow) {
  Case c{test::shipped_system("h2llm"), test::shipped_model("llama-3-8b"), test::shipped_workload("humaneval"),
         test::shipped_dataflow(dataflow)};
  c.workload.prompt_tokens = 20;
  c.workload.generated_tokens = 4;
  return c;
}

/// Without refresh nothing of a step depends on when it begins but the rows that the step before has left open: in these small runs up to
/// a hundredth of the energy.
TEST(StepRun, steps_alone_sum_to_the_run_without_embedding_and_head) {
  for (std::uint64_t seed = first_seed; seed < first_seed + cases; ++seed) {
    Case c = test::random_case(seed);
    c.system.controller.refresh = RefreshKind::none;
    const std::string whole = run_isolated([&] {
      const auto schedule = make_schedule(make_plan(c.system, c.model, c.workload, c.dataflow), {0, true});
      const Results r = simulate(c.system, *schedule);
      return fmt::format("{} {:.17g}", r.total.value, to_joules(r.energy_total));
    });
    double ps = 0, joules = 0;
    for (const StepSchedule& step : steps_of(c)) {
      const StepOutcome outcome = simulate_step(step, c.system, &c.system.energy);
      EXPECT_NEAR(outcome.other_energy_j / outcome.energy_j, 1, 1e-12) << "the same energies";
      ps += static_cast<double>(outcome.time_ps * step.stands_for);
      joules += outcome.energy_j * static_cast<double>(step.stands_for);
    }
    const std::size_t space = whole.find(' ');
    EXPECT_NEAR(ps / std::stod(whole.substr(0, space)), 1, 2e-3) << "seed " << seed << ": " << describe(c);
    EXPECT_NEAR(joules / std::stod(whole.substr(space)), 1, 1e-2) << "seed " << seed << ": " << describe(c);
  }
}

TEST(StepRun, sampled_steps_stand_for_all) {
  Case c = shipped("fc_offloading");
  c.workload.generated_tokens = 7;
  const auto steps = steps_of(c, 3);
  ASSERT_EQ(steps.size(), 4u);
  EXPECT_EQ(steps[0].stands_for, 1);
  EXPECT_EQ(steps[1].stands_for + steps[2].stands_for + steps[3].stands_for, 7);
}

TEST(StepRun, key_of_a_step_without_pes_knows_nothing_of_them) {
  const Case plain = shipped("fc_offloading");
  Case other = plain;
  other.system.nmp.subarray_overlap = true;
  other.system.nmp.pe.clock_mhz *= 2;
  other.system.nmp.pe.fpus /= 2;
  EXPECT_EQ(key_of(plain, 0), key_of(other, 0)) << "the prefill runs on the NPU";
  EXPECT_NE(key_of(plain, 1), key_of(other, 1)) << "a decode step runs on the PEs";
  const StepOutcome a = simulate_step(steps_of(plain)[0], plain.system), b = simulate_step(steps_of(other)[0], other.system);
  EXPECT_EQ(a.time_ps, b.time_ps);
  EXPECT_EQ(a.energy_j, b.energy_j);
}

/// Everything that the simulation reads must be in the key: a change that moves time or energy moves it.
TEST(StepRun, key_changes_with_what_a_prefill_depends_on) {
  const Case plain = shipped("fc_offloading");
  const std::string key = key_of(plain, 0);
  const auto changed = [&](auto change) {
    Case c = plain;
    change(c);
    return key_of(c, 0);
  };
  EXPECT_NE(key, changed([](Case& c) { c.system.npu.clock_mhz = 900; }));
  EXPECT_NE(key, changed([](Case& c) { c.system.dram.timing.t_rfc_ab_ns += 10; }));
  EXPECT_NE(key, changed([](Case& c) { c.system.controller.refresh = RefreshKind::none; }));
  EXPECT_NE(key, changed([](Case& c) { c.system.fidelity.vector_ops = false; }));
  EXPECT_NE(key, changed([](Case& c) { c.workload.prompt_tokens += 1; }));
  EXPECT_NE(key, changed([](Case& c) { c.dataflow = test::shipped_dataflow("attention_offloading"); }));
  EXPECT_NE(key, step_key(steps_of(plain)[0], plain.system, "other energies"));
}

TEST(StepRun, equal_steps_of_different_runs_have_one_key) {
  Case early = shipped("fc_offloading"), late = early;
  early.workload.prompt_tokens = 20;
  early.workload.generated_tokens = 4;
  late.workload.prompt_tokens = 21;  // the same memory for the caches, one step less to the same context
  late.workload.generated_tokens = 3;
  EXPECT_EQ(key_of(early, 3), key_of(late, 2));
  EXPECT_NE(key_of(early, 3), key_of(late, 3));
}

}  // namespace
}  // namespace bondsim::tools
