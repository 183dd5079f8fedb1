#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "tests/support/experiment_setup.hpp"
#include "tests/support/text_lines.hpp"
#include "tools/app/thermal/heat_study.hpp"

namespace bondsim::tools {
namespace {

/// Two cool steps of 10 s, then a policy's first level, and from 50 s on its second.
HeatCourse throttled() {
  HeatCourse course;
  course.ambient_c = 30;
  course.policy = "duty";
  const double tokens[] = {90, 110, 70, 60, 40, 20};
  for (int i = 0; i < 6; ++i) {
    HeatMoment m;
    m.time_s = 10 * (i + 1);
    m.bank_c = 80 + i;
    m.pe_c = 81 + i;
    m.npu_c = 60 + i;
    m.level = i < 2 ? 0 : i < 4 ? 1 : 2;
    m.tokens_per_s = tokens[i];
    course.moments.push_back(m);
  }
  return course;
}

HeatPoint point_at(double ambient_c, const std::string& policy) {
  HeatPoint p;
  p.ambient_c = ambient_c;
  p.policy = policy;
  p.state.refresh = {0, 1, 2, 0};
  p.iterations = 3;
  p.settled = true;
  p.map.bank_c = 85.25;
  p.map.pe_c = 86.5;
  p.map.npu_c = 71.125;
  p.power_w = 12.3456;
  p.leakage_w = 1.5;
  p.prefill_s = 0.5;
  p.token_s = 0.004;
  p.tokens_per_s = 480.5;
  return p;
}

TEST(HeatCourse, a_burst_ends_with_the_first_change_and_the_last_third_is_sustained) {
  HeatCourse course = throttled();
  EXPECT_DOUBLE_EQ(course.burst_tokens_per_s(), 100);
  EXPECT_DOUBLE_EQ(course.burst_s(), 20);
  EXPECT_DOUBLE_EQ(course.sustained_tokens_per_s(), 30);
  course.moments[1].faster_refresh = 1;
  EXPECT_DOUBLE_EQ(course.burst_tokens_per_s(), 90) << "faster refresh is a change too";
  EXPECT_DOUBLE_EQ(course.burst_s(), 10);
  course.moments[0].level = 1;
  EXPECT_DOUBLE_EQ(course.burst_tokens_per_s(), 90) << "the first step where there is no burst";
  EXPECT_DOUBLE_EQ(course.burst_s(), 0);
  for (HeatMoment& m : course.moments) {
    m.level = 0;
    m.faster_refresh = 0;
  }
  EXPECT_DOUBLE_EQ(course.burst_tokens_per_s(), 65) << "all of it where nothing changes";
  EXPECT_DOUBLE_EQ(course.burst_s(), 60);
}

TEST(HeatOutput, what_is_printed_are_the_points_in_units_of_the_heads_and_the_courses) {
  HeatStudy study;
  study.simulations = 5;
  study.points = {point_at(25, ""), point_at(45.5, "duty"), point_at(60, "")};
  study.points[1].state.level = 2;
  study.points[1].settled = false;
  study.points[1].iterations = 1;
  study.points[1].map.pe_c = -std::numeric_limits<double>::infinity();
  study.points[2].runaway = true;
  study.courses = {throttled()};
  study.runs = {throttled()};
  const Experiment experiment = shipped_experiment("h2llm-llama3-8b-sharegpt");
  const Stack stack = load_stack(testing::config_path("stack/edge-passive"));
  const std::vector<std::string> lines = test::lines_of(heat_text(experiment, stack, study));
  ASSERT_EQ(lines.size(), 7U);
  EXPECT_EQ(lines[0].substr(lines[0].find(';')), "; stack edge-passive, 5 simulations");
  EXPECT_EQ(lines[1], "ambient C policy level power W bank C PE C NPU C ms/token tokens/s");
  EXPECT_EQ(lines[2], "25 none 0 12.346 85.2 86.5 71.1 4.000 480.50 2 of 4 channels refresh faster, settled after 3 iterations");
  EXPECT_EQ(lines[3], "45.5 duty 2 12.346 85.2 - 71.1 4.000 480.50 2 of 4 channels refresh faster, swings after 1 iteration");
  EXPECT_EQ(lines[4], "60 none 0 12.346 85.2 86.5 71.1 4.000 480.50 leakage runs away");
  EXPECT_EQ(lines[5], "within a run at 30 C, 6 steps: the NPU between 60.00 and 65.00 C");
  EXPECT_EQ(lines[6], "from 30 C on, duty: 100.00 tokens/s for 20 s, 30.00 tokens/s sustained; hottest bank 85.0 C after 60 s");
}

TEST(HeatOutput, json_has_each_figure_under_its_own_name) {
  HeatStudy study;
  study.points = {point_at(45.5, "duty")};
  study.courses = {throttled()};
  study.courses[0].energy_in_j = 9;
  study.courses[0].energy_out_j = 7;
  study.courses[0].energy_stored_j = 2;
  const Experiment experiment = shipped_experiment("h2llm-llama3-8b-sharegpt");
  const auto heat = nlohmann::json::parse(heat_json(experiment, load_stack(testing::config_path("stack/edge-passive")), study));
  const auto& p = heat.at("points").at(0);
  EXPECT_EQ(p.at("ambient_c"), 45.5);
  EXPECT_EQ(p.at("prefill_s"), 0.5);
  EXPECT_EQ(p.at("token_s"), 0.004);
  EXPECT_EQ(p.at("tokens_per_s"), 480.5);
  EXPECT_EQ(p.at("power_w"), 12.3456);
  EXPECT_EQ(p.at("leakage_w"), 1.5);
  EXPECT_EQ(p.at("hottest"), (nlohmann::json{{"bank_c", 85.25}, {"pe_c", 86.5}, {"npu_c", 71.125}}));
  EXPECT_EQ(p.at("refresh_steps"), (nlohmann::json{0, 1, 2, 0}));
  const auto& c = heat.at("courses").at(0);
  EXPECT_EQ(c.at("burst_tokens_per_s"), 100);
  EXPECT_EQ(c.at("burst_s"), 20);
  EXPECT_EQ(c.at("sustained_tokens_per_s"), 30);
  EXPECT_EQ(c.at("energy_in_j"), 9);
  EXPECT_EQ(c.at("energy_out_j"), 7);
  EXPECT_EQ(c.at("energy_stored_j"), 2);
  EXPECT_EQ(c.at("moments").at(4).at("time_s"), 50);
  EXPECT_EQ(c.at("moments").at(4).at("npu_c"), 64);
  EXPECT_EQ(c.at("moments").at(4).at("level"), 2);
}

}  // namespace
}  // namespace bondsim::tools
