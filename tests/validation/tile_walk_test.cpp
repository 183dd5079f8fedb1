#include <gtest/gtest.h>

#include "mapping/cost/detailed/hb_timing.hpp"
#include "mapping/tiling/tile_walk.hpp"
#include "mapping/tiling/tiling.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/one_block.hpp"
#include "tests/support/scale.hpp"

/// The mapper's estimate of a tiling against the cycle model: one nmp_gemm on one channel that has nothing else to do.
namespace bondsim::test {
namespace {

struct WalkCase {
  System system;
  NmpGemm gemm;
  OperandBytes bytes;
};

WalkCase random_walk(std::uint64_t seed) {
  Random r(seed);
  WalkCase c{shipped_system("h2llm"), {}, {}};
  System& s = c.system;
  s.set_channels(1, 0);
  s.fidelity.mode_switch = false;
  s.nmp.pe.weight_buffer_kib = r.one_of({4.0, 8.0, 16.0, 32.0, 128.0});
  s.nmp.pe.output_buffer_kib = r.one_of({0.25, 1.0, 4.0, 8.0});
  s.nmp.input_buffer_kib = r.one_of({4.0, 32.0, 128.0});
  s.nmp.pe.fpus = static_cast<int>(r.one_of({1, 4, 8}));
  s.nmp.pe.clock_mhz = static_cast<int>(r.one_of({400, 600, 800, 1000}));
  s.nmp.pe.double_buffered_weights = r.between(0, 4) != 0;
  NmpGemm& g = c.gemm;
  g.shape = {1, r.one_of({1, 3, 16}), 16 * r.between(8, 200), 16 * r.between(16, 300)};
  g.pes_per_gemm = s.dram.organization.banks();
  const std::int64_t columns = g.shape.n / g.pes_per_gemm;
  TilingProblem p = tiling_problem(s, 0, g.shape, g.pes_per_gemm, g.bits);
  do {
    g.tiling = {r.between(1, columns), 16 * r.between(1, g.shape.k / 16),
                r.one_of({LoopOrder::output_stationary, LoopOrder::input_stationary}), 16 * r.between(0, 20)};
  } while (!fits(s.nmp, p, g.tiling));
  std::int64_t row = 0;
  const auto tensor = [&](std::int64_t bytes, std::int64_t& of_bank) {
    of_bank = ceil_div<std::int64_t>(bytes, 64) * 64;
    Extent e;
    e.banks = g.pes_per_gemm;
    e.bank_offset = row * 2048;
    e.bytes_per_bank = of_bank;
    row += ceil_div<std::int64_t>(of_bank, 2048);
    return std::vector<Extent>{e};
  };
  g.stationary = tensor(columns * g.shape.k * 2, c.bytes.stationary);
  g.input = tensor(g.shape.m * g.shape.k * 2 / g.pes_per_gemm, c.bytes.input);
  g.output = tensor(g.shape.m * columns * 2, c.bytes.output);
  g.partials = tensor(g.shape.m * columns * 4, c.bytes.partials);
  return c;
}

std::int64_t simulated_ps(const WalkCase& c) {
  return std::stoll(run_isolated([&] {
    Task task;
    task.kind = TaskKind::nmp_gemm;
    task.op = 0;
    task.executor = ExecutorId::of_channel(0);
    task.nmp = c.gemm;
    Block block;
    block.tasks.push_back(task);
    OneBlockSchedule schedule = one_block_by_hand(c.system, std::move(block));
    return std::to_string(simulate(c.system, schedule).operators.front().span.value);
  }));
}

TEST(TileWalk, takes_the_time_of_the_cycle_model_to_the_picosecond) {
  for (int i = 0; i < scaled(150); ++i) {
    const std::uint64_t seed = 7100 + static_cast<std::uint64_t>(i);
    const WalkCase c = random_walk(seed);
    const PortTiming timing = port_timing(c.system.dram, c.system.nmp, true);
    // The channel is in NMP mode one CK after it is asked for.
    PortStream port(timing, timing.ck, timing.refi);
    const TileLoop loop(c.gemm.shape, c.gemm.shape.n / c.gemm.pes_per_gemm, c.gemm.bits, c.gemm.tiling, c.system.nmp);
    const std::int64_t walked = walk_tiles(loop, c.bytes, c.system.nmp, port, timing.ck);
    const NmpTiling& t = c.gemm.tiling;
    EXPECT_EQ(walked, simulated_ps(c)) << fmt::format(
        "seed {}: m {} n {} k {}, tile {} x {} {} piece {}, buffers {}/{}/{}, {} FPUs {} MHz{}", seed, c.gemm.shape.m, c.gemm.shape.n,
        c.gemm.shape.k, t.n_tile, t.k_tile, t.order == LoopOrder::output_stationary ? "os" : "is", t.k_piece, c.system.nmp.input_buffer_kib,
        c.system.nmp.pe.weight_buffer_kib, c.system.nmp.pe.output_buffer_kib, c.system.nmp.pe.fpus, c.system.nmp.pe.clock_mhz,
        c.system.nmp.pe.double_buffered_weights ? "" : ", one buffer");
    const TilingProblem p = tiling_problem(c.system, 0, c.gemm.shape, c.gemm.pes_per_gemm, c.gemm.bits);
    EXPECT_LE(tiling_bound_ps(c.system.nmp, p, t), static_cast<double>(walked)) << "seed " << seed;
  }
}

TEST(TileWalk, follows_staggered_overlapped_and_in_die_banks) {
  double worst = 0;
  for (int i = 0; i < scaled(60); ++i) {
    const std::uint64_t seed = 7400 + static_cast<std::uint64_t>(i);
    WalkCase c = random_walk(seed);
    NmpConfig& nmp = c.system.nmp;
    nmp.activate_policy = i % 3 == 0 ? ActivatePolicy::all_bank : ActivatePolicy::staggered;
    nmp.subarray_overlap = i % 3 != 1;
    if (i % 4 == 0) {
      nmp.placement = NmpPlacement::in_die;
      nmp.pe.double_buffered_weights = false;
    }
    c.system.fidelity.refresh = i % 2 == 0;
    const PortTiming timing = port_timing(c.system.dram, nmp, c.system.fidelity.refresh);
    PortStream port(timing, timing.ck, timing.refi);
    const TileLoop loop(c.gemm.shape, c.gemm.shape.n / c.gemm.pes_per_gemm, c.gemm.bits, c.gemm.tiling, nmp);
    const auto walked = static_cast<double>(walk_tiles(loop, c.bytes, nmp, port, timing.ck));
    const auto simulated = static_cast<double>(simulated_ps(c));
    worst = std::max(worst, std::abs(walked / simulated - 1));
    const bool staggered = nmp.activate_policy == ActivatePolicy::staggered;
    const std::string what = fmt::format("seed {}: {}{}{}", seed, nmp.subarray_overlap ? "subarrays " : "", staggered ? "staggered " : "",
                                         c.system.fidelity.refresh ? "refreshed" : "");
    // One bank stands for all: where each opens its rows in its own time the walk is a lower estimate.
    EXPECT_GE(walked / simulated, staggered ? 0.62 : 0.96) << what;
    EXPECT_LE(walked / simulated, 1.06) << what;
    // The summed walk of searches, over what it takes for itself.
    if (c.gemm.tiling.order == LoopOrder::input_stationary && c.gemm.tiling.k_tile < c.gemm.shape.k) continue;
    cost::NmpShare share = cost::share_of(c.gemm);
    double due = timing.refi > 0 ? static_cast<double>(timing.refi) : 1e30;
    const double summed = cost::HbTiming(c.system, cost::PieceWalk::runs).gemm_end(share, static_cast<double>(timing.ck), due);
    EXPECT_NEAR(summed / walked, 1, 0.40) << what << ", summed";
  }
  RecordProperty("worst", std::to_string(worst));
}

/// A random case on in-die PEs, their accesses alternating with or under their computations, columns read again for further rows.
WalkCase random_in_die_walk(std::uint64_t seed) {
  WalkCase c = random_walk(seed);
  Random r(seed * 3 + 1);
  NmpConfig& nmp = c.system.nmp;
  nmp.placement = NmpPlacement::in_die;
  nmp.pe.double_buffered_weights = false;
  nmp.pe.pipelined_access = r.between(0, 2) != 0;
  nmp.pe.rows_per_read = static_cast<int>(r.one_of({0, 1, 2, 5}));
  nmp.pe.banks_per_pe = static_cast<int>(r.one_of({1, 1, 2, 4}));
  nmp.pe.issue_interval_ns = r.one_of({0.0, 0.0, 7.5});
  const TilingProblem p = tiling_problem(c.system, 0, c.gemm.shape, c.gemm.pes_per_gemm, c.gemm.bits);
  while (!fits(nmp, p, c.gemm.tiling)) nmp.pe.weight_buffer_kib *= 2;
  return c;
}

std::int64_t walked_ps(const WalkCase& c) {
  const System& s = c.system;
  const PortTiming timing = s.fidelity.refresh ? port_timing(s.dram, s.nmp, s.controller) : port_timing(s.dram, s.nmp, false);
  // The channel is in NMP mode one CK after it is asked for.
  PortStream port(timing, timing.ck, timing.refi / timing.turns);
  const TileLoop loop(c.gemm.shape, c.gemm.shape.n / c.gemm.pes_per_gemm, c.gemm.bits, c.gemm.tiling, s.nmp);
  return walk_tiles(loop, c.bytes, s.nmp, port, timing.ck);
}

std::string in_die_text(const WalkCase& c) {
  const PeConfig& pe = c.system.nmp.pe;
  const GemmShape& g = c.gemm.shape;
  const NmpTiling& t = c.gemm.tiling;
  return fmt::format("m {} n {} k {}, tile {} x {} piece {}, {} FPUs {} MHz{}, {} rows a read, {} postponed {} pulled in {}", g.m, g.n, g.k,
                     t.n_tile, t.k_tile, t.k_piece, pe.fpus, pe.clock_mhz, pe.pipelined_access ? ", pipelined" : "", pe.rows_per_read,
                     enum_name(c.system.controller.refresh), c.system.controller.refresh_postpone, c.system.controller.refresh_pull_in);
}

TEST(TileWalk, takes_the_time_of_in_die_pes_to_the_picosecond) {
  for (int i = 0; i < scaled(80); ++i) {
    const std::uint64_t seed = 7700 + static_cast<std::uint64_t>(i);
    WalkCase c = random_in_die_walk(seed);
    c.system.dram.temperature_c = i % 3 == 0 ? 95 : 45;
    EXPECT_EQ(walked_ps(c), simulated_ps(c)) << "seed " << seed << ": " << in_die_text(c);
    const TilingProblem p = tiling_problem(c.system, 0, c.gemm.shape, c.gemm.pes_per_gemm, c.gemm.bits);
    EXPECT_LE(tiling_bound_ps(c.system.nmp, p, c.gemm.tiling), static_cast<double>(walked_ps(c)))
        << "seed " << seed << ": " << in_die_text(c);
  }
}

TEST(TileWalk, takes_the_time_of_pes_whose_inputs_and_outputs_pass_the_banks_by_to_the_picosecond) {
  for (int i = 0; i < scaled(80); ++i) {
    const std::uint64_t seed = 8300 + static_cast<std::uint64_t>(i);
    WalkCase c = i % 2 == 0 ? random_walk(seed) : random_in_die_walk(seed);
    c.system.nmp.io_path = IoPath::direct;
    EXPECT_EQ(walked_ps(c), simulated_ps(c)) << "seed " << seed << ": " << in_die_text(c);
    const TilingProblem p = tiling_problem(c.system, 0, c.gemm.shape, c.gemm.pes_per_gemm, c.gemm.bits);
    EXPECT_LE(tiling_bound_ps(c.system.nmp, p, c.gemm.tiling), static_cast<double>(walked_ps(c))) << "seed " << seed;
  }
}

/// One bank of each turn stands for its turn, and turns do not wait for one another: refresh that is put off or pulled in uses pauses of
/// the ports in the order of the turns in the simulator, in any order here. REFab has no turns.
TEST(TileWalk, follows_refresh_that_is_put_off_pulled_in_or_in_turns) {
  double worst[3] = {0, 0, 0}, sum[3] = {0, 0, 0};
  int cases[3] = {0, 0, 0};
  for (int i = 0; i < scaled(120); ++i) {
    const std::uint64_t seed = 7900 + static_cast<std::uint64_t>(i);
    WalkCase c = i % 2 == 0 ? random_walk(seed) : random_in_die_walk(seed);
    ControllerConfig& controller = c.system.controller;
    controller.refresh = i % 4 < 3 ? RefreshKind::per_bank : RefreshKind::all_bank;
    controller.refresh_postpone = i % 5 < 2 ? 8 : 0;
    controller.refresh_pull_in = i % 3 == 0 ? 8 : 0;
    const std::int64_t walked = walked_ps(c), simulated = simulated_ps(c);
    if (controller.refresh == RefreshKind::all_bank) {
      EXPECT_EQ(walked, simulated) << "seed " << seed << ": " << in_die_text(c);
      continue;
    }
    const std::size_t kind = controller.refresh_pull_in > 0 ? 2 : (controller.refresh_postpone > 0 ? 1 : 0);
    const double error = std::abs(static_cast<double>(walked) / static_cast<double>(simulated) - 1);
    worst[kind] = std::max(worst[kind], error);
    sum[kind] += error;
    ++cases[kind];
    const double most[] = {0.03, 0.13, 0.40};
    EXPECT_LT(error, most[kind]) << "seed " << seed << ": " << in_die_text(c);
  }
  const double most_mean[] = {0.005, 0.03, 0.08};
  for (const std::size_t kind : {0U, 1U, 2U}) {
    EXPECT_LT(sum[kind], most_mean[kind] * cases[kind]) << kind;
    const char* names[] = {"when_due", "put_off", "pulled_in"};
    RecordProperty(std::string(names[kind]) + "_worst", std::to_string(worst[kind]));
    RecordProperty(std::string(names[kind]) + "_mean", std::to_string(sum[kind] / std::max(1, cases[kind])));
  }
}

}  // namespace
}  // namespace bondsim::test
