#include <gtest/gtest.h>

#include "tests/support/command.hpp"
#include "tests/support/paths.hpp"
#include "tools/app/exploration/cycle_evaluator.hpp"
#include "tools/app/exploration/space_output.hpp"
#include "tools/app/thermal/heat_model.hpp"

namespace bondsim::tools {
namespace {

const std::string configs = bondsim::tests::source_dir() + "/configs/";

search::DesignSpace space_of(const std::string& workload, const std::string& parameters) {
  return search::decode_space(parse_yaml("schema: bondsim.space/1\nname: t\nsystem: " + configs +
                                             "system/h2llm.yaml\nworkloads:\n  - {model: " + configs +
                                             "model/opt-6.7b.yaml, workload: " + configs + "workload/" + workload +
                                             ".yaml}\nobjectives: [latency_s]\nparameters: " + parameters + "\n",
                                         "s.yaml"));
}

/// The closed form was told the dataflows, LM head and rounds; the cycle model runs them.
TEST(CycleEvaluator, runs_heads_and_drafts_as_the_closed_form_judges_them) {
  const search::DesignSpace space = space_of("speculation-opt-125m", "[{key: workload.speculation.depth, values: [0, 3]}]");
  search::RooflineEvaluator forms(space, "detailed");
  CycleEvaluator cycles(space);
  for (const int row : {0, 1}) {
    const auto form = forms.evaluate({row}).metrics, cycle = cycles.evaluate({row}).metrics;
    EXPECT_NEAR(form.at("decode_s"), cycle.at("decode_s"), 0.03 * cycle.at("decode_s")) << row;
    EXPECT_NEAR(form.at("prefill_s"), cycle.at("prefill_s"), 0.08 * cycle.at("prefill_s")) << row;  // GEMMs alone: no vector work
    EXPECT_NEAR(form.at("energy_j"), cycle.at("energy_j"), 0.05 * cycle.at("energy_j")) << row;
  }
}

/// Temperatures of a search come from sums by component; those of the loop from every bank and PE.
TEST(CycleEvaluator, its_junction_is_that_of_the_loop) {
  search::DesignSpace space = space_of("humaneval", "[{key: nmp.pe.fpus, values: [8]}]");
  space.objectives.push_back("max_junction_c");
  space.stack = configs + "stack/edge-passive.yaml";
  CycleEvaluator cycles(space);
  const auto metrics = cycles.evaluate({0}).metrics;
  const search::SpaceSetup setup = cycles.forms().setup({0});
  Experiment experiment;
  experiment.system = setup.system;
  experiment.model = setup.jobs->front().model;
  experiment.workload = setup.jobs->front().workload;
  experiment.dataflow = cycles.forms().dataflows(setup, 0).model.dataflow;
  const Stack stack = load_stack(space.stack);
  HeatModel model(experiment, stack, {});
  EXPECT_NEAR(metrics.at("max_junction_c"), steady_point(model, 25).map.junction_c(), 2);
}

TEST(SpaceOutput, all_judged_candidates_are_listed_with_reasons) {
  const test::ScratchDirectory scratch;
  const search::DesignSpace space = space_of("sharegpt", "[{key: nmp.pe.fpus, values: [8, 4, 2]}]");
  search::ResultStore store(scratch.file("s"), {"x", "1", 1}, false);
  store.add("nmp.pe.fpus=2", "cycle", {true, "", {{"latency_s", 3}}});
  store.add("nmp.pe.fpus=8", "cycle", {false, "too hot, \"a\"", {}});
  const CsvTable table = candidate_table(space, store, "cycle");
  ASSERT_EQ(table.rows(), 2u);
  EXPECT_EQ(table.text(0, "nmp.pe.fpus") + table.text(1, "nmp.pe.fpus"), "82");
  EXPECT_EQ(table.text(0, "feasible"), "false");
  EXPECT_EQ(table.text(0, "reason"), "too hot, \"a\"");
  EXPECT_EQ(table.number(1, "latency_s", 0, 10), 3);
}

}  // namespace
}  // namespace bondsim::tools
