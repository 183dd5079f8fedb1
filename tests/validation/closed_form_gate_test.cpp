#include <gtest/gtest.h>

#include <functional>

#include "mapping/cost/accuracy.hpp"
#include "mapping/cost/detailed/detailed.hpp"
#include "mapping/emit/single_operator.hpp"
#include "tests/support/inputs.hpp"

/// The gate that CI holds `detailed` to, against a cycle model in which one line of the datasheet is wrong.
namespace bondsim::test {
namespace {

constexpr const char* gate_of_ci = "mape=5,worst=15,tau=0.95";

struct Operator {
  Executor executor;
  GemmShape shape;
  int channels;
  cost::NmpDevice nmp;
};

cost::NmpDevice device(int channels, int fpus, double mhz, double gbps) {
  cost::NmpDevice d;
  d.channels = channels;
  d.fpus = fpus;
  d.clock_mhz = mhz;
  d.hb_bandwidth_gbps = gbps;
  return d;
}

/// Each bound once, most of them long enough to be refreshed: columns, rows, PEs, transfers of the host to the banks and from them, changes
/// of mode, the NPU's reads.
std::vector<Operator> operators() {
  return {{Executor::nmp, {1, 1, 1024, 1024}, 2, device(2, 8, 600, 25.6)},
          {Executor::nmp, {1, 1, 2048, 1024}, 2, device(2, 8, 1000, 51.2)},
          {Executor::nmp, {1, 8, 1024, 512}, 2, device(2, 1, 600, 25.6)},
          {Executor::nmp, {1, 16, 64, 2048}, 2, device(2, 8, 600, 25.6)},
          {Executor::nmp, {1, 16, 2048, 64}, 1, device(1, 8, 600, 25.6)},
          {Executor::nmp, {1, 1, 128, 128}, 1, device(1, 8, 600, 25.6)},
          {Executor::npu, {1, 1, 1024, 1024}, 8, {}}};
}

System system_of(const System& base, const Operator& o) {
  return o.executor == Executor::nmp ? cost::system_of_device(base, o.nmp) : cost::system_of_device(base, cost::NpuDevice{o.channels});
}

double simulated_seconds(const System& base, const Operator& o) {
  const System system = system_of(base, o);
  SingleOperator op;
  op.executor = o.executor;
  op.shape = o.shape;
  for (int c = 0; c < o.channels; ++c) op.channels.push_back(c);
  return std::stod(run_isolated([&] {
    const auto schedule = single_operator_schedule(system, op);
    return fmt::format("{:.17g}", to_seconds(simulate(system, *schedule).total));
  }));
}

/// Output of the gate when the cycle model runs on `machine` and the closed form knows `datasheet`.
std::vector<std::string> missed(const System& machine, const System& datasheet) {
  const cost::Detailed form(datasheet);
  std::vector<double> predictions, measurements;
  for (const Operator& o : operators()) {
    measurements.push_back(simulated_seconds(machine, o));
    predictions.push_back(o.executor == Executor::nmp ? form.nmp_seconds(o.shape, 2, o.nmp)
                                                      : form.npu_seconds(o.shape, 2, cost::NpuDevice{o.channels}));
  }
  return cost::Gate::parse(gate_of_ci).missed(cost::accuracy(predictions, measurements));
}

TEST(ClosedFormGate, is_kept_by_the_model_as_it_is) {
  const System system = shipped_system("h2llm");
  const auto misses = missed(system, system);
  EXPECT_TRUE(misses.empty()) << misses.front();
}

struct WrongLine {
  const char* name;
  std::function<void(DramTiming&)> change;
};

class WrongDatasheetLine : public ::testing::TestWithParam<WrongLine> {};

TEST_P(WrongDatasheetLine, in_the_cycle_model_alone_misses_the_gate) {
  const System datasheet = shipped_system("h2llm");
  System machine = datasheet;
  GetParam().change(machine.dram.timing);
  EXPECT_FALSE(missed(machine, datasheet).empty()) << GetParam().name;
}

INSTANTIATE_TEST_SUITE_P(
    Lpddr5, WrongDatasheetLine,
    ::testing::Values(WrongLine{"t_rcd", [](DramTiming& t) { t.n_rcd *= 2; }}, WrongLine{"t_rp", [](DramTiming& t) { t.n_rp_pb *= 2; }},
                      WrongLine{"t_rp_ignored", [](DramTiming& t) { t.n_rp_pb = 1; }},
                      WrongLine{"t_rc", [](DramTiming& t) { t.n_rc *= 3; }}, WrongLine{"t_ras", [](DramTiming& t) { t.n_ras *= 4; }},
                      WrongLine{"t_rtp", [](DramTiming& t) { t.n_rtp *= 4; }}, WrongLine{"t_wr", [](DramTiming& t) { t.n_wr *= 4; }},
                      WrongLine{"t_rfc", [](DramTiming& t) { t.t_rfc_ab_ns *= 3; }},
                      WrongLine{"t_rfc_ignored", [](DramTiming& t) { t.t_rfc_ab_ns = 1; }},
                      WrongLine{"t_refi", [](DramTiming& t) { t.t_refi_ns /= 3; }},
                      WrongLine{"t_ccd",
                                [](DramTiming& t) {
                                  t.n_ccd_s *= 2;
                                  t.n_ccd_l *= 2;
                                }},
                      WrongLine{"t_faw", [](DramTiming& t) { t.n_faw *= 8; }}, WrongLine{"t_rrd", [](DramTiming& t) { t.n_rrd *= 8; }}),
    [](const auto& test) { return test.param.name; });

}  // namespace
}  // namespace bondsim::test
