#include <gtest/gtest.h>

#include "mapping/cost/detailed/detailed.hpp"
#include "mapping/emit/single_operator.hpp"
#include "models/system/energy_counts.hpp"
#include "tests/support/inputs.hpp"

/// Number formats in cycles.
namespace bondsim::test {
namespace {

Element element(Number number) {
  Element e = payload_bits(number);
  e.number = number;
  return e;
}

SingleOperator product(Number activation, Number weight, std::int64_t rows) {
  SingleOperator op;
  op.executor = Executor::nmp;
  op.shape = {1, rows, 8192, 8192};
  op.bits = {element(activation), element(weight), 16, 32};
  op.channels = {0};
  return op;
}

double seconds(const System& system, const SingleOperator& op) {
  return std::stod(run_isolated([&] {
    const auto schedule = single_operator_schedule(system, op);
    return fmt::format("{:.17g}", to_seconds(simulate(system, *schedule).operators.front().span));
  }));
}

System one_channel() {
  System s = shipped_system("h2llm-int8");
  s.set_channels(1, 0);
  s.fidelity.refresh = false;
  return s;
}

/// The PEs' roofline: MACs at 8 x 16 x 600 MHz a PE times the rate, bytes at 25.6 GB/s a port without rows.
double macs_bound(const System& s, const SingleOperator& op, double rate) {
  return static_cast<double>(op.shape.macs()) / (16.0 * s.nmp.pe.fpus * s.nmp.pe.macs_per_fpu * s.nmp.pe.clock_mhz * 1e6 * rate);
}

/// With 32 rows both rates are bound by MACs: INT8 at twice the rate takes half the time of the MACs, and all that is not MACs stays.
TEST(Formats, native_int8_at_twice_the_rate_moves_the_bound_as_the_roofline_of_the_pe_predicts) {
  const System twice = one_channel();
  System once = twice;
  for (MultiplyConfig& m : once.nmp.formats) m.rate = 1;
  const SingleOperator op = product(Number::int8, Number::int8, 32);
  const double slow = seconds(once, op), fast = seconds(twice, op);
  const double predicted = macs_bound(twice, op, 1) - macs_bound(twice, op, 2);
  EXPECT_NEAR((slow - fast) / predicted, 1, 0.02) << slow << " s and " << fast << " s";
  EXPECT_NEAR(slow / macs_bound(twice, op, 1), 1, 0.12) << "bound by the MACs";
  EXPECT_NEAR(fast / macs_bound(twice, op, 2), 1, 0.20) << "still bound by the MACs";
}

/// With 1 row the port bounds it, and a rate changes nothing.
TEST(Formats, a_rate_does_not_move_what_the_port_bounds) {
  System twice = one_channel(), once = twice;
  for (MultiplyConfig& m : once.nmp.formats) m.rate = 1;
  const SingleOperator op = product(Number::int8, Number::int8, 1);
  EXPECT_NEAR(seconds(twice, op) / seconds(once, op), 1, 0.02);
}

TEST(Formats, detailed_follows_the_rate_and_the_bytes) {
  const System system = one_channel();
  for (const auto& [a, w] : {std::make_pair(Number::int8, Number::int8), {Number::fp16, Number::int4}, {Number::int8, Number::int4}}) {
    for (const std::int64_t rows : {1, 4, 32}) {
      const SingleOperator op = product(a, w, rows);
      const cost::Detailed form(system);
      cost::NmpDevice device;
      device.channels = 1;
      device.fpus = system.nmp.pe.fpus;
      device.macs_per_fpu = system.nmp.pe.macs_per_fpu;
      device.clock_mhz = system.nmp.pe.clock_mhz;
      device.hb_bandwidth_gbps = system.nmp.hb.bandwidth_gbps;
      EXPECT_NEAR(form.nmp_operand_seconds(op.shape, op.bits, device) / seconds(system, op), 1, 0.02)
          << enum_name(a) << " x " << enum_name(w) << ", " << rows;
    }
  }
}

/// Dequantising on the vector units counts their operations, on the arrays' own stage conversions; both price them.
TEST(Formats, conversion_is_counted_where_it_is_done) {
  const System system = one_channel();
  const GemmShape shape{1, 256, 512, 512};
  const OperandBits w4{element(Number::fp16), element(Number::int4), 16, 32};
  const EnergyCounts on_vector = npu_mac_counts(shape, w4, system.npu, system.energy);
  EXPECT_EQ(on_vector.vector_ops, 512 * 512 * 2);
  EXPECT_EQ(on_vector.npu_conversions, 0);
  const EnergyCounts staged = npu_mac_counts(shape, w4, shipped_system("h2llm").npu, system.energy);
  EXPECT_EQ(staged.vector_ops, 0);
  EXPECT_EQ(staged.npu_conversions, 512 * 512);
}

}  // namespace
}  // namespace bondsim::test
