#include "tools/app/speculation/study.hpp"

#include <gtest/gtest.h>

#include "tests/support/experiment_setup.hpp"

namespace bondsim::tools {
namespace {

/// Seconds of a round: plain decode, verification, the draft, and the draft after one that was accepted as a whole.
DepthTimes row_of(int batch, int depth, const std::array<double, 4>& seconds) {
  DepthTimes row;
  row.batch = batch;
  row.depth = depth;
  for (std::size_t part = 0; part < 4; ++part) row.times[cycles][part].seconds = seconds[part];
  return row;
}

SpeculationStudy study_of(std::vector<DepthTimes> rows) {
  SpeculationStudy study;
  study.rows = std::move(rows);
  return study;
}

/// Half of the drafts accepted give 1 + 1/2 + 1/4 tokens a round of depth 2, and a quarter of the rounds follow a whole draft.
TEST(SpeculationStudy, a_token_takes_a_round_over_its_tokens) {
  const SpeculationStudy study = study_of({row_of(1, 2, {1, 1.2, 0.4, 0.6}), row_of(1, 1, {1, 1.2, 0.2, 0.3})});
  EXPECT_DOUBLE_EQ(study.token_seconds(study.rows[0], cycles, 0.5), (1.2 + 0.4 + 0.25 * 0.2) / 1.75);
  EXPECT_DOUBLE_EQ(study.token_seconds(study.rows[1], cycles, 0.5), (1.2 + 0.2 + 0.5 * 0.1) / 1.5);
  EXPECT_DOUBLE_EQ(study.token_seconds(study.rows[0], cycles, 0), 1.6);
  EXPECT_DOUBLE_EQ(study.token_seconds(study.rows[0], cycles, 1), 1.8 / 3);
  EXPECT_DOUBLE_EQ(study.plain_seconds(study.rows[0], cycles), 1);
}

/// Of depth 1, (1 + 0.25) / (1 + a) is a second at a quarter; of depth 2 1.5 / (1 + a + a^2) is at (sqrt(3) - 1) / 2.
TEST(SpeculationStudy, breaks_even_where_a_token_takes_as_long_as_plain) {
  SpeculationStudy study = study_of({row_of(1, 2, {1, 1, 0.5, 0.5}), row_of(1, 1, {1, 1, 0.25, 0.25}), row_of(4, 1, {1, 2, 0.1, 0.1})});
  EXPECT_NEAR(study.break_even(study.rows[0], cycles), (std::sqrt(3.0) - 1) / 2, 1e-9);
  EXPECT_NEAR(study.break_even(study.rows[1], cycles), 0.25, 1e-9);
  EXPECT_NEAR(study.break_even(1, cycles), 0.25, 1e-9);
  EXPECT_EQ(study.break_even(4, cycles), 2) << "2.1 s give two tokens at most";
  study.rows[1].problem = "too large";
  EXPECT_NEAR(study.break_even(1, cycles), (std::sqrt(3.0) - 1) / 2, 1e-9);
}

TEST(SpeculationStudy, best_depth_is_the_fastest_that_runs_or_none) {
  SpeculationStudy study = study_of(
      {row_of(1, 1, {1, 1, 0.25, 0.25}), row_of(1, 2, {1, 1, 0.3, 0.3}), row_of(1, 3, {1, 1, 2, 2}), row_of(4, 1, {1, 0.1, 0, 0})});
  EXPECT_EQ(study.best_depth(1, cycles, 0), 0);
  EXPECT_EQ(study.best_depth(1, cycles, 0.5), 2);
  study.rows[1].problem = "too large";
  EXPECT_EQ(study.best_depth(1, cycles, 0.5), 1);
  EXPECT_EQ(study.find(1, 2), nullptr);
  EXPECT_EQ(study.find(4, 1), &study.rows[3]);
  EXPECT_EQ(study.find(4, 2), nullptr);
  EXPECT_EQ(study.batches(), (std::vector<int>{1, 4}));
}

/// Half of the drafts accepted: 1.5 tokens in 1.25 s, and 1.75 tokens in 1.5 s by cycles, 1.3 s by the form. Plain decode takes a second.
SpeculationStudy two_depths() {
  SpeculationStudy study = study_of({row_of(1, 1, {1, 1, 0.25, 0.25}), row_of(1, 2, {1, 1.1, 0.4, 0.4}), row_of(1, 3, {})});
  study.judges = {cycles, "form"};
  study.acceptances = {0.5};
  study.rows[2].times.clear();
  study.rows[2].problem = "too large";
  for (int i = 0; i < 2; ++i)
    study.rows[i].times["form"] = row_of(1, i + 1, {1, 1, i == 0 ? 0.25 : 0.3, i == 0 ? 0.25 : 0.3}).times[cycles];
  study.rows[0].times[cycles][1].parts = {{"column", 0.5}, {"row", 0.2}, {"refresh", 0.05}};
  study.rows[0].times[cycles][2].parts = {{"compute", 0.1}, {"row", 0.05}};
  study.rows[1].times[cycles][1].parts = {{"column", 0.6}, {"row", 0.4}, {"refresh", 0.05}};
  study.rows[1].times[cycles][2].parts = {{"compute", 0.1}, {"row", 0.05}};
  return study;
}

TEST(SpeculationTable, has_the_speed_up_of_each_depth_the_best_with_an_asterisk_and_why_a_form_has_another) {
  EXPECT_EQ(study_text(two_depths()),
            "batch 1: speed-up over plain decode by cycles\n"
            "  depth       verify        draft   a=0.5  break-even a\n"
            "      1      1.000 s   250.000 ms  1.200*  0.250\n"
            "      2      1.100 s   400.000 ms  1.167   0.366\n"
            "      3 too large\n"
            "  best depth by\n"
            "    cycles                           1   break-even acceptance 0.250\n"
            "    form                             2   break-even acceptance 0.242\n"
            "  where they differ\n"
            "    a=0.5: 2 by form, 1 by cycles. From 1 to 2 tokens grow 1.167 times; a round 1.200 times by cycles, from 1.250 s by "
            "250.000 ms, and 1.040 times by the form, from 1.250 s by 50.000 ms.\n"
            "      NMP channels by cycles: row 250.000 ms, refresh 50.000 ms besides compute and column at 1; what grows is row "
            "200.000 ms, column 100.000 ms\n");
}

TEST(SpeculationTable, file_has_a_line_a_depth_and_judge) {
  EXPECT_EQ(study_csv(two_depths()),
            "batch,depth,acceptance,judge,plain_s,verification_s,draft_s,tokens_per_verification,token_s,speed_up,break_even_acceptance,"
            "problem\n"
            "1,1,0.5,cycles,1.000000000e+00,1.000000000e+00,2.500000000e-01,1.5,8.333333333e-01,1.2,0.250000,\n"
            "1,1,0.5,form,1.000000000e+00,1.000000000e+00,2.500000000e-01,1.5,8.333333333e-01,1.2,0.250000,\n"
            "1,2,0.5,cycles,1.000000000e+00,1.100000000e+00,4.000000000e-01,1.75,8.571428571e-01,1.16666667,0.366025,\n"
            "1,2,0.5,form,1.000000000e+00,1.000000000e+00,3.000000000e-01,1.75,7.428571429e-01,1.34615385,0.241620,\n"
            "1,3,,,,,,,,,,too large\n");
}

/// Two depths have three steps each; plain decode is the same of both.
TEST(SpeculationStudy, simulates_each_step_once) {
  const Experiment experiment =
      shipped_experiment("speculation-llama3-8b-first-layers",
                         {"model.hidden=256", "model.intermediate=256", "model.query_heads=2", "model.kv_heads=1", "model.layers=2",
                          "model.vocab=512", "workload.speculation.layers=1", "workload.prompt_tokens=8", "workload.generated_tokens=4"});
  SpeculationStudyOptions options;
  options.batches = {1};
  options.depths = {1, 2};
  options.jobs = 1;
  std::vector<std::pair<std::int64_t, std::int64_t>> shown;
  options.progress = [&](std::int64_t done, std::int64_t all) { shown.emplace_back(done, all); };
  const SpeculationStudy study = study_speculation(experiment, options);
  ASSERT_EQ(shown.size(), 7U);
  for (std::size_t i = 0; i < 7; ++i) EXPECT_EQ(shown[i], (std::pair<std::int64_t, std::int64_t>(i + 1, 7)));
  EXPECT_EQ(study.context, 8 + 2);
  ASSERT_EQ(study.rows.size(), 2U);
  for (const DepthTimes& row : study.rows) {
    EXPECT_EQ(row.problem, "");
    for (const Judge& judge : study.judges) {
      for (const StepTime& step : row.times.at(judge)) EXPECT_GT(step.seconds, 0) << judge << ", depth " << row.depth;
    }
  }
  EXPECT_EQ(study.plain_seconds(study.rows[0], cycles), study.plain_seconds(study.rows[1], cycles));
  EXPECT_LT(study.rows[0].times.at(cycles)[2].seconds, study.rows[1].times.at(cycles)[2].seconds) << "a draft of two tokens takes longer";
}

}  // namespace
}  // namespace bondsim::tools
