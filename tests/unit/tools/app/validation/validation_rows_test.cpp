#include <gtest/gtest.h>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/mapping_setup.hpp"
#include "tools/app/validation/validation.hpp"

namespace bondsim::tools {
namespace {

/// @param buffers cells of weight_buffer_kib, input_buffer_kib, output_buffer_kib, dma_chunk_kib
ValidationCase case_of(const std::string& executor, const std::string& bytes, const std::string& buffers = ",,,",
                       const char* utilization = "1") {
  const std::string row = fmt::format("{},{},2,4,512,1024,2,1,8,600,25.6,16,16,12.8,128,{},{}\n", executor, bytes, utilization, buffers);
  ValidationSet set = validation_of_rows(
      testing::h2llm_system(),
      CsvTable::parse("model,element_size_bytes,B,M,N,K,nmp_channels,normal_channels,fpu_num,freq_mhz,pe_bw_gbps,fpu_simd_width,"
                      "pe_num_per_channel,ext_bw_per_channel_gbps,npu_capacity_tmacs,utilization,weight_buffer_kib,input_buffer_kib,"
                      "output_buffer_kib,dma_chunk_kib\n" +
                          row,
                      "rows.csv"));
  EXPECT_EQ(set.title, "1 operators alone on h2llm");
  EXPECT_EQ(set.table.rows(), 1U);
  return set.cases.at(0);
}

/// Bytes of the stationary operands of a case's only block, and the channels that hold them.
std::pair<std::int64_t, std::set<std::int32_t>> weights_of(const ValidationCase& c) {
  std::pair<std::int64_t, std::set<std::int32_t>> found;
  const auto schedule = c.schedule();
  for (Block block; schedule->next(block);) {
    for (const Task& task : block.tasks) {
      const bool loads = task.kind == TaskKind::host_load && !c.on_nmp;
      for (const auto* extents : {&task.nmp.stationary, &task.npu.stationary, loads ? &task.extents : nullptr}) {
        if (extents == nullptr) continue;
        for (const Extent& e : *extents) {
          found.first += e.bytes();
          found.second.insert(e.channel);
        }
      }
    }
  }
  return found;
}

TEST(ValidationRows, weights_take_the_bytes_of_the_row_on_all_its_channels) {
  for (const auto& [cell, bytes] : std::map<std::string, double>{{"0.5", 0.5}, {"1", 1}, {"2", 2}, {"4", 4}}) {
    const auto elements = static_cast<std::int64_t>(2 * 512 * 1024 * bytes);
    EXPECT_EQ(weights_of(case_of("NMP", cell)), (std::pair{elements, std::set<std::int32_t>{0, 1}})) << cell;
    EXPECT_EQ(weights_of(case_of("NPU", cell)), (std::pair{elements, std::set<std::int32_t>{0, 1, 2}})) << cell;
  }
}

TEST(ValidationRows, name_what_stays_the_same_from_device_to_device) {
  const ValidationCase nmp = case_of("NMP", "2"), npu = case_of("NPU", "0.5");
  EXPECT_EQ(nmp.operation, "NMP 2 x [4, 1024] x [1024, 512] of 2 bytes");
  EXPECT_EQ(npu.operation, "NPU 2 x [4, 1024] x [1024, 512] of 0.5 bytes");
  EXPECT_EQ(nmp.kind, "NMP");
  EXPECT_EQ(npu.kind, "NPU");
  EXPECT_TRUE(nmp.on_nmp);
  EXPECT_FALSE(npu.on_nmp);
}

TEST(ValidationRows, columns_of_buffers_change_the_device_and_cells_left_empty_do_not) {
  const System given = *case_of("NMP", "2", "48,24,2,").system;
  EXPECT_EQ(given.nmp.pe.weight_buffer_kib, 48);
  EXPECT_EQ(given.nmp.input_buffer_kib, 24);
  EXPECT_EQ(given.nmp.pe.output_buffer_kib, 2);
  EXPECT_EQ(case_of("NPU", "2", ",,,96").system->npu.dma_chunk_kib, 96);
  const System base = testing::h2llm_system(), left = *case_of("NMP", "2").system;
  EXPECT_EQ(left.nmp.pe.weight_buffer_kib, base.nmp.pe.weight_buffer_kib);
  EXPECT_EQ(left.nmp.pe.output_buffer_kib, base.nmp.pe.output_buffer_kib);
  EXPECT_EQ(left.nmp.input_buffer_kib, base.nmp.input_buffer_kib);
  EXPECT_EQ(case_of("NPU", "2").system->npu.dma_chunk_kib, base.npu.dma_chunk_kib);
}

/// A derating that H2-LLM's roofline takes from the row is none of the simulated machine.
TEST(ValidationRows, published_forms_see_the_row_and_others_the_machine) {
  const ValidationCase whole = case_of("NMP", "2"), half = case_of("NMP", "2", ",,,", "0.5");
  const auto published = cost::make_cost_model("h2llm-roofline"), detailed = cost::make_cost_model("detailed", half.system.get());
  EXPECT_LT(whole.predicted(*published), half.predicted(*published));
  EXPECT_EQ(whole.predicted(*detailed), half.predicted(*detailed));
}

TEST(ValidationRows, a_broken_number_of_bits_is_refused_with_its_row) {
  EXPECT_EQ(test::error_of([] { case_of("NPU", "0.3"); }), "rows.csv:2: element_size_bytes: elements of 0.3 bytes, allowed: whole bits");
}

}  // namespace
}  // namespace bondsim::tools
