#include "mapping/emit/single_operator.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

/// What is said of one product of [rows, 64] x [64, 512], cut over two channels with output buffers of 64 sums.
std::string fault_of(std::int64_t rows) {
  System system = testing::h2llm_system(2, 0);
  system.nmp.pe.output_buffer_kib = 0.25;
  SingleOperator op;
  op.channels = {0, 1};
  op.shape = {1, rows, 512, 64};
  try {
    single_operator_schedule(system, op);
  } catch (const InfeasibleError& e) {
    return e.what();
  }
  return "";
}

TEST(SingleOperator, rows_whose_sums_do_not_fit_are_said_with_bytes_and_buffer) {
  EXPECT_EQ(fault_of(64), "");
  EXPECT_EQ(fault_of(65), "operator gemm on channel 0: 65 rows of input need 260 bytes of output buffer a column, 0.25 KiB there");
}

}  // namespace
}  // namespace bondsim
