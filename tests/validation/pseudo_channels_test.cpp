#include <gtest/gtest.h>

#include "mapping/cost/detailed/detailed.hpp"
#include "mapping/cost/detailed/task_timing.hpp"
#include "models/system/peaks.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/inputs.hpp"
#include "tools/app/experiment/experiment.hpp"

/// Systems whose channels have pseudo channels or several ranks, from configuration to results.
namespace bondsim::test {
namespace {

Case decode_on(System system, const std::string& dataflow) {
  Case c{std::move(system), shipped_model("llama-3-8b"), shipped_workload("sharegpt"), shipped_dataflow(dataflow)};
  c.model.layers = 1;
  c.model.vocab = 1024;
  c.model.intermediate = 4096;
  c.workload.prompt_cached = true;
  c.workload.generated_tokens = 1;
  return c;
}

double decode_us(const Case& c) {
  return std::stod(simulate_isolated(c, {}, [](const Results& r) { return std::to_string(static_cast<double>(r.total.value) * 1e-6); }));
}

TEST(PseudoChannelSystem, eight_channels_of_two_stream_weights_as_fast_as_sixteen_of_one) {
  const System apart = shipped_system("hbm2-stack");
  System shared = apart;
  shared.set_channels(0, 8);
  shared.dram.organization.pseudo_channels = 2;
  EXPECT_DOUBLE_EQ(machine_peaks(shared).bus_bytes_per_s, machine_peaks(apart).bus_bytes_per_s);
  const double one = decode_us(decode_on(apart, "npu_only")), two = decode_us(decode_on(shared, "npu_only"));
  EXPECT_NEAR(two / one, 1.0, 0.02) << one << " and " << two << " us";
}

TEST(PseudoChannelSystem, closed_form_follows) {
  for (const char* dataflow : {"npu_only", "all_on_pes"}) {
    System s = shipped_system("attacc");
    if (std::string(dataflow) == "npu_only") s.set_channels(0, 16);
    const Case c = decode_on(s, dataflow);
    const auto schedule = make_schedule(c.system, c.model, c.workload, c.dataflow);
    const cost::TaskTiming form(c.system);
    double estimate = 0;
    Block block;
    while (schedule->next(block)) estimate += form.block_ps(block, estimate) * 1e-6;
    const double cycles = decode_us(c);
    EXPECT_NEAR(estimate / cycles, 1.0, 0.05) << dataflow << ": " << estimate << " of " << cycles << " us";
  }
}

TEST(PseudoChannelSystem, pes_read_the_banks_of_two_pseudo_channels_and_ranks_as_those_of_one) {
  const System apart = shipped_system("attacc");
  ASSERT_EQ(apart.dram.organization.all_ranks(), 4);
  System flat = apart;
  DramOrganization& o = flat.dram.organization;
  o.bank_groups *= 4;
  o.pseudo_channels = o.ranks = 1;
  o.device_width_bits *= 2;  // as wide a bus
  o.columns /= 2;
  const auto banks = [](const Results& r) {
    Picoseconds sum;
    for (const ChannelResult& c : r.channels) sum += c.time.column + c.time.row + c.time.refresh;
    return std::to_string(sum.value);
  };
  const Case a = decode_on(apart, "all_on_pes"), b = decode_on(flat, "all_on_pes");
  const double ours = std::stod(simulate_isolated(a, {}, banks)), theirs = std::stod(simulate_isolated(b, {}, banks));
  EXPECT_NEAR(ours / theirs, 1.0, 0.02);
}

TEST(PseudoChannelSystem, what_ranks_beside_pes_cannot_have_is_named) {
  const auto error = [](const std::string& key) {
    return error_of([&] { tools::load_system(bondsim::tests::source_dir() + "/configs/system/attacc.yaml", {key}); });
  };
  EXPECT_NE(
      error("system.nmp.activate_policy=staggered").find("nmp.activate_policy: staggered with PEs behind 2 pseudo channels of 2 ranks"),
      std::string::npos)
      << error("system.nmp.activate_policy=staggered");
  EXPECT_NE(error("system.controller.refresh=per_bank").find("controller.refresh: per_bank with PEs behind 2 pseudo channels of 2 ranks"),
            std::string::npos);
  EXPECT_NE(error("system.controller.refresh_postpone=8")
                .find("controller.refresh_postpone: 8 intervals with refresh_pull_in, with PEs behind 2 pseudo channels of 2 ranks, "
                      "allowed: up to 7"),
            std::string::npos);
  EXPECT_NE(error("system.dram.timing.n_wckpst=1").find("n_wckpst: 1 with 4 ranks or pseudo channels"), std::string::npos);
}

}  // namespace
}  // namespace bondsim::test
