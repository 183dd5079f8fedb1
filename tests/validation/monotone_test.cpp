#include <gtest/gtest.h>

#include "tests/support/inputs.hpp"
#include "tests/support/scale.hpp"

/// More of a resource never makes a run slower by more than 1 %, over random systems and models.
namespace bondsim::test {
namespace {

constexpr std::uint64_t first_seed = 5200;
constexpr int cases = 25;

std::int64_t total_ps(const Case& c) {
  return std::stoll(simulate_isolated(c, {}, [](const Results& r) { return std::to_string(r.total.value); }));
}

template <class Change>
void expect_no_slower(Change change) {
  for (int i = 0; i < scaled(cases); ++i) {
    const std::uint64_t seed = first_seed + static_cast<std::uint64_t>(i);
    Case before = random_case(seed);
    before.workload.layers = LayerMode::all;  // a refresh that falls into the one simulated layer would be multiplied
    Case after = before;
    change(after.system);
    const auto slow = static_cast<double>(total_ps(before)), fast = static_cast<double>(total_ps(after));
    EXPECT_LE(fast, slow * 1.01) << "seed " << seed << ": " << describe(before);
  }
}

TEST(Monotone, twice_the_hb_bandwidth) {
  // Faster accesses of the same size: a wider port would also make the padding of small operands larger.
  expect_no_slower([](System& s) { s.nmp.hb.bandwidth_gbps *= 2; });
}
TEST(Monotone, twice_the_bus_bandwidth) {
  expect_no_slower([](System& s) {
    s.dram.organization.device_width_bits *= 2;
    s.dram.organization.columns /= 2;
  });
}
TEST(Monotone, twice_the_weight_buffer) {
  expect_no_slower([](System& s) { s.nmp.pe.weight_buffer_kib *= 2; });
}
TEST(Monotone, twice_the_output_buffer) {
  expect_no_slower([](System& s) { s.nmp.pe.output_buffer_kib *= 2; });
}
TEST(Monotone, twice_the_input_buffer) {
  expect_no_slower([](System& s) { s.nmp.input_buffer_kib *= 2; });
}
TEST(Monotone, twice_the_fpus) {
  expect_no_slower([](System& s) { s.nmp.pe.fpus *= 2; });
}
TEST(Monotone, twice_the_pe_clock) {
  expect_no_slower([](System& s) { s.nmp.pe.clock_mhz *= 2; });
}
TEST(Monotone, twice_the_nmp_channels) {
  expect_no_slower([](System& s) { s.set_channels(2 * s.nmp_channel_count(), static_cast<int>(s.normal_channels().size())); });
}
TEST(Monotone, twice_the_systolic_arrays) {
  expect_no_slower([](System& s) { s.npu.arrays *= 2; });
}

}  // namespace
}  // namespace bondsim::test
