#include "mapping/emit/weight_stream.hpp"

#include <gtest/gtest.h>

#include <set>

#include "mapping/emit/mapper.hpp"
#include "mapping/plan/plan.hpp"
#include "models/system/validate/validator.hpp"
#include "tests/support/mapping_setup.hpp"

/// Weights of prefill that come ahead, and copies of them on the normal channels.
namespace bondsim::testing {
namespace {

std::vector<WeightPiece> pieces(int count, std::int64_t bytes) {
  return std::vector<WeightPiece>(static_cast<std::size_t>(count), WeightPiece{0, {0, 1}, bytes});
}

TEST(WeightStream, without_spare_room_the_next_piece_comes_while_one_is_computed) {
  WeightStream stream(pieces(4, 100), 0, 1e9);
  EXPECT_EQ(stream.need().last, 2U);
  EXPECT_EQ(stream.frees(0), -1);
  EXPECT_EQ(stream.frees(1), -1);
  EXPECT_EQ(stream.frees(2), 0) << "the place of the first";
  EXPECT_EQ(stream.beside(1.0).last, 2U) << "no room, however long the bus is free";
  stream.computed(17);
  EXPECT_EQ(stream.need().last, 3U);
  EXPECT_EQ(stream.task(0), 17);
}

TEST(WeightStream, pieces_come_as_far_ahead_as_there_is_room_and_time_on_the_bus) {
  WeightStream stream(pieces(20, 100), 1000, 1e9);  // ten have room
  EXPECT_EQ(stream.need().last, 2U);
  const WeightStream::Fetch some = stream.beside(250e-9);  // 250 bytes: the third one begins within them
  EXPECT_EQ(some.first, 2U);
  EXPECT_EQ(some.last, 5U);
  EXPECT_EQ(stream.beside(1).last, 10U);
  EXPECT_EQ(stream.frees(9), -1);
  EXPECT_EQ(stream.frees(10), 0);
  EXPECT_EQ(stream.frees(15), 5);
  stream.computed(0);
  EXPECT_EQ(stream.beside(1).last, 11U);
}

struct Layer {
  System system = h2llm_system();
  Model model;
  Dataflow dataflow;
  Workload workload = lengths(1, 783, 0);

  Layer() : model(bondsim::testing::model("llama-3-8b")), dataflow(bondsim::testing::dataflow("fc_offloading")) {
    model.layers = 2;
    model.vocab = 2048;
  }
  Plan plan() const { return make_plan(system, model, workload, dataflow); }
  std::unique_ptr<ScheduleSource> schedule() const { return make_schedule(plan()); }
  Block block() const {
    const auto source = schedule();
    Block block;
    while (source->next(block) && block.layer < 0) block = Block{};
    return block;
  }
};

std::map<std::int32_t, std::int64_t> bytes_by_channel(const Block& block) {
  std::map<std::int32_t, std::int64_t> bytes;
  for (const Task& t : block.tasks) {
    for (const auto* extents : {&t.extents, &t.npu.stationary}) {
      for (const Extent& e : *extents) bytes[e.channel] += e.bytes();
    }
  }
  return bytes;
}

std::int64_t sum(const std::map<std::int32_t, std::int64_t>& bytes) {
  std::int64_t sum = 0;
  for (const auto& entry : bytes) sum += entry.second;
  return sum;
}

TEST(Prefetch, makes_a_sound_schedule_that_moves_the_same_bytes) {
  for (const double copies : {0.0, 0.25}) {
    Layer with, without;
    with.system.npu.prefetch = true;
    with.dataflow.prefill_copies = without.dataflow.prefill_copies = copies;
    const auto schedule = with.schedule();
    const auto fault = validate_schedule(with.system, *schedule);
    EXPECT_FALSE(fault) << fault->text();
    const auto moved = static_cast<double>(sum(bytes_by_channel(with.block())));
    const auto once = static_cast<double>(sum(bytes_by_channel(without.block())));
    EXPECT_NEAR(moved / once, 1, 2e-3) << "accesses that pieces share are read twice";
  }
}

/// Bytes of weights on their way or in the scratchpad never exceed what activations leave: hand-followed along the order of the arrays.
TEST(Prefetch, keeps_within_what_activations_leave_of_the_scratchpad) {
  Layer layer;
  layer.system.npu.prefetch = true;
  const Plan plan = layer.plan();
  const std::int64_t room = plan.prefill.front().free_bytes;
  EXPECT_GT(room, 8 << 20);
  EXPECT_LT(room, 120 << 20);
  const Block block = layer.block();
  std::map<std::int32_t, std::int32_t> reader;  // load of weights: the GEMM that reads them
  std::vector<std::int32_t> gemms;
  for (std::int32_t i = 0; i < static_cast<std::int32_t>(block.tasks.size()); ++i) {
    const Task& t = block.tasks[static_cast<std::size_t>(i)];
    if (t.kind != TaskKind::npu_gemm || t.npu.shape.k == 128 || t.npu.shape.n == 128) continue;  // of attention
    for (const std::int32_t d : t.dependencies) {
      if (block.tasks[static_cast<std::size_t>(d)].kind == TaskKind::host_load && block.tasks[static_cast<std::size_t>(d)].op == t.op)
        reader[d] = i;
    }
    gemms.push_back(i);
  }
  ASSERT_GT(gemms.size(), 50U);
  // When GEMM g has ended, loads may be there that wait for GEMMs up to g and are read by later ones.
  std::int64_t most = 0;
  for (const std::int32_t g : gemms) {
    std::int64_t there = 0;
    for (const auto& [load, read_by] : reader) {
      const Task& t = block.tasks[static_cast<std::size_t>(load)];
      const bool may_have_come = t.dependencies.empty() || t.dependencies.back() <= g;
      if (!may_have_come || read_by <= g) continue;
      for (const Extent& e : t.extents) there += e.bytes();
    }
    most = std::max(most, there);
  }
  EXPECT_LE(most, room);
  EXPECT_GT(most, room / 2) << "and uses it";
}

TEST(PrefillCopies, even_out_what_channels_move) {
  Layer layer;
  layer.dataflow.prefill_copies = 0.25;
  const auto bytes = bytes_by_channel(layer.block());
  ASSERT_EQ(bytes.size(), 8U);
  for (const auto& entry : bytes) EXPECT_NEAR(static_cast<double>(entry.second) / static_cast<double>(sum(bytes)), 0.125, 0.004);
}

TEST(PrefillCopies, take_their_share_of_the_normal_channels_memory) {
  Layer plain, copied;
  copied.dataflow.prefill_copies = 0.25;
  const Plan before = plain.plan(), after = copied.plan();
  const std::int64_t weights =
      std::int64_t{2} * (2 * 4096 * 4096 + 2 * 1024 * 4096 + 3 * 14336 * 4096) * 2 + 2048 * 4096 * 2;  // two layers, head
  for (const int c : {6, 7}) {
    const std::int64_t more =
        (after.memory.held_per_bank(c, Holding::weights) - before.memory.held_per_bank(c, Holding::weights)) * after.memory.banks();
    EXPECT_NEAR(static_cast<double>(more), 0.25 * static_cast<double>(weights) / 2, 0.01 * static_cast<double>(weights));
  }
  for (const int c : {0, 5}) EXPECT_EQ(after.memory.bytes_per_bank(c), before.memory.bytes_per_bank(c));
}

TEST(PrefillCopies, do_not_fit_where_memory_is_short_and_need_a_normal_channel) {
  Layer layer;
  layer.dataflow.prefill_copies = 1;
  layer.model.layers = 32;
  layer.system.dram.organization.rows /= 4;
  EXPECT_THROW(layer.plan(), CapacityError);
  layer.system.set_channels(8, 0);
  EXPECT_THROW(layer.plan(), ConfigError);
}

TEST(PrefillCopies, are_read_back_from_the_file_they_are_written_to) {
  Dataflow d = dataflow("fc_offloading");
  d.prefill_copies = 0.25;
  d.prefill_head = PrefillHead::as_decode;
  const Dataflow again = decode_dataflow(parse_yaml(to_file(d), "again.yaml"));
  EXPECT_EQ(again.prefill_copies, 0.25);
  EXPECT_EQ(again.prefill_head, PrefillHead::as_decode);
}

TEST(PrefillHead, as_decode_runs_on_the_pes_that_hold_it) {
  Layer layer;
  layer.dataflow.prefill_head = PrefillHead::as_decode;
  const auto schedule = layer.schedule();
  EXPECT_FALSE(validate_schedule(layer.system, *layer.schedule()));
  std::set<TaskKind> kinds;
  for (Block block; schedule->next(block); block = Block{}) {
    for (const Task& t : block.tasks) {
      if (t.op >= 0 && schedule->header().operators[static_cast<std::size_t>(t.op)].name == "lm_head") kinds.insert(t.kind);
    }
  }
  EXPECT_EQ(kinds.count(TaskKind::nmp_gemm), 1U);
  EXPECT_EQ(kinds.count(TaskKind::npu_gemm), 0U);
}

}  // namespace
}  // namespace bondsim::testing
