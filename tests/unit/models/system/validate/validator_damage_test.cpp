#include <gtest/gtest.h>

#include <functional>

#include "tests/unit/models/system/validate/schedule_samples.hpp"

namespace bondsim {
namespace {

using testing::Sample;

/// One way to break a schedule: what is done, to which task, and a word of the message.
struct Damage {
  const char* name;
  TaskKind kind;
  const char* op;
  std::function<void(Sample&, std::int32_t)> harm;
  const char* message;
};

const std::vector<Damage>& damages() {
  using K = TaskKind;
  const auto gemm = [](Sample& s, std::int32_t i) -> NmpGemm& { return s.task(i).nmp; };
  static const std::vector<Damage> list = {
      {"waits_for_a_later_task", K::nmp_gemm, "q", [](Sample& s, std::int32_t i) { s.task(i).dependencies.push_back(i + 1); },
       "earlier tasks"},
      {"waits_for_itself", K::host_load, "q", [](Sample& s, std::int32_t i) { s.task(i).dependencies.push_back(i); }, "no cycle"},
      {"waits_twice", K::host_load, "q", [](Sample& s, std::int32_t i) { s.task(i).dependencies.push_back(s.task(i).dependencies[0]); },
       "twice"},
      {"unknown_operator", K::npu_vector, "norm", [](Sample& s, std::int32_t i) { s.task(i).op = 999; }, "operator 999"},
      {"vector_work_on_the_arrays", K::npu_vector, "norm", [](Sample& s, std::int32_t i) { s.task(i).executor = ExecutorId::arrays(); },
       "runs on npu.arrays, allowed: npu.vector"},
      {"channel_the_system_lacks", K::host_scatter, "q", [](Sample& s, std::int32_t i) { s.task(i).executor = ExecutorId::of_channel(8); },
       "the system has 0 to 7"},
      {"gemm_on_a_normal_channel", K::nmp_gemm, "f2", [](Sample& s, std::int32_t i) { s.task(i).executor = ExecutorId::of_channel(7); },
       "no PEs"},
      {"npu_task_on_a_channel", K::npu_gemm, "q", [](Sample& s, std::int32_t i) { s.task(i).executor = ExecutorId::of_channel(0); },
       "runs on nmp.channel0, allowed: npu.arrays"},
      {"extent_of_another_channel", K::host_load, "q", [](Sample& s, std::int32_t i) { s.task(i).extents[0].channel = 5; },
       "the task runs on"},
      {"bank_out_of_range", K::host_load, "q", [](Sample& s, std::int32_t i) { s.task(i).extents[0].first_bank = 9; },
       "a channel has 0 to 15"},
      {"beyond_the_bank", K::kv_append, "k_append", [](Sample& s, std::int32_t i) { s.task(i).extents[0].bank_offset = 268435456; },
       "reach byte"},
      {"half_an_access", K::host_scatter, "o", [](Sample& s, std::int32_t i) { s.task(i).extents[0].bytes_per_bank += 16; },
       "whole accesses"},
      {"longer_than_all_banks", K::host_load, "o",
       [](Sample& s, std::int32_t i) {
         s.task(i).extents[0].longer_banks = 16;
         s.task(i).extents[0].extra_bytes = 32;
       },
       "more in 16 of 16"},
      {"nothing_to_move", K::kv_append, "v_append", [](Sample& s, std::int32_t i) { s.task(i).extents.clear(); }, "nothing to move"},
      {"gemm_of_nothing", K::nmp_gemm, "o", [gemm](Sample& s, std::int32_t i) { gemm(s, i).shape.m = 0; }, "m 0"},
      {"more_pes_than_there_are", K::nmp_gemm, "qk", [gemm](Sample& s, std::int32_t i) { gemm(s, i).pes_per_gemm = 17; },
       "a channel has 16"},
      {"parts_of_k_that_do_not_divide_its_pes", K::nmp_gemm, "o", [gemm](Sample& s, std::int32_t i) { gemm(s, i).k_parts = 3; },
       "16 PEs a GEMM cut K in 3 parts"},
      {"parts_of_k_that_its_bytes_are_not_cut_by", K::nmp_gemm, "o", [gemm](Sample& s, std::int32_t i) { gemm(s, i).k_parts = 2; },
       "of PE 0"},
      {"weight_tile_too_large", K::nmp_gemm, "o",
       [gemm](Sample& s, std::int32_t i) {
         s.system.nmp.pe.weight_buffer_kib = 0.125;  // two halves of 64 B: 32 columns of FP16
         for (Block& block : s.blocks) {
           for (Task& task : block.tasks) task.nmp.tiling.n_tile = std::min<std::int64_t>(task.nmp.tiling.n_tile, 16);
         }
         gemm(s, i).tiling.n_tile = 64;
       },
       "weight buffer holds"},
      {"tile_of_nothing", K::nmp_gemm, "o", [gemm](Sample& s, std::int32_t i) { gemm(s, i).tiling.n_tile = 0; }, "tiles of 0 columns"},
      {"accumulators_too_many", K::nmp_gemm, "f1",
       [gemm](Sample& s, std::int32_t i) {
         gemm(s, i).bits.accumulator = 64;
         gemm(s, i).tiling.n_tile = 1000;
         gemm(s, i).tiling.k_tile = 8;
       },
       "output buffer holds"},
      {"spill_without_room", K::nmp_gemm, "f1",
       [gemm](Sample& s, std::int32_t i) {
         gemm(s, i).tiling = {8, 64, LoopOrder::input_stationary};
       },
       "no room"},
      {"weights_missing", K::nmp_gemm, "f2", [gemm](Sample& s, std::int32_t i) { gemm(s, i).stationary[0].bytes_per_bank -= 32; },
       "stationary of PE"},
      {"weights_in_the_wrong_bank", K::nmp_gemm, "qk",
       [gemm](Sample& s, std::int32_t i) {
         Extent& e = gemm(s, i).stationary[0];
         e.banks -= e.groups > 1 ? e.group_banks() : 1;
         e.groups = std::max(1, e.groups - 1);
       },
       "stationary of PE"},
      {"input_too_short", K::nmp_gemm, "o",
       [gemm](Sample& s, std::int32_t i) {
         gemm(s, i).input[0].banks -= 8;
         gemm(s, i).input[0].longer_banks = 0;
       },
       "input of"},
      {"output_too_short", K::nmp_gemm, "o",
       [gemm](Sample& s, std::int32_t i) {
         gemm(s, i).output[0].bytes_per_bank = 32;
         gemm(s, i).output[0].longer_banks = 0;
         gemm(s, i).output[0].extra_bytes = 0;
       },
       "output of PE"},
      {"npu_operand_too_short", K::npu_gemm, "f1", [](Sample& s, std::int32_t i) { s.task(i).npu.stationary.pop_back(); },
       "stationary operand of"},
      {"no_chunks", K::npu_gemm, "f1", [](Sample& s, std::int32_t i) { s.task(i).npu.chunks = 0; }, "0 chunks"},
      {"vector_work_on_nothing", K::npu_vector, "softmax", [](Sample& s, std::int32_t i) { s.task(i).vector.elements = 0; }, "0 elements"},
      {"vector_units_that_do_not_exist", K::npu_vector, "softmax", [](Sample& s, std::int32_t i) { s.task(i).vector.first_unit = 8; },
       "the NPU has 8"},
      {"input_not_waited_for", K::nmp_gemm, "o",
       [](Sample& s, std::int32_t i) { s.task(s.task(i).dependencies.back()).extents[0].bank_offset += 2048; }, "not scattered"},
      {"output_never_loaded", K::nmp_gemm, "o",
       [](Sample& s, std::int32_t i) {
         for (Task& t : s.decode().tasks) {
           if (t.kind == K::host_load && t.op == s.task(i).op && t.executor == s.task(i).executor) t.extents[0].bank_offset += 2048;
         }
       },
       "not loaded"},
      {"stays_in_nmp_mode_before_a_load", K::nmp_gemm, "o", [gemm](Sample& s, std::int32_t i) { gemm(s, i).leave_mode = false; },
       "stays in NMP mode"},
      {"softmax_before_the_scores", K::npu_vector, "softmax", [](Sample& s, std::int32_t i) { s.task(i).dependencies.pop_back(); },
       "whose result it needs"},
      {"computed_twice", K::nmp_gemm, "f3", [](Sample& s, std::int32_t i) { s.task(i + 1).nmp.part = s.task(i).nmp.part; },
       "computes products that"},
      {"columns_left_out", K::npu_gemm, "o", [](Sample& s, std::int32_t i) { s.task(i).npu.shape.n -= 1; }, "products"},
      {"outside_the_operator", K::npu_gemm, "o", [](Sample& s, std::int32_t i) { s.task(i).npu.part.n += 1; }, "outside its operator"},
      {"part_of_no_work", K::npu_gemm, "o", [](Sample& s, std::int32_t i) { s.task(i).npu.part.work = -1; }, "work entry -1"},
      {"part_of_another_operator", K::npu_gemm, "o", [](Sample& s, std::int32_t i) { s.task(i).npu.part.work = 0; }, "which is"},
  };
  return list;
}

class EveryDamage : public ::testing::TestWithParam<std::size_t> {};

TEST_P(EveryDamage, is_found_at_its_task) {
  const Damage& damage = damages()[GetParam()];
  Sample sample;
  const std::int32_t i = sample.find(damage.kind, damage.op);
  damage.harm(sample, i);
  const auto fault = sample.fault();
  ASSERT_TRUE(fault) << damage.name << " was not noticed";
  EXPECT_EQ(fault->step, 1);
  EXPECT_EQ(fault->layer, 0);
  // Two gemms that overlap are reported at the second.
  const bool at_second = std::string(damage.name) == "computed_twice";
  EXPECT_EQ(fault->task, at_second ? i + 1 : i) << fault->text();
  EXPECT_NE(fault->text().find(damage.message), std::string::npos) << fault->text();
}

INSTANTIATE_TEST_SUITE_P(Schedule, EveryDamage, ::testing::Range<std::size_t>(0, damages().size()),
                         [](const auto& info) { return damages()[info.param].name; });

}  // namespace
}  // namespace bondsim
