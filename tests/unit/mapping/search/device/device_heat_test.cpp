#include "mapping/search/device/device_heat.hpp"

#include <gtest/gtest.h>

#include "mapping/search/device/device_metrics.hpp"
#include "mapping/search/device/roofline_evaluator.hpp"
#include "models/thermal/stack.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/paths.hpp"

namespace bondsim::search {
namespace {

const std::string configs = bondsim::tests::source_dir() + "/configs/";

DesignSpace space_of(const std::string& objectives, const std::string& more = "") {
  return decode_space(parse_yaml("schema: bondsim.space/1\nname: t\nsystem: " + configs + "system/h2llm.yaml\nworkloads:\n  - {model: " +
                                     configs + "model/opt-6.7b.yaml, workload: " + configs + "workload/humaneval.yaml}\nobjectives: [" +
                                     objectives + "]\n" + more + "parameters:\n  - {key: nmp.pe.clock_mhz, values: [400, 600]}\n",
                                 "s.yaml"));
}

const std::string passive = "stack: " + configs + "stack/edge-passive.yaml\nambient_c: 30\n";

PowerByComponent watts(double npu_mac, double pe_mac) {
  PowerByComponent power{};
  power[static_cast<std::size_t>(EnergyComponent::npu_mac)] = npu_mac;
  power[static_cast<std::size_t>(EnergyComponent::pe_mac)] = pe_mac;
  return power;
}

TEST(DeviceHeat, rises_are_proportional_and_add_where_nothing_leaks) {
  const DesignSpace space = space_of("max_junction_c", passive);
  DeviceHeat heat(space);
  const System device = RooflineEvaluator(space, "h2llm-roofline").setup({0}).system;
  const double one = heat.junction_c(device, watts(0, 6)) - 30, two = heat.junction_c(device, watts(0, 12)) - 30;
  EXPECT_NEAR(two, 2 * one, 1e-9);
  EXPECT_GT(one, 6 * 2.5) << "no part is cooler than the cooling's 2.5 K/W make it";
  EXPECT_LT(one, 6 * 3.5);
  EXPECT_LE(heat.junction_c(device, watts(6, 6)) - 30, heat.junction_c(device, watts(6, 0)) - 30 + one + 1e-9) << "their peaks lie apart";
  EXPECT_NEAR(heat.junction_c(device, watts(0, 0)), 30, 1e-9);
}

TEST(DeviceHeat, static_power_leaks_more_where_it_is_hot_until_it_runs_away) {
  const DesignSpace space = space_of("max_junction_c", passive);
  DeviceHeat heat(space);
  const System device = RooflineEvaluator(space, "h2llm-roofline").setup({0}).system;
  PowerByComponent power = watts(10, 10);
  const double without = heat.junction_c(device, power);
  power[static_cast<std::size_t>(EnergyComponent::static_power)] = 0.5;  // 2.5 K/W at its reference temperature, more above
  EXPECT_GT(heat.junction_c(device, power), without + 2 * 0.5 * 2.5);
  System leaky = device;
  leaky.energy.npu_static.value = 30000;
  power[static_cast<std::size_t>(EnergyComponent::static_power)] = 30;
  EXPECT_EQ(heat.junction_c(leaky, power), 400);
}

/// Static power alone leaks as at its own temperature, which is near the highest. @param npu whose it is: the NPU's or, above that, the
/// PEs'
void expect_leakage_at_its_own_temperature(bool npu) {
  const DesignSpace space = space_of("max_junction_c", passive);
  DeviceHeat heat(space);
  System device = RooflineEvaluator(space, "h2llm-roofline").setup({0}).system;
  const auto rise = [&](double w) {
    device.energy.npu_static.value = npu ? 1e3 * w : 0;
    PowerByComponent power{};
    power[static_cast<std::size_t>(EnergyComponent::static_power)] = w;
    return heat.junction_c(device, power) - 30;
  };
  const Stack stack = load_stack(configs + "stack/edge-passive.yaml");
  const double k_per_w = rise(0.01) / 0.01 / stack.leakage.factor(30);
  const double w = 5, hot = rise(w), factor = hot / w / k_per_w;
  EXPECT_GT(factor, 1.2 * stack.leakage.factor(30));
  EXPECT_NEAR(factor, stack.leakage.factor(30 + hot), 0.03 * factor);
}

TEST(DeviceHeat, the_npu_leaks_by_its_own_temperature) { expect_leakage_at_its_own_temperature(true); }
TEST(DeviceHeat, the_pes_leak_by_their_own_temperature) { expect_leakage_at_its_own_temperature(false); }

TEST(DeviceHeat, limits_are_judged_where_they_are_asked_for) {
  const DesignSpace plain = space_of("latency_s");
  const Evaluation without = RooflineEvaluator(plain, "h2llm-roofline").evaluate({0});
  EXPECT_EQ(without.metrics.count("max_junction_c") + without.metrics.count("power_budget_w") + without.metrics.count("max_current_a"), 0U);

  DesignSpace space = space_of("latency_s, power_budget_w, max_current_a, max_junction_c", passive);
  const auto metrics = RooflineEvaluator(space, "h2llm-roofline").evaluate({0}).metrics;
  EXPECT_NEAR(metrics.at("power_budget_w"), metrics.at("energy_j") / metrics.at("latency_s"), 1e-9);
  EXPECT_GT(metrics.at("max_junction_c"), 30 + 2.5 * metrics.at("power_budget_w"));
  EXPECT_GE(metrics.at("max_current_a"), 0.732 - 1e-9) << "16 activates within t_faw (power_test.cpp)";
  space.constraints.push_back({"max_junction_c", 31});
  const Evaluation hot = RooflineEvaluator(space, "h2llm-roofline").evaluate({0});
  EXPECT_FALSE(hot.feasible);
  EXPECT_NE(hot.reason.find("max_junction_c is "), std::string::npos) << hot.reason;
}

TEST(DeviceHeat, a_temperature_needs_a_stack_and_its_file_is_an_input) {
  EXPECT_NE(test::error_of([] { RooflineEvaluator(space_of("max_junction_c"), "h2llm-roofline"); }).find("space.stack: missing"),
            std::string::npos);
  RooflineEvaluator a(space_of("max_junction_c", passive), "h2llm-roofline");
  EXPECT_NE(a.inputs().find("resistance_k_per_w"), std::string::npos) << "a search is not gone on with under another stack";
}

TEST(MeanRailCurrent, is_the_highest_rail_of_an_nmp_channel) {
  const System device = RooflineEvaluator(space_of("latency_s"), "h2llm-roofline").setup({0}).system;
  // VDD2H 1.05 V, VDD1 1.8 V, VDDQ 0.5 V; six channels, 2 s
  EXPECT_NEAR(mean_rail_a(device, {12.6, 2, 1}, 2), 1.0, 1e-12);
  EXPECT_EQ(mean_rail_a(device, {}, 2), 0);
}

}  // namespace
}  // namespace bondsim::search
