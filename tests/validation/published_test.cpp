#include <gtest/gtest.h>

#include "mapping/emit/single_operator.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/scale.hpp"

/// Times of other people's simulators for machines that are shipped here, with nothing fitted: configs/dram/ and configs/system/ cite every
/// value.
namespace bondsim::test {
namespace {

double microseconds(const System& system, const GemmShape& shape) {
  return 1e-6 * static_cast<double>(std::stoll(run_isolated([&] {
           SingleOperator op;
           op.shape = shape;
           for (int c = 0; c < system.channel_count(); ++c) op.channels.push_back(c);
           const auto schedule = single_operator_schedule(system, op);
           return std::to_string(simulate(system, *schedule).operators.front().span.value);
         })));
}

/// The matrix-vector products of one block of Llama-2 at batch 1 with so many tokens in the cache, one after the other.
double block_us(System system, int channels, std::int64_t hidden, std::int64_t intermediate, std::int64_t heads, std::int64_t tokens) {
  system.set_channels(channels, 0);
  system.fidelity.refresh = false;  // CENT's runs issue none
  const GemmShape square{1, 1, hidden, hidden}, up{1, 1, intermediate, hidden}, down{1, 1, hidden, intermediate};
  const std::int64_t head_dim = hidden / heads;
  return 4 * microseconds(system, square) + 2 * microseconds(system, up) + microseconds(system, down) +
         microseconds(system, {heads, 1, tokens, head_dim}) + microseconds(system, {heads, 1, head_dim, tokens});
}

/// CENT (ASPLOS'25), simulation_results.csv: PIM latency of one block, the part of its matrix-vector products with WR_GB and RD_MAC. Theirs
/// writes inputs into the global buffer and reads sums out of registers; ours passes both through the banks.
TEST(Published, matrix_vector_products_on_gddr6_aim_take_the_time_of_cent) {
  const double us_7b = block_us(shipped_system("gddr6-aim"), 8, 4096, 11008, 32, 128);
  EXPECT_NEAR(us_7b / 187.5, 1, 0.07) << us_7b << " us, Llama2-7B on 8 channels";
  const double us_13b = block_us(shipped_system("gddr6-aim"), 16, 5120, 13824, 40, 128);
  EXPECT_NEAR(us_13b / 149.4, 1, 0.07) << us_13b << " us, Llama2-13B on 16 channels";
  RecordProperty("llama2_7b_us", std::to_string(us_7b));
  RecordProperty("llama2_13b_us", std::to_string(us_13b));
}

}  // namespace
}  // namespace bondsim::test
