#include <gtest/gtest.h>

#include "mapping/emit/single_operator.hpp"
#include "mapping/layout/weights.hpp"
#include "models/schedule/validator.hpp"
#include "tests/support/command.hpp"
#include "tests/support/inputs.hpp"

/// What the input buffer of a channel does to the GEMMs of Llama-3-8B's FFN at batch 16, and who chooses the tiles.
namespace bondsim::test {
namespace {

struct Shape {
  const char* name;
  std::int64_t n, k;
};
const std::vector<Shape> ffn = {{"f1", 14336, 4096}, {"f3", 14336, 4096}, {"f2", 4096, 14336}};

SingleOperator on_nmp(const System& s, const Shape& shape, std::int64_t batch) {
  SingleOperator op;
  for (int c = 0; c < s.channels.nmp; ++c) op.channels.push_back(c);
  op.shape = {1, batch, shape.n, shape.k};
  return op;
}

std::int64_t latency_ps(const System& s, const SingleOperator& op) {
  return std::stoll(run_isolated([&] {
    const auto schedule = single_operator_schedule(s, op);
    return std::to_string(simulate(s, *schedule).operators.front().latency.value);
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

TEST(Buffers, a_larger_input_buffer_never_slows_the_ffn_at_batch_16) {
  expect_monotone({4, 8, 16, 32, 64, 128}, [](System& s, double kib) { s.nmp.input_buffer_kib = kib; });
}
TEST(Tiling, input_stationary_is_chosen_where_the_closed_form_says_it_is_cheaper) {
  TilingProblem p;
  p.m = 16;
  p.k = 14336;
  p.n = 64;
  p.banks = 16;
  System s = shipped_system("h2llm");
  s.nmp.input_buffer_kib = 64;
  s.nmp.pe.output_buffer_kib = 0.25;  // 4 columns at a time: sixteen loads of the input
  p.row_change_ps = row_change_ps(s.dram);
  const auto without = choose_tiling(s.nmp, p);
  p.may_spill = true;
  const auto with = choose_tiling(s.nmp, p);
  ASSERT_TRUE(with && without);
  EXPECT_EQ(without->order, LoopOrder::output_stationary);
  EXPECT_EQ(with->order, LoopOrder::input_stationary);
  EXPECT_LT(tiling_cost_ps(s.nmp, p, *with), tiling_cost_ps(s.nmp, p, *without));
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
