#include <gtest/gtest.h>

#include "tests/support/experiment_setup.hpp"
#include "tests/support/text_lines.hpp"
#include "tools/app/dataflows/study.hpp"

namespace bondsim::tools {
namespace {

RankedDataflow ranked(const std::string& name, DataflowOrigin origin, const RunTimes& estimate) {
  RankedDataflow d;
  d.dataflow.name = name;
  d.origin = origin;
  d.estimate = estimate;
  return d;
}

/// A second is the bound: 1.25 s and 2 s by cycles, 3 s by the form alone, and one that does not run. Ten tokens of two requests.
DataflowStudy four_dataflows() {
  DataflowStudy study;
  study.bound.prefill_s = 0.2;
  study.bound.decode_s = 0.8;
  study.ranking.push_back(ranked("first", DataflowOrigin::found, {0.2, 0.8}));
  study.ranking.back().confirmed = ConfirmedRun{{0.25, 1.0}, 2.0};
  study.ranking.push_back(ranked("second", DataflowOrigin::shipped, {0.6, 1.6}));
  study.ranking.back().confirmed = ConfirmedRun{{0.5, 1.5}, 4.0};
  study.ranking.push_back(ranked("third", DataflowOrigin::given, {1, 2}));
  study.ranking.push_back(ranked("fourth", DataflowOrigin::shipped, {}));
  study.ranking.back().problem = "no room, at all";
  return study;
}

TEST(DataflowTable, has_a_step_the_prefill_the_gap_to_the_bound_joules_of_a_token_and_the_error_of_the_form) {
  const Experiment experiment =
      shipped_experiment("h2llm-llama3-8b-sharegpt", {"workload.batch=2", "workload.prompt_tokens=16", "workload.generated_tokens=10"});
  const std::vector<std::string> expected = {"DATAFLOWS of Llama-3-8B on h2llm; batch 2, 16 prompt and 10 generated tokens",
                                             "dataflow, fastest first origin ms/step prefill ms total s over bound mJ/token estimate",
                                             "first found 100.000 250.00 1.2500 25.0 % 100.00 -20.00 %",
                                             "second shipped 150.000 500.00 2.0000 100.0 % 200.00 +10.00 %",
                                             "third given 200.000 1000.00 3.0000 200.0 % estimated only",
                                             "lower bound of the machine 80.000 200.00 1.0000",
                                             "fourth: does not run: no room, at all",
                                             "detailed against these 2 simulations: 15.00 % mean error, worst -20.00 %"};
  EXPECT_EQ(test::lines_of(study_summary(four_dataflows(), experiment)), expected);
}

TEST(DataflowTable, file_has_estimates_simulations_where_there_are_any_and_the_bound) {
  EXPECT_EQ(study_csv(four_dataflows()),
            "dataflow,origin,estimated_prefill_s,estimated_decode_s,prefill_s,decode_s,total_s,energy_j,bound_prefill_s,bound_decode_s,"
            "problem\n"
            "first,found,0.2,0.8,0.25,1,1.25,2,0.2,0.8,\n"
            "second,shipped,0.6,1.6,0.5,1.5,2,4,0.2,0.8,\n"
            "third,given,1,2,,,,,0.2,0.8,\n"
            "fourth,shipped,0,0,,,,,0.2,0.8,\"no room, at all\"\n");
}

}  // namespace
}  // namespace bondsim::tools
