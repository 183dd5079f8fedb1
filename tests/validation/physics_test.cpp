#include <gtest/gtest.h>

#include "models/nmp/tile_program.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/scale.hpp"

/// Bounds that no run may violate, over random systems and models. The seed of a failing case is printed.
namespace bondsim::test {
namespace {

constexpr std::uint64_t first_seed = 4100;
constexpr int cases = 60;

double nmp_rate(const System& s) {
  return static_cast<double>(s.dram.organization.banks()) * s.nmp.pe.fpus * s.nmp.pe.macs_per_fpu * s.nmp.pe.clock_mhz * 1e6;
}
double hb_rate(const System& s) { return s.dram.organization.banks() * s.nmp.hb.bandwidth_gbps * 1e9; }
double bus_rate(const System& s) { return s.dram.organization.access_bytes() * s.dram.timing.ck_mhz * 1e6 / s.dram.timing.n_bl_min; }

std::string bound_violations(const System& s, const Results& r) {
  std::string out;
  const auto require = [&](double latency, double bound, const std::string& what) {
    if (latency < bound * (1 - 1e-12)) out += fmt::format("{}: {} s is below the bound of {} s\n", what, latency, bound);
  };
  const double nmp = std::max(1, s.nmp_channel_count()), all = s.channel_count();
  for (const OperatorResult& op : r.operators) {
    if (op.name == "(background)") continue;
    const double latency = to_seconds(op.span);
    require(latency, static_cast<double>(op.counts.pe_macs) / (nmp * nmp_rate(s)), op.name + " MACs of PEs");
    require(latency, static_cast<double>(op.counts.npu_macs) / s.npu.peak_macs(), op.name + " MACs of the NPU");
    require(latency, static_cast<double>(op.counts.hb_bits()) / 8 / (nmp * hb_rate(s)), op.name + " bytes over HB");
    require(latency, static_cast<double>(op.counts.host_bits()) / 8 / (all * bus_rate(s)), op.name + " bytes over the bus");
  }
  for (const ChannelResult& ch : r.channels) {
    const double hb = static_cast<double>(ch.hb_bytes_read + ch.hb_bytes_written);
    const double host = static_cast<double>(ch.bytes_read + ch.bytes_written) - hb;
    require(to_seconds(r.total), hb / hb_rate(s) + host / bus_rate(s), fmt::format("channel {}", ch.id));
    if (ch.time.sum() != r.total)
      out += fmt::format("channel {}: parts sum to {} ps of {} ps\n", ch.id, ch.time.sum().value, r.total.value);
    if (ch.prefill.sum() != r.prefill)
      out += fmt::format("channel {}: parts of the prefill sum to {} ps of {} ps\n", ch.id, ch.prefill.sum().value, r.prefill.value);
  }
  if (r.npu.sum() != r.total) out += "NPU: the parts do not sum to the run\n";
  return out;
}

TEST(Physics, never_faster_than_peak_bandwidth_or_peak_rate_and_times_sum_exactly) {
  for (int i = 0; i < scaled(cases); ++i) {
    const std::uint64_t seed = first_seed + static_cast<std::uint64_t>(i);
    const Case c = random_case(seed);
    const std::string wrong = simulate_isolated(c, {}, [&](const Results& r) { return bound_violations(c.system, r); });
    EXPECT_EQ(wrong, "") << "seed " << seed << ": " << describe(c);
  }
}

/// MACs of a run from the model's shapes alone.
std::int64_t expected_macs(const Case& c) {
  const Model& m = c.model;
  const std::int64_t ffn = (m.gated_ffn ? 3 : 2) * m.hidden * m.intermediate;
  const std::int64_t weights = m.hidden * (m.query_columns() + 2 * m.kv_columns()) + m.query_columns() * m.hidden + ffn;
  const std::int64_t attention = 2 * m.query_columns();
  const std::int64_t head = m.hidden * m.vocab;
  const std::int64_t batch = c.workload.batch, prompt = c.workload.prompt_tokens;
  std::int64_t macs = batch * (m.layers * (prompt * weights + prompt * prompt * attention) + head);
  for (std::int64_t s = 1; s <= c.workload.generated_tokens; ++s) macs += batch * (m.layers * (weights + (prompt + s) * attention) + head);
  return macs;
}

TEST(Conservation, macs_of_the_run_are_the_models) {
  for (int i = 0; i < scaled(cases); ++i) {
    const std::uint64_t seed = first_seed + static_cast<std::uint64_t>(i);
    const Case c = random_case(seed);
    const std::string macs = simulate_isolated(c, {}, [](const Results& r) {
      std::int64_t sum = 0;
      for (const OperatorResult& op : r.operators) sum += op.macs;
      return std::to_string(sum);
    });
    EXPECT_EQ(macs, std::to_string(expected_macs(c))) << "seed " << seed << ": " << describe(c);
  }
}

/// Bytes each channel must move, from the extents its tasks list.
struct ListedBytes {
  std::vector<std::int64_t> read, written;
};

ListedBytes listed_bytes(const Case& c) {
  ListedBytes listed{std::vector<std::int64_t>(static_cast<std::size_t>(c.system.channel_count())), {}};
  listed.written = listed.read;
  const auto add = [](std::vector<std::int64_t>& to, const std::vector<Extent>& extents, std::int64_t repeat) {
    for (const Extent& e : extents) to[static_cast<std::size_t>(e.channel)] += e.bytes() * repeat;
  };
  const auto schedule = make_schedule(c.system, c.model, c.workload, c.dataflow);
  Block block;
  while (schedule->next(block)) {
    for (const Task& task : block.tasks) {
      if (task.kind == TaskKind::host_load) add(listed.read, task.extents, block.executions());
      if (task.kind == TaskKind::host_scatter || task.kind == TaskKind::kv_append) add(listed.written, task.extents, block.executions());
      add(listed.read, task.npu.stationary, block.executions());
      if (task.kind != TaskKind::nmp_gemm) continue;
      const TileProgram program(task.nmp, c.system.nmp);
      const std::int64_t n_tiles = ceil_div(ceil_div<std::int64_t>(task.nmp.shape.n, task.nmp.pes_per_gemm), task.nmp.tiling.n_tile);
      const bool reloaded = !program.input_resident() && task.nmp.tiling.order == LoopOrder::output_stationary;
      const std::int64_t k_spills = ceil_div(task.nmp.shape.k, task.nmp.tiling.k_tile) - 1;
      add(listed.read, task.nmp.stationary, block.executions());
      add(listed.read, task.nmp.input, block.executions() * (reloaded ? n_tiles : 1));
      add(listed.written, task.nmp.output, block.executions());
      if (task.nmp.tiling.order == LoopOrder::input_stationary) {
        add(listed.read, task.nmp.partials, block.executions() * k_spills);
        add(listed.written, task.nmp.partials, block.executions() * k_spills);
      }
    }
    block = Block{};
  }
  return listed;
}

TEST(Conservation, each_channel_moves_the_bytes_its_tasks_list) {
  for (int i = 0; i < scaled(cases); ++i) {
    const std::uint64_t seed = first_seed + static_cast<std::uint64_t>(i);
    const Case c = random_case(seed);
    const ListedBytes listed = listed_bytes(c);
    const std::string wrong = simulate_isolated(c, {}, [&](const Results& r) {
      std::string out;
      for (std::size_t ch = 0; ch < r.channels.size(); ++ch) {
        if (r.channels[ch].bytes_read == listed.read[ch] && r.channels[ch].bytes_written == listed.written[ch]) continue;
        out += fmt::format("channel {}: read {} of {}, written {} of {}\n", ch, r.channels[ch].bytes_read, listed.read[ch],
                           r.channels[ch].bytes_written, listed.written[ch]);
      }
      return out;
    });
    EXPECT_EQ(wrong, "") << "seed " << seed << ": " << describe(c);
  }
}

std::string without_wall_time(std::string json) {
  const std::size_t at = json.find("\"wall_s\"");
  return at == std::string::npos ? json : json.erase(at, json.find('\n', at) - at);
}

TEST(Determinism, same_bytes_twice_and_with_modules_constructed_in_another_order) {
  for (int i = 0; i < scaled(20); ++i) {
    const std::uint64_t seed = first_seed + static_cast<std::uint64_t>(i);
    const Case c = random_case(seed);
    SimulateOptions other;
    other.construction = ConstructionOrder::npu_first;
    const auto report = [](const Results& r) { return without_wall_time(results_json(r)); };
    const std::string once = simulate_isolated(c, {}, report);
    EXPECT_EQ(once, simulate_isolated(c, {}, report)) << "seed " << seed;
    EXPECT_EQ(once, simulate_isolated(c, other, report)) << "seed " << seed << ": " << describe(c);
  }
}

}  // namespace
}  // namespace bondsim::test
