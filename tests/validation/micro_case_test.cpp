#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/inputs.hpp"
#include "tests/support/one_block.hpp"

/// Cases small enough to be computed by hand, to the picosecond and the picojoule.
///
/// One NMP channel; one PE (bank 0) works. CK and the PE run at 800 MHz: 1.25 ns. An FPU of 16 MACs. HB: 64 B in 2.5 ns. A weight tile of
/// k = 64 x n = 16 FP16 elements is 2048 B, 32 accesses, 80 ns; its computation on one row takes 64 / 16 x 16 = 64 cycles, 80 ns.
/// The channel is in NMP mode one CK after it is asked for: 1.25 ns, plus the latency of the mode change when that is on.
namespace bondsim::test {
namespace {

constexpr std::int64_t row_bytes = 2048;
constexpr std::int64_t mode_ps = 1250;

EnergyTable energy_table(const std::string& name) {
  return decode_document<EnergyTable>(load_yaml_file(tests::source_dir() + "/configs/energy/" + name + ".yaml"), "energy",
                                      "bondsim.energy/1");
}

System micro_system() {
  System s = shipped_system("h2llm");
  s.set_channels(1, 0);
  s.nmp.pe.fpus = 1;
  s.nmp.pe.clock_mhz = 800;
  s.nmp.pe.weight_buffer_kib = 4;
  s.nmp.mode_change_ns = 100;
  s.fidelity.refresh = s.fidelity.mode_switch = s.fidelity.row_timing = false;
  s.energy = energy_table("detailed");
  return s;
}

/// `bytes` from the start of `row` of bank 0.
std::vector<Extent> in_row(std::int64_t row, std::int64_t bytes) {
  Extent e;
  e.banks = 1;
  e.bank_offset = row * row_bytes;
  e.bytes_per_bank = bytes;
  return {e};
}

/// [m, k] x [k, n] on PE 0: weights from row 0 on, input in row 100, output in row 200, partial sums in row 300.
Task gemm(std::int64_t m, std::int64_t k, std::int64_t n, const NmpTiling& tiling) {
  Task t;
  t.kind = TaskKind::nmp_gemm;
  t.op = 0;
  t.executor = ExecutorId::of_channel(0);
  t.nmp.shape = {1, m, n, k};
  t.nmp.part.work = 0;
  t.nmp.pes_per_gemm = 1;
  t.nmp.tiling = tiling;
  t.nmp.stationary = in_row(0, k * n * 2);
  t.nmp.input = in_row(100, m * k * 2);
  t.nmp.output = in_row(200, (m * n * 2 + 63) / 64 * 64);
  if (tiling.order == LoopOrder::input_stationary) t.nmp.partials = in_row(300, m * n * 4);
  return t;
}

Block block_of(std::vector<Task> tasks) {
  Block b;
  b.phase = Phase::decode;
  b.step = 1;
  b.layer = 0;
  b.tasks = std::move(tasks);
  return b;
}

std::int64_t latency_ps(const System& s, const Task& task) {
  return std::stoll(run_isolated([&] {
    OneBlockSchedule schedule = one_block_by_hand(s, block_of({task}));
    return std::to_string(simulate(s, schedule).operators.front().span.value);
  }));
}

TEST(MicroCase, one_bank_one_tile_with_row_timing) {
  System s = micro_system();
  s.fidelity.row_timing = true;
  // Input, 128 B in row 100: ACT at 0; nRCD 15: read at 18.75; two accesses: there at 23.75.
  // Weights, row 0: PRE when nRAS 34 has passed, 42.5; nRP 15: ACT at 61.25; read at 80; 32 accesses: there at 160.
  // Compute 64 cycles: 240. Output, 64 B in row 200: PRE at 240, ACT 258.75, write at 277.5, one access: 280.
  EXPECT_EQ(latency_ps(s, gemm(1, 64, 16, {16, 64})), mode_ps + 280000);
  s.fidelity.mode_switch = true;
  EXPECT_EQ(latency_ps(s, gemm(1, 64, 16, {16, 64})), mode_ps + 100000 + 280000) << "mode change of 100 ns";
}

/// Two chains side by side: the barrier of the second does not wait for that of the first, which stands before it.
TEST(MicroCase, barriers_end_in_any_order) {
  System s = micro_system();
  s.npu.vector_units = 2;
  const auto vector = [](int unit, std::int64_t elements, std::vector<std::int32_t> after) {
    Task t;
    t.kind = TaskKind::npu_vector;
    t.op = 0;
    t.executor = ExecutorId::vector_units();
    t.vector.kind = VectorKind::residual;
    t.vector.elements = elements;
    t.vector.first_unit = unit;
    t.vector.units = 1;
    t.dependencies = std::move(after);
    return t;
  };
  Task barrier;
  const auto total = [&](const std::vector<Task>& tasks) {
    return std::stoll(run_isolated([&] {
      OneBlockSchedule schedule = one_block_by_hand(s, block_of(tasks));
      return std::to_string(simulate(s, schedule).total.value);
    }));
  };
  const std::int64_t length = 1 << 20;
  Task first = barrier, second = barrier;
  first.dependencies = {0};
  second.dependencies = {2};
  const std::int64_t both = total({vector(0, length, {}), first, vector(1, 64, {}), second, vector(1, length, {3})});
  const std::int64_t long_one = total({vector(0, length, {})}), short_one = total({vector(1, 64, {})});
  EXPECT_EQ(both, long_one + short_one);
}

TEST(MicroCase, two_k_tiles_with_double_buffering_overlap) {
  // Input 256 B: 10. Tile 1 there at 90, tile 2 at 170. Compute 1 90 to 170, compute 2 170 to 250. Store: 252.5.
  EXPECT_EQ(latency_ps(micro_system(), gemm(1, 128, 16, {16, 64})), mode_ps + 252500);
}

TEST(MicroCase, two_k_tiles_without_double_buffering_alternate) {
  System s = micro_system();
  s.nmp.pe.double_buffered_weights = false;
  s.nmp.pe.weight_buffer_kib = 2;
  // Input 10. Tile 1 to 90, compute to 170, tile 2 to 250, compute to 330. Store: 332.5.
  EXPECT_EQ(latency_ps(s, gemm(1, 128, 16, {16, 64})), mode_ps + 332500);
  s.nmp.placement = NmpPlacement::in_die;
  EXPECT_EQ(latency_ps(s, gemm(1, 128, 16, {16, 64})), mode_ps + 332500) << "in the die: the same alternation";
}

TEST(MicroCase, compute_bound_hides_the_loads) {
  // Two rows: input 512 B: 20. Tile 1 there at 100, tile 2 at 180. Compute 160 each: 100 to 260, to 420. Store 64 B: 422.5.
  EXPECT_EQ(latency_ps(micro_system(), gemm(2, 128, 16, {16, 64})), mode_ps + 422500);
}

TEST(MicroCase, bandwidth_bound_hides_the_computation) {
  System s = micro_system();
  s.nmp.pe.fpus = 2;  // compute 64 / 16 x 16 / 2 = 32 cycles, 40 ns
  // Input 10. Tile 1 there at 90, tile 2 at 170, its computation to 210. Store: 212.5.
  EXPECT_EQ(latency_ps(s, gemm(1, 128, 16, {16, 64})), mode_ps + 212500);
}

TEST(MicroCase, output_spill_stores_and_reloads_partial_sums) {
  System s = micro_system();
  s.nmp.input_buffer_kib = 0.125;      // 64 elements: one k tile
  s.nmp.pe.output_buffer_kib = 0.125;  // 32 accumulators: two n tiles
  // Input of k tile 1: 5. Weights (1,1) there at 85, (1,2) at 165. Compute (1,1) 85 to 165; its sums are stored 165 to 167.5.
  // Compute (1,2) 165 to 245; only now has the input buffer room. Store of its sums to 247.5, input of k tile 2 to 252.5,
  // sums (1) back at 255, weights (2,1) at 335, sums (2) back at 337.5, weights (2,2) at 417.5. Compute (2,1) 335 to 415, stored behind the
  // weights to 420. Compute (2,2) 417.5 to 497.5, stored to 500.
  Task task = gemm(1, 128, 32, {16, 64, LoopOrder::input_stationary});
  task.nmp.bits.output = 32;  // 64 B a tile, one access
  task.nmp.output = in_row(200, 128);
  EXPECT_EQ(latency_ps(s, task), mode_ps + 500000);
}

TEST(MicroCase, a_tile_waits_for_the_output_buffer_when_that_holds_but_one) {
  System s = micro_system();
  // Two n tiles; input 128 B: 5. Weights of tile 1 there at 85, of tile 2 at 165. Compute 1 85 to 165, stored to 167.5.
  Task task = gemm(1, 64, 32, {16, 64});
  task.nmp.bits.output = 32;  // 64 B a tile, one access
  task.nmp.output = in_row(200, 128);
  s.nmp.pe.output_buffer_kib = 0.125;  // 32 accumulators: compute 2 165 to 245, stored to 247.5
  EXPECT_EQ(latency_ps(s, task), mode_ps + 247500);
  s.nmp.pe.output_buffer_kib = 0.0625;  // 16 accumulators: compute 2 167.5 to 247.5, stored to 250
  EXPECT_EQ(latency_ps(s, task), mode_ps + 250000);
}

/// Input written by the NPU, a GEMM, its output read, and a residual sum of 128 elements.
Block decode_step() {
  Task scatter;
  scatter.kind = TaskKind::host_scatter;
  scatter.op = 0;
  scatter.executor = ExecutorId::of_channel(0);
  scatter.extents = in_row(100, 128);
  Task compute = gemm(1, 64, 16, {16, 64});
  compute.dependencies = {0};
  Task load;
  load.kind = TaskKind::host_load;
  load.op = 0;
  load.executor = ExecutorId::of_channel(0);
  load.extents = in_row(200, 64);
  load.dependencies = {1};
  Task sum;
  sum.kind = TaskKind::npu_vector;
  sum.executor = ExecutorId::vector_units();
  sum.op = 0;
  sum.vector = {VectorKind::residual, 128, 0, 0};
  sum.dependencies = {2};
  return block_of({scatter, compute, load, sum});
}

struct StepEnergy {
  std::string attojoules;
  double joules = 0;
  std::int64_t total_ps = 0;
  std::int64_t rows_open_ps = 0;
};

StepEnergy step_energy(const System& s) {
  const std::string text = run_isolated([&] {
    OneBlockSchedule schedule = one_block_by_hand(s, decode_step());
    const Results r = simulate(s, schedule);
    EnergyCounts counts;
    for (const OperatorResult& op : r.operators) counts += op.counts;
    return fmt::format("{} {} {} {:.17g}", static_cast<std::int64_t>(r.energy_total.value), r.total.value, counts.rows_open_ps,
                       to_joules(r.energy_total));
  });
  StepEnergy e;
  std::istringstream(text) >> e.attojoules >> e.total_ps >> e.rows_open_ps >> e.joules;
  return e;
}

/// pJ of what the step does, from the table of `detailed.yaml` and counts by hand.
double dynamic_pj(const EnergyTable& t) {
  // Rows: the NPU opens the input's (1); the PE those of input, weights and output (3); the NPU the output's (1).
  const double rows = 5 * t.activate.value;
  // Over the bus: 128 B in, 64 B out. Through the port: 128 B input, 2048 B weights, 64 B output.
  const double bus = (128 + 64) * 8 * (t.array_host.value + t.offchip_io.value);
  const double port = (128 + 2048 + 64) * 8 * (t.array_hb.value + t.hb_io.value);
  const double macs = 64 * 16 * 1.148;  // a MAC at 800 MHz (H2-LLM, ISCA'25)
  // Buffers: weights in and out 2 x 1024 x 16 bit; input in once and out for each of 16 columns: 17 x 64 x 16 bit; sums of 32 bit in and
  // out for each of 4 groups of K: 2 x 16 x 4.
  const double sram = (2 * 1024 * 16 + 17 * 64 * 16 + 2 * 16 * 4 * 32) * t.pe_sram.value;
  const double vector = 128 * t.vector_op.value + 128 * 16 * 2 * t.npu_sram.value;
  return rows + bus + port + macs + sram + vector;
}

TEST(MicroEnergy, a_decode_step_costs_the_hand_sum_of_counts_and_table) {
  const System s = micro_system();
  const StepEnergy e = step_energy(s);
  // 1 mW for 1 ps is 1e-3 pJ. One channel, 16 PEs.
  const double powers = s.energy.background.value + s.energy.npu_static.value + 16 * s.energy.pe_static.value;
  const double expected = dynamic_pj(s.energy) + powers * static_cast<double>(e.total_ps) * 1e-3;
  EXPECT_NEAR(e.joules * 1e12, expected, 1e-9 * expected);
}

/// The same counts by currents; every figure follows from those of the 16 Gb die by hand (tests/unit/models/energy/currents_test.cpp).
TEST(MicroEnergy, a_decode_step_by_currents_costs_the_hand_sum) {
  System s = micro_system();
  const EnergyTable others = s.energy;
  s.energy = energy_table("lpddr5x-currents");
  const StepEnergy e = step_energy(s);
  EXPECT_GT(e.rows_open_ps, 0);
  EXPECT_LE(e.rows_open_ps, e.total_ps);
  const double rows = 5 * 1110.87;
  const double bus = 128 * 8 * (2.17425 + 3.18) + 64 * 8 * (3.2905 + 0.46375 + 3.18);  // written by the NPU, read by it
  const double port = (128 + 2048) * 8 * (0.164 * 3.2905 + 0.88) + 64 * 8 * (0.164 * 2.17425 + 0.88);
  EnergyTable logic = others;
  for (EnergyEntry* dram : {&logic.activate, &logic.array_host, &logic.array_hb, &logic.hb_io, &logic.offchip_io}) dram->value = 0;
  const double standby = 73.65 * static_cast<double>(e.total_ps) * 1e-3 + 21.03 * static_cast<double>(e.rows_open_ps) * 1e-3;
  const double powers = (others.npu_static.value + 16 * others.pe_static.value) * static_cast<double>(e.total_ps) * 1e-3;
  EXPECT_NEAR(e.joules * 1e12, rows + bus + port + dynamic_pj(logic) + standby + powers, 0.1) << "pJ";
}

TEST(MicroEnergy, without_static_power_exactly_the_dynamic_part_is_left) {
  System s = micro_system();
  s.energy.background.value = s.energy.npu_static.value = s.energy.pe_static.value = 0;
  EXPECT_EQ(step_energy(s).attojoules, std::to_string(std::llround(dynamic_pj(s.energy) * 1e6)));
}

}  // namespace
}  // namespace bondsim::test
