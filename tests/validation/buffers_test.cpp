#include <gtest/gtest.h>

#include "mapping/emit/single_operator.hpp"
#include "mapping/layout/weights.hpp"
#include "models/schedule/one_block.hpp"
#include "tests/support/command.hpp"
#include "tests/support/inputs.hpp"

/// Effects of a channel's buffers on the GEMMs of Llama-3-8B's FFN at batch 16, and who chooses the tiles.
namespace bondsim::test {
namespace {

struct Shape {
  const char* name;
  std::int64_t n, k;
};
const std::vector<Shape> ffn = {{"f1 and f3", 14336, 4096}, {"f2", 4096, 14336}};

SingleOperator on_nmp(const System& s, const Shape& shape, std::int64_t batch) {
  SingleOperator op;
  for (const int c : s.nmp_channels()) op.channels.push_back(c);
  op.shape = {1, batch, shape.n, shape.k};
  return op;
}

std::int64_t latency_ps(const System& s, const SingleOperator& op) {
  return std::stoll(run_isolated([&] {
    const auto schedule = single_operator_schedule(s, op);
    return std::to_string(simulate(s, *schedule).operators.front().span.value);
  }));
}

template <class Set>
void expect_monotone(const std::vector<double>& sizes_kib, Set set) {
  for (const Shape& shape : ffn) {
    std::int64_t before = 0;
    std::string swept;
    for (const double kib : sizes_kib) {
      System s = shipped_system("h2llm");
      set(s, kib);
      const std::int64_t now = latency_ps(s, on_nmp(s, shape, 16));
      swept += fmt::format(" {} KiB {:.2f} us;", kib, static_cast<double>(now) * 1e-6);
      if (before > 0) {
        EXPECT_LE(static_cast<double>(now), static_cast<double>(before) * 1.01) << shape.name << swept;
      }
      before = now;
    }
    ::testing::Test::RecordProperty(shape.name, swept);
  }
}

// The published ranges (H2-LLM, ISCA'25, the design space of section 7).
TEST(Buffers, a_larger_input_buffer_never_slows_the_ffn_at_batch_16) {
  expect_monotone({4, 8, 16, 32, 64, 128}, [](System& s, double kib) { s.nmp.input_buffer_kib = kib; });
}
TEST(Buffers, a_larger_weight_buffer_never_slows_the_ffn_at_batch_16) {
  expect_monotone({4, 8, 16, 32, 64, 128}, [](System& s, double kib) { s.nmp.pe.weight_buffer_kib = kib; });
}
TEST(Buffers, a_larger_output_buffer_never_slows_the_ffn_at_batch_16) {
  expect_monotone({0.25, 0.5, 1, 2, 4, 8}, [](System& s, double kib) { s.nmp.pe.output_buffer_kib = kib; });
}

TilingProblem f2_of_a_channel(const System& s) { return tiling_problem(s, 0, {1, 16, 1024, 14336}, 16, {}); }

TEST(Buffers, the_gain_of_each_is_that_of_the_best_tiling_with_twice_as_much) {
  System s = shipped_system("h2llm");
  s.nmp.pe.output_buffer_kib = 0.5;
  const TilingProblem p = f2_of_a_channel(s);
  const double cost = tiling_cost_ps(s.nmp, p, *choose_tiling(s.nmp, p));
  const BufferGains gains = buffer_gains(s.nmp, p, cost);
  s.nmp.pe.output_buffer_kib = 1;
  EXPECT_DOUBLE_EQ(gains.output, 1 - tiling_cost_ps(s.nmp, p, *choose_tiling(s.nmp, p)) / cost);
  EXPECT_GT(gains.output, 0.02) << "eight columns at a time read the input eight times";
  EXPECT_EQ(gains.text().find("output buffer"), 0U) << gains.text();
  EXPECT_EQ((BufferGains{0.001, 0, 0.002}).text(), "no buffer");
}

TEST(Tiling, spilled_partial_sums_are_chosen_where_they_win_and_win_in_cycles) {
  System s = shipped_system("h2llm");
  s.set_channels(2, static_cast<int>(s.normal_channels().size()));
  // Four columns at a time, on PEs so fast that the port bounds them: the input would be read for each four.
  s.nmp.input_buffer_kib = 128;
  s.nmp.pe.fpus = 4;
  s.nmp.pe.clock_mhz = 4000;
  s.nmp.pe.output_buffer_kib = 0.25;
  const SingleOperator op = on_nmp(s, {"K cut in two", 2048, 14336}, 16);
  const TilingProblem p = tiling_problem(s, 0, {1, 16, 2048, 7168}, 16, {});
  const NmpTiling stays = *choose_tiling(s.nmp, p);
  EXPECT_EQ(stays.order, LoopOrder::output_stationary);
  const auto latency = [&](const NmpTiling* instead) {
    return std::stoll(run_isolated([&] {
      const auto schedule = single_operator_schedule(s, op);
      Block block;
      schedule->next(block);
      for (Task& t : block.tasks) {
        if (t.kind != TaskKind::nmp_gemm) continue;
        if (instead == nullptr && t.nmp.tiling.order != LoopOrder::input_stationary) return std::string("0");
        if (instead != nullptr) t.nmp.tiling = *instead;
      }
      OneBlockSchedule by_hand(schedule->header(), std::move(block));
      return std::to_string(simulate(s, by_hand).operators.front().span.value);
    }));
  };
  const std::int64_t spilled = latency(nullptr);
  ASSERT_GT(spilled, 0) << "the mapper does not spill";
  EXPECT_LT(static_cast<double>(spilled), 0.99 * static_cast<double>(latency(&stays)));
}

const std::string experiment = "configs/experiment/h2llm-llama3-8b-sharegpt.yaml";
const std::string short_run = " --set workload.prompt_tokens=8 --set workload.generated_tokens=1 --set model.vocab=2048";

TEST(Tiling, a_file_replaces_the_mappers_choice_and_the_schedule_stays_valid) {
  const ScratchDirectory scratch;
  const std::string file =
      scratch.write("t.yaml",
                    "schema: bondsim.tiling/1\noperators:\n"
                    "  - {name: f1, n_tile: 24, k_tile: 512, order: input_stationary}\n  - {name: f2, n_tile: 8, k_tile: 256}\n");
  const CommandResult map = bondsim_command("map " + experiment + short_run + " --tiling " + file + " --out " + scratch.file("s.schedule"));
  ASSERT_EQ(map.status, 0) << map.output;
  const std::string schedule = file_text(scratch.file("s.schedule"));
  EXPECT_NE(schedule.find("input_stationary"), std::string::npos);
  const CommandResult run = bondsim_command("run " + experiment + short_run + " --tiling " + file);
  EXPECT_EQ(run.status, 0) << run.output;
  EXPECT_NE(run.output, bondsim_command("run " + experiment + short_run).output);
}

TEST(Tiling, a_file_with_a_wrong_name_exits_2_and_a_tile_too_large_exits_1) {
  const ScratchDirectory scratch;
  const auto expect = [&](const std::string& entry, int status, const std::string& message) {
    const std::string file = scratch.write("t.yaml", "schema: bondsim.tiling/1\noperators:\n  - " + entry + "\n");
    const CommandResult result = bondsim_command("map " + experiment + short_run + " --set workload.batch=16 --tiling " + file);
    EXPECT_EQ(result.status, status) << result.output;
    EXPECT_NE(result.output.find(message), std::string::npos) << result.output;
  };
  expect("{name: f9, n_tile: 8, k_tile: 256}", 2, "t.yaml:3: tiling.operators.name: 'f9' is no weight GEMM of the model");
  expect("{name: f1, n_tile: 0, k_tile: 256}", 2, "allowed: 1 to");
  expect("{name: f1, n_tile: 2000, k_tile: 100000}", 1, "operator f1 on channel 0: a tile of");
  expect("{name: f1, n_tile: 8, k_tile: 256}\n  - {name: f1, n_tile: 8, k_tile: 8}", 2, "'f1' given twice");
}

}  // namespace
}  // namespace bondsim::test
