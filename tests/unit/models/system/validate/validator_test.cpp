#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/models/system/validate/schedule_samples.hpp"

namespace bondsim {
namespace {

using testing::dataflow;
using testing::FusedSample;
using testing::h2llm_system;
using testing::lengths;
using testing::model;
using testing::Sample;

class EveryShippedDataflow : public ::testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(EveryShippedDataflow, maps_to_a_schedule_without_fault) {
  const auto [model_name, dataflow_name] = GetParam();
  Workload w = lengths(3, 70, 3);
  w.prompts = {70, 11, 70};  // a batch of different prompts
  const auto source = make_schedule(h2llm_system(), model(model_name), w, dataflow(dataflow_name));
  const auto fault = validate_schedule(h2llm_system(), *source);
  EXPECT_FALSE(fault) << fault->text();
}

INSTANTIATE_TEST_SUITE_P(Schedule, EveryShippedDataflow,
                         ::testing::Combine(::testing::Values("llama-3-8b", "opt-6.7b"),
                                            ::testing::Values("npu_only", "fc_offloading", "attention_offloading",
                                                              "attention_offloading_with_ffn_splitting", "compute_centric",
                                                              "data_centric")));
INSTANTIATE_TEST_SUITE_P(SchedulePalm, EveryShippedDataflow,
                         ::testing::Combine(::testing::Values("palm-8b"),
                                            ::testing::Values("fc_offloading", "attention_offloading", "data_centric_parallel")));

TEST(ScheduleValidator, the_sample_itself_is_sound) {
  for (const char* flow : {"data_centric", "fc_offloading", "npu_only"}) {
    Sample sample(flow);
    const auto fault = sample.fault();
    EXPECT_FALSE(fault) << fault->text();
  }
}

TEST(ScheduleValidator, a_cache_read_without_waiting_for_the_append_is_found) {
  Sample sample("npu_only");
  const std::int32_t i = sample.find(TaskKind::npu_gemm, "qk");
  sample.header.edges.clear();  // the bytes alone show it
  auto& waits = sample.task(i).dependencies;
  waits.erase(std::remove_if(waits.begin(), waits.end(), [&](std::int32_t d) { return sample.task(d).kind == TaskKind::kv_append; }),
              waits.end());
  const auto fault = sample.fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->task, i);
  EXPECT_NE(fault->text().find("appends to"), std::string::npos) << fault->text();
}

TEST(ScheduleValidator, partial_results_that_are_not_added_up_are_found) {
  Sample sample("fc_offloading");
  const std::int32_t i = sample.find(TaskKind::npu_vector, "f2");
  sample.task(i).vector.elements -= 1;
  auto fault = sample.fault();
  ASSERT_TRUE(fault);
  EXPECT_NE(fault->text().find("partial results are added up"), std::string::npos) << fault->text();
  sample.task(i).vector.elements += 1;
  sample.header.edges.clear();
  sample.task(i).dependencies.pop_back();
  fault = sample.fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->task, i) << fault->text();
}

TEST(ScheduleValidator, sums_that_are_added_to_are_there_and_waited_for) {
  const auto damaged = [](const std::function<void(FusedSample&, std::int32_t)>& harm, std::int32_t task_after = 0) {
    FusedSample sample;
    const std::int32_t i = sample.accumulating();
    harm(sample, i);
    const auto fault = sample.fault();
    if (!fault) return std::string();
    EXPECT_EQ(fault->task, i + task_after) << fault->text();
    return fault->text();
  };
  EXPECT_EQ(damaged([](FusedSample&, std::int32_t) {}), "");
  // The first tile of the rows, marked as if there were one before it.
  FusedSample first;
  const std::int32_t start = [&] {
    std::int32_t i = first.accumulating() - 1;
    while (first.task(i).kind != TaskKind::npu_gemm || first.task(i).op != first.task(first.accumulating()).op) --i;
    return i;
  }();
  first.task(start).npu.accumulate = true;
  auto fault = first.fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->task, start);
  EXPECT_NE(fault->text().find("adds to sums up to element 0 of K, which no task leaves"), std::string::npos) << fault->text();
  // Not added: partial sums that nobody adds up.
  FusedSample apart;
  apart.task(apart.accumulating()).npu.accumulate = false;
  fault = apart.fault();
  ASSERT_TRUE(fault);
  EXPECT_NE(fault->text().find("partial results are added up"), std::string::npos) << fault->text();
  // Its operand is neither in memory nor brought.
  const std::string nothing = damaged([](FusedSample& s, std::int32_t i) {
    auto& waits = s.task(i).dependencies;
    waits.erase(std::remove_if(waits.begin(), waits.end(), [&](std::int32_t d) { return s.task(d).kind == TaskKind::host_load; }),
                waits.end());
  });
  EXPECT_NE(nothing.find("no stationary operand, and host_loads of 0 bytes before it"), std::string::npos) << nothing;
}

TEST(ScheduleValidator, staying_in_nmp_mode_while_waiting_for_the_npu_is_found) {
  Sample sample("fc_offloading");
  // q stays for k; k then waits for something else.
  const std::int32_t k = sample.find(TaskKind::nmp_gemm, "k");
  const std::int32_t q = sample.find(TaskKind::nmp_gemm, "q");
  ASSERT_FALSE(sample.task(q).nmp.leave_mode);
  sample.task(k).dependencies.push_back(0);
  const auto fault = sample.fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->task, q) << fault->text();
}

TEST(ScheduleValidator, missing_and_repeated_blocks_are_found) {
  const auto after = [](const std::function<void(Sample&)>& harm) {
    Sample sample("npu_only");
    harm(sample);
    const auto fault = sample.fault();
    return fault ? fault->text() : std::string();
  };
  EXPECT_NE(after([](Sample& s) { s.blocks.erase(s.blocks.begin() + 1); }).find("step 0 had 0 of 32 layers"), std::string::npos);
  EXPECT_NE(after([](Sample& s) {
              s.blocks.pop_back();
              s.blocks.pop_back();
            }).find("the schedule ends after 1 steps with 0 layers of the last"),
            std::string::npos);
  EXPECT_NE(after([](Sample& s) { s.blocks.insert(s.blocks.begin() + 1, s.blocks[1]); }).find("32 layers from 0 on"), std::string::npos);
  EXPECT_NE(after([](Sample& s) { s.decode().layers = 33; }).find("33 layers from 0 on"), std::string::npos);
  EXPECT_NE(after([](Sample& s) { s.decode().steps = 2; }).find("stands for 2 steps, allowed: 1 to 1"), std::string::npos);
  EXPECT_NE(after([](Sample& s) { s.decode().phase = Phase::prefill; }).find("a block of prefill has no task of it"), std::string::npos);
  EXPECT_NE(after([](Sample& s) { s.blocks.back().step = 3; }).find("step 3 stands for 1 steps after step"), std::string::npos);
  EXPECT_NE(after([](Sample& s) { s.header.channels.pop_back(); }).find("the system has nmp.channel0"), std::string::npos);
  EXPECT_NE(after([](Sample& s) { s.header.edges.emplace_back(0, 999); }).find("edge [0, 999]"), std::string::npos);
}

/// A run sampled at 3 of 10 steps covers all of them; standing for one step more, less, or for others is found.
TEST(ScheduleValidator, a_sampled_schedule_stands_for_every_step_exactly_once) {
  const System system = h2llm_system();
  const auto source = make_schedule(make_plan(system, model("llama-3.2-1b"), lengths(1, 16, 10), dataflow("fc_offloading")), {3, false});
  const ScheduleHeader header = source->header();
  std::vector<Block> blocks;
  for (Block block; source->next(block);) blocks.push_back(block);
  const auto fault_of = [&](const std::vector<Block>& run) {
    ScheduleValidator validator(system, header);
    for (const Block& block : run) {
      if (const auto fault = validator.check(block)) return fault->text();
    }
    const auto fault = validator.check_end();
    return fault ? fault->text() : std::string();
  };
  EXPECT_EQ(fault_of(blocks), "");
  const auto of_step = [&](std::int32_t step, const std::function<void(Block&)>& change) {
    std::vector<Block> run = blocks;
    for (Block& block : run) {
      if (block.step == step) change(block);
    }
    return fault_of(run);
  };
  const std::int32_t last = blocks.back().step;
  EXPECT_NE(of_step(last, [](Block& b) { ++b.steps; }).find("the header has 10 steps"), std::string::npos);
  EXPECT_NE(of_step(last, [](Block& b) { --b.steps; }).find("the schedule ends after 9 steps"), std::string::npos);
  EXPECT_NE(of_step(last, [](Block& b) { b.step = 1; }).find("a step among those it stands for"), std::string::npos);
  std::vector<Block> uneven = blocks;
  ++uneven.back().steps;
  EXPECT_NE(fault_of(uneven).find("as the step's first block"), std::string::npos);
}

}  // namespace
}  // namespace bondsim
