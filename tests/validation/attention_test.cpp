#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <vector>

#include "mapping/cost/detailed/detailed.hpp"
#include "mapping/emit/block_parts.hpp"
#include "mapping/emit/single_operator.hpp"
#include "mapping/plan/plan.hpp"
#include "mapping/tiling/port_stream.hpp"
#include "models/base/quantity.hpp"
#include "tests/support/command.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/one_block.hpp"
#include "tests/support/scale.hpp"

/// Heads side by side in the channels: an attention operator of decode alone on the device, without refresh, as its block has it.
namespace bondsim::test {
namespace {

/// Random cases of a test, as many as BONDSIM_ATTENTION_CASES says, else as many as it draws by itself; and how far their seeds lie beyond
/// its own (BONDSIM_ATTENTION_SEED).
int random_cases(int usual) {
  const char* text = std::getenv("BONDSIM_ATTENTION_CASES");
  return text == nullptr ? scaled(usual) : std::atoi(text);
}

std::uint64_t seed_of(std::uint64_t first, int i) {
  const char* text = std::getenv("BONDSIM_ATTENTION_SEED");
  return first + (text == nullptr ? 0 : std::strtoull(text, nullptr, 10)) + static_cast<std::uint64_t>(i);
}

struct AttentionCase {
  Case inputs;
  std::int64_t heads = 0;
  std::int64_t context = 0;
};

System device_of(int channels, int banks) {
  System s = shipped_system("h2llm");
  s.set_channels(channels, 0);
  s.dram.organization.bank_groups = banks / s.dram.organization.banks_per_group;
  s.fidelity.refresh = false;
  return s;
}

AttentionCase attention_case(System system, std::int64_t heads, std::int64_t queries, std::int64_t context) {
  AttentionCase c{{std::move(system), shipped_model("llama-3-8b"), shipped_workload("sharegpt"), shipped_dataflow("attention_offloading")},
                  heads,
                  context};
  Model& m = c.inputs.model;
  m.layers = 1;
  m.kv_heads = heads;
  m.query_heads = heads * queries;
  m.hidden = m.intermediate = 256;
  m.vocab = 256;
  m.max_context = 1 << 20;
  c.inputs.workload.prompt_tokens = context - 1;
  c.inputs.workload.generated_tokens = 1;
  return c;
}

/// The blocks of operator `name` in the decode steps, by step.
std::vector<Block> decode_blocks(const Case& c, const std::string& name) {
  const auto schedule = make_schedule(c.system, c.model, c.workload, c.dataflow);
  const auto& operators = schedule->header().operators;
  const auto op =
      std::find_if(operators.begin(), operators.end(), [&](const OperatorInfo& o) { return o.name == name && o.phase == Phase::decode; });
  std::vector<Block> blocks;
  Block block;
  while (schedule->next(block)) {
    if (block.phase == Phase::decode && block.layer >= 0) {
      blocks.push_back(operator_block(block, static_cast<std::int32_t>(op - operators.begin())));
    }
  }
  return blocks;
}

std::int64_t simulated_ps(const System& system, Block block) {
  return std::stoll(run_isolated([&] {
    for (Task& t : block.tasks) t.op = 0;
    for (OperatorWork& w : block.work) w.op = 0;
    OneBlockSchedule schedule = one_block_by_hand(system, std::move(block));
    return std::to_string(simulate(system, schedule).total.value);
  }));
}

std::int64_t attention_ps(const AttentionCase& c, const std::string& name) {
  return simulated_ps(c.inputs.system, decode_blocks(c.inputs, name).front());
}

/// Most rounds of a channel: products of the PEs one after the other, each with transfers of its own.
std::int64_t rounds_of(const Block& block) {
  std::map<std::int32_t, std::int64_t> rounds;
  for (const Task& t : block.tasks) {
    if (t.kind == TaskKind::nmp_gemm) ++rounds[t.channel()];
  }
  std::int64_t most = 1;
  for (const auto& channel : rounds) most = std::max(most, channel.second);
  return most;
}

/// Transfers of a few bursts a bank take their rows one by one, which the closed form does not follow: in each round.
double host_latency_ps(const Block& block) { return 200e3 * static_cast<double>(rounds_of(block)); }

/// A row of a bank opened, read and closed.
std::int64_t row_cycle_ps(const System& s) {
  const PortTiming t = port_timing(s.dram, s.nmp, false);
  return row_gap_ps(t) + t.page_bytes / t.access_bytes * t.access;
}

TEST(Attention, uneven_heads_take_as_long_as_even_ones) {
  // Llama2-13B's 40 heads on 16 channels, at contexts whose tokens the PEs of a head do and do not share evenly.
  const System system = device_of(16, 16);
  for (const char* name : {"qk", "sv"}) {
    const std::int64_t even = attention_ps(attention_case(system, 40, 1, 1920), name);
    for (const std::int64_t context : {1914, 1919, 1921, 1926}) {
      const std::int64_t uneven = attention_ps(attention_case(system, 40, 1, context), name);
      EXPECT_NEAR(static_cast<double>(uneven), static_cast<double>(even), 2.0 * static_cast<double>(row_cycle_ps(system)))
          << name << " at " << context;
    }
  }
}

TEST(Attention, grows_by_at_most_a_row_cycle_a_token) {
  for (int i = 0; i < random_cases(12); ++i) {
    const std::uint64_t seed = seed_of(8300, i);
    Random r(seed);
    const System system = device_of(static_cast<int>(r.between(1, 20)), static_cast<int>(r.one_of({16, 32, 64})));
    const std::int64_t queries = r.one_of({1, 2, 4});
    AttentionCase c = attention_case(system, r.between(1, 60), queries, r.between(20, 1500));
    c.inputs.workload.generated_tokens = 7;
    for (const char* name : {"qk", "sv"}) {
      const auto blocks = decode_blocks(c.inputs, name);
      std::int64_t before = 0;
      for (const Block& block : blocks) {
        const std::int64_t now = simulated_ps(system, block);
        // A token may also begin another group of columns or of K in the PEs of each round; tilings are chosen within 0.3 % of the best.
        std::int64_t rounds = 1, cycles = 0;
        for (const Task& t : block.tasks) {
          if (t.kind != TaskKind::nmp_gemm || t.executor != block.tasks.front().executor) continue;
          ++rounds;
          cycles += queries * ceil_div<std::int64_t>(128, system.nmp.pe.macs_per_fpu);
        }
        const auto most = static_cast<double>(rounds * row_cycle_ps(system)) + static_cast<double>(cycles) * 1e6 / system.nmp.pe.clock_mhz +
                          0.006 * static_cast<double>(now);
        if (before > 0) {
          EXPECT_LE(std::abs(static_cast<double>(now - before)), most) << fmt::format(
              "seed {}: {} heads of {} queries, {} channels of {} banks, {} at {} + {} tokens: {} after {} ps", seed, c.heads, queries,
              system.nmp_channel_count(), system.dram.organization.banks(), name, c.context, block.step, now, before);
        }
        before = now;
      }
    }
  }
}

TEST(Attention, a_few_heads_more_take_little_longer) {
  for (int i = 0; i < random_cases(10); ++i) {
    const std::uint64_t seed = seed_of(8500, i);
    Random r(seed);
    // The first case is AttAcc's: 130 heads on 16 channels of 64 banks.
    const System system =
        i == 0 ? device_of(16, 64) : device_of(static_cast<int>(r.between(2, 20)), static_cast<int>(r.one_of({16, 32, 64})));
    const std::int64_t whole = i == 0 ? 128 : system.nmp_channel_count() * r.between(4, 10);
    const std::int64_t more = i == 0 ? 130 : whole + r.between(1, system.nmp_channel_count() - 1);
    const std::int64_t context = i == 0 ? 2048 : r.between(1500, 3000);
    const double most = 1.10 * static_cast<double>(more) / static_cast<double>(whole);
    // Heads beyond a whole number a channel are a round more, which opens rows of its own for operands and results; not for AttAcc's.
    const double rows = i == 0 ? 0 : 2 * static_cast<double>(row_cycle_ps(system));
    for (const char* name : {"qk", "sv"}) {
      const auto few = static_cast<double>(attention_ps(attention_case(system, whole, 1, context), name));
      const auto many = static_cast<double>(attention_ps(attention_case(system, more, 1, context), name));
      EXPECT_LE(many, most * few + rows) << fmt::format("seed {}: {} and {} heads on {} channels of {} banks, {} at {} tokens", seed, whole,
                                                        more, system.nmp_channel_count(), system.dram.organization.banks(), name, context);
    }
    // The same as an operator alone, and its closed form.
    const auto alone = [&](std::int64_t heads) {
      SingleOperator op;
      op.shape = {heads, 1, context, 128};
      for (int channel = 0; channel < system.nmp_channel_count(); ++channel) op.channels.push_back(channel);
      Block block;
      single_operator_schedule(system, op)->next(block);
      const double closed = cost::TaskTiming(system).operator_ps(cost::plan_on_nmp(system, op.shape, op.bits));
      const auto simulated = static_cast<double>(simulated_ps(system, block));
      EXPECT_NEAR(closed, simulated, 0.03 * simulated + host_latency_ps(block)) << "seed " << seed << ": " << heads << " heads";
      return simulated;
    };
    EXPECT_LE(alone(more), most * alone(whole) + rows) << "seed " << seed;
  }
}

TEST(Attention, closed_form_follows_uneven_heads) {
  for (int i = 0; i < random_cases(20); ++i) {
    const std::uint64_t seed = seed_of(8700, i);
    Random r(seed);
    const System system = device_of(static_cast<int>(r.between(1, 20)), static_cast<int>(r.one_of({16, 32, 64})));
    const AttentionCase c = attention_case(system, r.between(1, 100), r.one_of({1, 4}), r.between(100, 3000));
    for (const char* name : {"qk", "sv"}) {
      const Block block = decode_blocks(c.inputs, name).front();
      const double closed = cost::TaskTiming(system).block_ps(block);
      const auto simulated = static_cast<double>(simulated_ps(system, block));
      EXPECT_NEAR(closed, simulated, 0.03 * simulated + host_latency_ps(block))
          << fmt::format("seed {}: {} heads on {} channels of {} banks, {} at {} tokens", seed, c.heads, system.nmp_channel_count(),
                         system.dram.organization.banks(), name, c.context);
    }
  }
}

TEST(Attention, small_buffers_are_tiled_as_well_as_for_weights) {
  // Llama-3-70B's heads (8 KV heads of 8 queries) on 10 channels, with buffers that do not hold the queries of a channel.
  const auto with_buffers = [](double kib, double input_kib) {
    System system = device_of(10, 16);
    system.nmp.pe.weight_buffer_kib = system.nmp.pe.output_buffer_kib = kib;
    system.nmp.input_buffer_kib = input_kib;
    return attention_case(system, 8, 8, 4096);
  };
  for (const char* name : {"qk", "sv"}) {
    const auto large = static_cast<double>(attention_ps(with_buffers(32, 128), name));
    EXPECT_LE(static_cast<double>(attention_ps(with_buffers(2, 2), name)), 1.5 * large) << name;
    EXPECT_LE(static_cast<double>(attention_ps(with_buffers(2, 1), name)), 2 * large) << name;
  }
}

TEST(Attention, walked_tilings_are_those_of_the_run) {
  // What `map --explain` says of a run against the cycles, over buffers that cut K and V into blocks.
  for (int i = 0; i < scaled(12); ++i) {
    const std::uint64_t seed = 8900 + static_cast<std::uint64_t>(i);
    Random r(seed);
    System system = device_of(1, static_cast<int>(r.one_of({16, 32})));
    system.nmp.pe.weight_buffer_kib = r.one_of({1.0, 2.0, 8.0});
    system.nmp.pe.output_buffer_kib = r.one_of({0.5, 1.0, 4.0});
    system.nmp.input_buffer_kib = r.one_of({0.5, 1.0, 4.0});
    const AttentionCase c = attention_case(system, r.between(1, 20), r.one_of({2, 4, 8}), r.between(500, 3000));
    const Plan plan = make_plan(c.inputs.system, c.inputs.model, c.inputs.workload, c.inputs.dataflow);
    for (const char* name : {"qk", "sv"}) {
      const AttentionPlacement& a = plan.attention.at(name);
      double walked = 0;
      for (const HeadRun& run : a.runs) {
        TilingProblem p = run_problem(system, a, run, {c.context, 1});
        p.port.refi = 0;
        walked += tiling_cost_ps(system.nmp, p, run_tiling(system, a, run, {c.context, 1}));
      }
      Block alone = decode_blocks(c.inputs, name).front();
      std::vector<Task> gemms;
      for (Task& t : alone.tasks) {
        t.dependencies.clear();
        if (t.kind == TaskKind::nmp_gemm) gemms.push_back(t);
      }
      alone.tasks = gemms;
      // Modes, and the rows that a tensor's last group of tokens leaves open.
      const double around = 2e3 * system.nmp.mode_change_ns + 8.0 * static_cast<double>(a.runs.size() * row_cycle_ps(system));
      const auto simulated = static_cast<double>(simulated_ps(system, alone));
      EXPECT_NEAR(simulated, walked, 0.03 * walked + around)
          << fmt::format("seed {}: {} of {} heads at {} tokens, buffers {}/{}/{}", seed, name, c.heads, c.context,
                         system.nmp.input_buffer_kib, system.nmp.pe.weight_buffer_kib, system.nmp.pe.output_buffer_kib);
    }
  }
}

TEST(Attention, tilings_that_do_not_fit_are_infeasible_before_anything_runs) {
  AttentionCase c = attention_case(device_of(2, 16), 2, 32, 40);
  c.inputs.system.nmp.pe.output_buffer_kib = 0.0625;  // 16 accumulators, a column of qk has 32
  try {
    make_plan(c.inputs.system, c.inputs.model, c.inputs.workload, c.inputs.dataflow);
    FAIL() << "a plan was made";
  } catch (const InfeasibleError& e) {
    EXPECT_NE(std::string(e.what()).find("qk on channel 0: no tile"), std::string::npos) << e.what();
  }
  const std::string experiment = config_path("experiment/h2llm-llama3-8b-sharegpt-attention-offloading.yaml");
  for (const char* command : {"run", "map", "estimate"}) {
    const CommandResult outcome =
        bondsim_command(fmt::format("{} {} --set system.nmp.pe.output_buffer_kib=0.0625 --set model.query_heads=256", command, experiment));
    EXPECT_EQ(outcome.status, 1) << command << ": " << outcome.output;
    EXPECT_NE(outcome.output.find("fits the buffers"), std::string::npos) << command << ": " << outcome.output;
  }
}

/// A schedule that finds at its second block that it cannot go on.
class LateFailure : public ScheduleSource {
 public:
  explicit LateFailure(OneBlockSchedule& first) : first_(first) {}
  const ScheduleHeader& header() const override { return first_.header(); }
  using ScheduleSource::next;
  bool next(Picoseconds now, Block& block) override {
    if (first_.next(now, block)) return true;
    throw InfeasibleError("the cache of step 2 does not fit");
  }

 private:
  OneBlockSchedule& first_;
};

TEST(Attention, a_schedule_that_becomes_infeasible_later_keeps_its_reason) {
  Block block;
  block.tasks.emplace_back();
  EXPECT_THROW(run_isolated([&] {
                 OneBlockSchedule first = one_block_by_hand(device_of(2, 16), block);
                 LateFailure schedule(first);
                 return std::to_string(simulate(device_of(2, 16), schedule).total.value);
               }),
               InfeasibleError);
}

}  // namespace
}  // namespace bondsim::test
