#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <random>

#include "mapping/cost/detailed/detailed.hpp"
#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/cost/forms/tables.hpp"
#include "mapping/emit/single_operator.hpp"
#include "tests/support/command.hpp"
#include "tests/support/inputs.hpp"

/// Closed forms against the cycle model, operators alone.
namespace bondsim::test {
namespace {

struct RandomOperator {
  System system;
  SingleOperator op;
  cost::NmpDevice nmp;
  cost::NpuDevice npu;
};

RandomOperator random_operator(std::uint64_t seed) {
  std::mt19937_64 engine(seed);
  const auto pick = [&](std::initializer_list<double> values) { return *(values.begin() + static_cast<long>(engine() % values.size())); };
  const auto below = [&](std::int64_t most) { return 1 + static_cast<std::int64_t>(engine() % static_cast<std::uint64_t>(most)); };
  RandomOperator r;
  System base = shipped_system("h2llm");
  base.nmp.pe.weight_buffer_kib = pick({4, 32, 128});
  base.nmp.input_buffer_kib = pick({4, 32, 128});
  base.nmp.pe.output_buffer_kib = pick({0.5, 4, 8});
  r.op.executor = engine() % 3 == 0 ? Executor::npu : Executor::nmp;
  r.op.shape = {engine() % 2 == 0 ? 1 : below(20), below(16), below(4000), below(4000)};
  r.op.bits = cost::bits_of_elements(pick({0.5, 1, 2}));
  const auto channels = static_cast<int>(below(8));
  if (r.op.executor == Executor::nmp) {
    r.nmp.channels = channels;
    r.nmp.fpus = static_cast<int>(pick({1, 2, 4, 8}));
    r.nmp.clock_mhz = pick({400, 600, 800, 1000});
    r.nmp.hb_bandwidth_gbps = pick({6.4, 12.8, 25.6, 51.2});
    r.system = cost::system_of_device(base, r.nmp);
  } else {
    r.npu.channels = channels;
    r.npu.peak_tmacs = pick({128, 256});
    r.system = cost::system_of_device(base, r.npu);
    r.npu.peak_tmacs = r.system.npu.peak_macs() * 1e-12;
  }
  for (int c = 0; c < channels; ++c) r.op.channels.push_back(c);
  return r;
}

double predicted(const cost::CostModel& model, const RandomOperator& r) {
  const double bytes = r.op.bits.stationary / 8.0;
  return r.op.executor == Executor::nmp ? model.nmp_seconds(r.op.shape, bytes, r.nmp) : model.npu_seconds(r.op.shape, bytes, r.npu);
}

/// Seconds on the cycle model; 0 when no mapping exists.
double simulated(const RandomOperator& r) {
  try {
    return std::stod(run_isolated([&] {
      const auto schedule = single_operator_schedule(r.system, r.op);
      return fmt::format("{:.17g}", to_seconds(simulate(r.system, *schedule).total));
    }));
  } catch (const InfeasibleError&) {
    return 0;
  }
}

TEST(RooflineIdeal, is_never_above_the_cycle_result) {
  const auto ideal = cost::make_cost_model("roofline-ideal");
  int compared = 0;
  for (std::uint64_t seed = 9000; seed < 9100; ++seed) {
    const RandomOperator r = random_operator(seed);
    const double cycles = simulated(r);
    if (cycles == 0) continue;
    ++compared;
    EXPECT_LE(predicted(*ideal, r), cycles) << "seed " << seed;
  }
  EXPECT_GT(compared, 80);
}

TEST(Detailed, is_near_the_cycle_result_of_random_operators) {
  double sum = 0;
  int compared = 0;
  for (std::uint64_t seed = 7000; seed < 7060; ++seed) {
    const RandomOperator r = random_operator(seed);
    const double cycles = simulated(r);
    if (cycles == 0) continue;
    ++compared;
    const double error = predicted(cost::Detailed(r.system), r) / cycles - 1;
    sum += std::abs(error);
    EXPECT_LT(std::abs(error), 0.15) << "seed " << seed << ": " << error;
  }
  EXPECT_GT(compared, 45);
  EXPECT_LT(sum / compared, 0.05);
}

TEST(Validate, detailed_keeps_the_gate_on_the_quick_suite) {
  const ScratchDirectory scratch;
  const CommandResult run = bondsim_command(
      "validate --suite quick --forms detailed --no-plot --gate mape=5,worst=15,tau=0.95,device_tau=0.95 --out " + scratch.file("v"));
  EXPECT_EQ(run.status, 0) << run.output;
  EXPECT_NE(file_text(scratch.file("v/validate.csv")).find("detailed_utilisation"), std::string::npos);
}

TEST(Validate, roofline_ideal_is_never_above_the_cycles_of_the_quick_suite) {
  const ScratchDirectory scratch;
  const CommandResult run =
      bondsim_command("validate --suite quick --forms roofline-ideal --gate over=0 --no-plot --out " + scratch.file("v"));
  EXPECT_EQ(run.status, 0) << run.output;
  const CsvTable table = CsvTable::load(scratch.file("v/validate.csv"));
  for (std::size_t row = 0; row < table.rows(); ++row) {
    EXPECT_LE(table.number(row, "roofline-ideal_latency_s", 1e-9, 1), table.number(row, "cycle_latency_s", 1e-9, 1)) << row + 1;
  }
}

/// A small model, every kind of operator.
const std::string small_experiment =
    "configs/experiment/h2llm-llama3-8b-sharegpt.yaml --dataflow fc_offloading --set model.layers=2 --set model.hidden=2048 --set "
    "model.intermediate=4096 "
    "--set model.query_heads=16 --set model.kv_heads=4 --set model.head_dim=128 --set model.vocab=1024 --set workload.prompt_tokens=40 "
    "--set workload.generated_tokens=9 ";

TEST(Validate, takes_an_experiments_operators_and_steps) {
  const ScratchDirectory scratch;
  const CommandResult run = bondsim_command(
      "validate " + small_experiment + "--samples 2 --forms detailed,roofline-ideal,h2llm-roofline --no-plot --out " + scratch.file("v"));
  ASSERT_EQ(run.status, 0) << run.output;
  EXPECT_NE(run.output.find("decode steps 3, 7 of 9"), std::string::npos) << run.output;
  const CsvTable table = CsvTable::load(scratch.file("v/validate.csv"));
  std::map<std::string, int> rows;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::string what = table.text(row, "phase") + " " + table.text(row, "operator");
    ++rows[what];
    const double cycles = table.number(row, "cycle_latency_s", 1e-10, 1);
    EXPECT_NEAR(table.number(row, "detailed_latency_s", 1e-10, 1) / cycles, 1, 0.15) << what;
    if (table.has(row, "roofline-ideal_latency_s")) {
      EXPECT_LE(table.number(row, "roofline-ideal_latency_s", 0, 1), cycles) << what;
    }
    EXPECT_EQ(table.has(row, "h2llm-roofline_latency_s"), table.has(row, "K") || table.text(row, "operator") == "(step)") << what;
  }
  // Weights are the same in both decode steps, attention grows with the context.
  EXPECT_EQ(rows["decode f1"], 1);
  EXPECT_EQ(rows["decode qk"], 2);
  EXPECT_EQ(rows["decode softmax"], 2);
  EXPECT_EQ(rows["decode (step)"], 2);
  EXPECT_EQ(rows["prefill (step)"], 1);
  EXPECT_EQ(rows["prefill q"], 1);
}

/// A million chunks of the DMA: many seconds of simulation on any machine.
TEST(Validate, a_row_that_takes_too_long_is_named_and_misses_any_gate) {
  const ScratchDirectory scratch;
  const std::string ops =
      scratch.write("ops.csv",
                    "model,element_size_bytes,B,M,N,K,normal_channels,ext_bw_per_channel_gbps,npu_capacity_tmacs,dma_chunk_kib\n"
                    "NPU,2,1,1,256,256,8,12.8,128,\nNPU,2,1,64,65536,65536,8,12.8,128,1\n");
  const std::string command = "validate --ops " + ops + " --forms detailed --row-timeout 1 --no-plot --out " + scratch.file("v");
  const CommandResult run = bondsim_command(command);
  EXPECT_EQ(run.status, 0) << run.output;
  EXPECT_NE(run.output.find("row 2: no result within 1 s"), std::string::npos) << run.output;
  EXPECT_LT(run.seconds, 30);
  const CsvTable table = CsvTable::load(scratch.file("v/validate.csv"));
  EXPECT_TRUE(table.has(0, "cycle_latency_s"));
  EXPECT_FALSE(table.has(1, "cycle_latency_s"));
  EXPECT_EQ(table.text(1, "unfinished"), "no result within 1 s");
  EXPECT_EQ(bondsim_command(command + " --gate mape=50").status, 1);
}

TEST(Validate, draws_predicted_against_simulated) {
  const ScratchDirectory scratch;
  const std::string ops = scratch.write("ops.csv",
                                        "model,element_size_bytes,B,M,N,K,normal_channels,ext_bw_per_channel_gbps,npu_capacity_tmacs\n"
                                        "NPU,2,1,1,256,256,8,12.8,128\nNPU,2,1,64,256,512,8,12.8,128\n");
  const CommandResult run = bondsim_command("validate --ops " + ops + " --plot --out " + scratch.file("v"));
  ASSERT_EQ(run.status, 0) << run.output;
  const std::string svg = file_text(scratch.file("v/validate.svg"));
  EXPECT_NE(svg.find("<svg"), std::string::npos);
  for (const char* text : {"detailed: 2 points", "roofline-ideal: 2 points", "within 10 %", "cycle model, microseconds"}) {
    EXPECT_NE(svg.find(text), std::string::npos) << text;
  }
  EXPECT_EQ(file_text(scratch.file("v/validate.png")).substr(1, 3), "PNG");
}

TEST(Estimate, of_an_experiment_is_near_its_simulation) {
  const ScratchDirectory scratch;
  const CommandResult run = bondsim_command("run " + small_experiment + "--out " + scratch.file("r"));
  ASSERT_EQ(run.status, 0) << run.output;
  const CommandResult estimate = bondsim_command("estimate " + small_experiment + "--form detailed --out " + scratch.file("e"));
  ASSERT_EQ(estimate.status, 0) << estimate.output;
  EXPECT_NE(estimate.output.find("ESTIMATE by the closed form detailed"), std::string::npos) << estimate.output;
  const auto simulated = nlohmann::json::parse(file_text(scratch.file("r/results.json")));
  const auto estimated = nlohmann::json::parse(file_text(scratch.file("e/estimate.json")));
  EXPECT_EQ(estimated["schema"], "bondsim.estimate/1");
  for (const char* time : {"ttft", "tbt_mean", "tbt_p99", "total"}) {
    EXPECT_NEAR(estimated["latency_s"][time].get<double>() / simulated["latency_s"][time].get<double>(), 1, 0.02) << time;
  }
  EXPECT_NEAR(estimated["energy_j"]["total"].get<double>() / simulated["energy_j"]["total"].get<double>(), 1, 0.01);
  // A figure that is counted rather than timed is the same to the last bit.
  for (const char* part : {"dram_array", "hb_io", "offchip_io", "pe_mac", "npu_mac", "pe_sram", "npu_sram", "vector"}) {
    EXPECT_EQ(estimated["energy_j"]["components"][part], simulated["energy_j"]["components"][part]) << part;
  }
  EXPECT_EQ(estimated["step_latency_s"].size(), 9u);
  EXPECT_EQ(bondsim_command("estimate").status, 2);
  EXPECT_EQ(bondsim_command("estimate " + small_experiment + "--ops x.csv").status, 2);
}

TEST(Validate, a_missed_gate_is_exit_1_and_named) {
  const ScratchDirectory scratch;
  const CommandResult run =
      bondsim_command("validate --suite quick --forms roofline-ideal --gate mape=5 --no-plot --out " + scratch.file("v"));
  EXPECT_EQ(run.status, 1) << run.output;
  EXPECT_NE(run.output.find("gate missed: roofline-ideal: mape"), std::string::npos) << run.output;
}

TEST(Validate, wrong_timing_of_the_form_misses_the_gate) {
  // The same predictions on another part: its refresh is three times as long.
  const ScratchDirectory scratch;
  ASSERT_EQ(bondsim_command("validate --suite quick --forms detailed --no-plot --out " + scratch.file("v")).status, 0);
  CsvTable table = CsvTable::load(scratch.file("v/validate.csv"));
  const std::string system = file_text(config_path("system/h2llm.yaml"));
  std::string dram = file_text(config_path("dram/lpddr5-6400-32gb.yaml"));
  const auto at = dram.find("t_rfc_ab_ns: 380");
  ASSERT_NE(at, std::string::npos);
  dram.replace(at, 16, "t_rfc_ab_ns: 1140");
  std::string changed = system;
  changed.replace(changed.find("../dram/lpddr5-6400-32gb.yaml"), 29, scratch.write("dram.yaml", dram));
  changed.replace(changed.find("../energy/"), 10, config_path("energy/"));
  for (std::size_t row = 0; row < table.rows(); ++row) table.set(row, "latency_s", table.text(row, "detailed_latency_s"));
  scratch.write("predictions.csv", table.to_text());
  const std::string judged =
      "validate --predictions " + scratch.file("predictions.csv") + " --gate mape=5 --no-plot --out " + scratch.file("p");
  EXPECT_EQ(bondsim_command(judged).status, 0);
  const CommandResult run = bondsim_command(judged + " --system " + scratch.write("system.yaml", changed));
  EXPECT_EQ(run.status, 1) << run.output;
}

TEST(Validate, predictions_for_other_operators_are_refused) {
  const ScratchDirectory scratch;
  const std::string head =
      "model,element_size_bytes,B,M,N,K,nmp_channels,fpu_num,freq_mhz,pe_bw_gbps,fpu_simd_width,pe_num_per_channel,"
      "ext_bw_per_channel_gbps\n";
  const std::string ops = scratch.write("ops.csv", head + "NMP,2,1,1,256,256,2,8,600,25.6,16,16,12.8\n");
  const std::string other = scratch.write("p.csv", "M,latency_s\n2,1e-6\n");
  const CommandResult run = bondsim_command("validate --ops " + ops + " --predictions " + other + " --out " + scratch.file("v"));
  EXPECT_EQ(run.status, 2) << run.output;
  EXPECT_NE(run.output.find("M: 2 found, the operator has 1"), std::string::npos) << run.output;
}

}  // namespace
}  // namespace bondsim::test
