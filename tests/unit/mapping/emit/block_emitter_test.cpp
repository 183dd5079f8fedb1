#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

using testing::dataflow;
using testing::h2llm_system;
using testing::lengths;
using testing::model;

struct Totals {
  std::map<std::string, std::int64_t> macs;              // by operator
  std::map<std::string, std::int64_t> stationary_bytes;  // by operator
  std::map<std::string, std::int64_t> parts;             // by operator: banks that hold a part of a stationary operand, each time they do
};

Totals totals_of(const Block& block, const ScheduleHeader& header) {
  Totals t;
  for (const Task& task : block.tasks) {
    const auto bytes = [](const std::vector<Extent>& extents) {
      std::int64_t sum = 0;
      for (const Extent& e : extents) sum += e.bytes();
      return sum;
    };
    const auto banks = [](const std::vector<Extent>& extents) {
      std::int64_t sum = 0;
      for (const Extent& e : extents) sum += e.banks;
      return sum;
    };
    if (task.op < 0) continue;
    const std::string& name = header.operators[static_cast<std::size_t>(task.op)].name;
    if (task.kind == TaskKind::nmp_gemm) {
      t.macs[name] += task.nmp.shape.macs();
      t.stationary_bytes[name] += bytes(task.nmp.stationary);
      t.parts[name] += banks(task.nmp.stationary);
    } else if (task.kind == TaskKind::npu_gemm) {
      t.macs[name] += task.npu.shape.macs();
      t.stationary_bytes[name] += bytes(task.npu.stationary);
      t.parts[name] += banks(task.npu.stationary);
    } else if (task.kind == TaskKind::host_load && header.operators[static_cast<std::size_t>(task.op)].phase == Phase::prefill) {
      t.stationary_bytes[name] += bytes(task.extents);  // of a slice, or K and V of tiles
      t.parts[name] += banks(task.extents);
    }
  }
  return t;
}

class EveryDataflow : public ::testing::TestWithParam<std::tuple<const char*, const char*, int>> {};

/// Llama, OPT and PaLM have shapes whose columns are whole accesses, so the bytes are exact.
TEST_P(EveryDataflow, macs_and_weight_bytes_equal_the_model) {
  const auto [model_name, dataflow_name, batch] = GetParam();
  const Model m = model(model_name);
  const Workload w = lengths(batch, 100, 3);
  const auto source = make_schedule(h2llm_system(), m, w, dataflow(dataflow_name));
  Block block;
  int blocks = 0;
  while (source->next(block)) {
    ++blocks;
    const Totals t = totals_of(block, source->header());
    const OperatorGraph graph = block.layer < 0 ? head_graph(m) : layer_graph(m);
    if (t.macs.empty()) continue;  // embedding
    const std::int64_t rows = block.layer < 0 ? batch : batch * (block.step == 0 ? 100 : 1);
    for (OperatorId v = 0; v < graph.size(); ++v) {
      const Operator& op = graph[v];
      if (op.kind == OperatorKind::weight_gemm) {
        EXPECT_EQ(t.macs.at(op.name), rows * op.n * op.k) << op.name;
        EXPECT_GE(t.stationary_bytes.at(op.name), op.n * op.k * 2) << op.name;
        const bool slices = block.step == 0 && block.layer >= 0;  // which share an access where they meet
        EXPECT_LE(t.stationary_bytes.at(op.name), op.n * op.k * 2 + (slices ? t.parts.at(op.name) * 64 : 0)) << op.name;
      } else if (op.is_gemm()) {
        const std::int64_t context = 100 + block.step;
        EXPECT_EQ(t.macs.at(op.name), rows * m.query_heads * m.head_dim * context) << op.name;
        const std::int64_t exact = batch * m.kv_columns() * context * 2;
        EXPECT_GE(t.stationary_bytes.at(op.name), exact) << op.name;
        EXPECT_LE(t.stationary_bytes.at(op.name), exact + t.parts.at(op.name) * 64)
            << op.name;  // at most one access of a PE's part is not full
      }
    }
  }
  EXPECT_EQ(blocks, 4 * 3);
}

TEST_P(EveryDataflow, tasks_follow_their_dependencies_and_stay_in_the_banks) {
  const auto [model_name, dataflow_name, batch] = GetParam();
  const System system = h2llm_system();
  const auto source = make_schedule(system, model(model_name), lengths(batch, 50, 2), dataflow(dataflow_name));
  Block block;
  while (source->next(block)) {
    for (std::size_t i = 0; i < block.tasks.size(); ++i) {
      const Task& t = block.tasks[i];
      for (const std::int32_t d : t.dependencies) EXPECT_TRUE(d >= 0 && d < static_cast<std::int32_t>(i));
      for (const auto* list : {&t.extents, &t.nmp.input, &t.nmp.stationary, &t.nmp.output, &t.npu.stationary}) {
        for (const Extent& e : *list) {
          EXPECT_LE(e.first_bank + e.banks, 16);
          EXPECT_LE(e.bank_offset + e.max_bytes_per_bank(), system.dram.organization.bank_bytes());
          EXPECT_EQ(e.bank_offset % 32, 0);
          EXPECT_EQ(e.bytes_per_bank % 32, 0);
          EXPECT_EQ(e.extra_bytes % 32, 0);
          EXPECT_TRUE(!t.on_channel() || e.channel == t.channel());
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Mapping, EveryDataflow,
                         ::testing::Combine(::testing::Values("llama-3-8b", "opt-6.7b", "palm-8b"),
                                            ::testing::Values("npu_only", "fc_offloading", "attention_offloading"),
                                            ::testing::Values(1, 4)));

/// Bytes as a set of (channel, bank, access) so that overlap and coverage can be seen.
std::set<std::tuple<int, int, std::int64_t>> accesses(const std::vector<Extent>& extents) {
  std::set<std::tuple<int, int, std::int64_t>> out;
  for (const Extent& e : extents) {
    for (int b = 0; b < e.banks; ++b) {
      for (std::int64_t x = 0; x < e.bytes_of_bank(b); x += 32) out.insert({e.channel, e.first_bank + b, e.bank_offset + x});
    }
  }
  return out;
}

/// Every access of the KV cache that a step reads was written by an append of this or an earlier step (or pads the last one).
TEST(Mapping, decode_reads_the_kv_that_was_appended) {
  for (const char* name : {"fc_offloading", "attention_offloading"}) {
    const auto source = make_schedule(h2llm_system(), model("llama-3-8b"), lengths(3, 37, 12), dataflow(name));
    std::map<std::string, std::set<std::tuple<int, int, std::int64_t>>> written;
    Block block;
    while (source->next(block)) {
      for (const Task& t : block.tasks) {
        if (t.op < 0 || block.layer < 0) continue;
        const std::string& op = source->header().operators[static_cast<std::size_t>(t.op)].name;
        if (t.kind == TaskKind::kv_append) {
          for (const auto& a : accesses(t.extents)) written[op == "k_append" ? "qk" : "sv"].insert(a);
        }
        if (op != "qk" && op != "sv") continue;
        for (const auto& a : accesses(t.kind == TaskKind::nmp_gemm ? t.nmp.stationary : t.npu.stationary)) {
          auto before = a;
          std::get<2>(before) -= 32;
          EXPECT_TRUE(written[op].count(a) + written[op].count(before) > 0) << name << " step " << block.step;
        }
      }
    }
  }
}

/// A channel's tasks go in turn: a GEMM listed behind an append waits for what is appended.
TEST(Mapping, no_weight_gemm_stands_between_new_rows_of_a_cache_and_who_reads_them) {
  const std::pair<const char*, const char*> cases[] = {{"llama-3-8b", "fc_offloading"},     {"llama-3-8b", "attention_offloading"},
                                                       {"llama-3-8b", "data_centric"},      {"llama-3-8b", "llama-3-8b-chat-on-h2llm"},
                                                       {"palm-8b", "attention_offloading"}, {"palm-8b", "fc_offloading"}};
  for (const auto& [model_name, name] : cases) {
    const auto source = make_schedule(h2llm_system(), model(model_name), lengths(1, 20, 2), dataflow(name));
    Block block;
    int appends = 0;
    while (source->next(block)) {
      bool appended = false;
      for (const Task& t : block.tasks) {
        const std::string op = t.op < 0 ? "" : source->header().operators[static_cast<std::size_t>(t.op)].name;
        const bool gemm = t.kind == TaskKind::nmp_gemm || t.kind == TaskKind::npu_gemm;
        if (op == "qk" || op == "sv") appended = false;
        EXPECT_FALSE(gemm && appended) << name << ": " << op << " in step " << block.step;
        if (t.kind != TaskKind::kv_append) continue;
        appended = true;
        ++appends;
      }
      EXPECT_FALSE(appended) << name;
    }
    EXPECT_GE(appends, 6) << name;
  }
}

TEST(Mapping, tensors_of_a_step_do_not_share_bytes) {
  for (const char* name : {"npu_only", "fc_offloading", "attention_offloading"}) {
    const auto source = make_schedule(h2llm_system(), model("opt-6.7b"), lengths(1, 20, 1), dataflow(name));
    Block block;
    while (source->next(block)) {
      // Rows taken by the stationary operands of different operators (regions are row-aligned), and by the activations.
      std::map<std::tuple<int, std::int64_t>, std::string> owner;
      for (const Task& t : block.tasks) {
        if (t.op < 0) continue;
        const std::string& op = source->header().operators[static_cast<std::size_t>(t.op)].name;
        for (const Extent& e : t.kind == TaskKind::nmp_gemm ? t.nmp.stationary : t.npu.stationary) {
          for (std::int64_t row = e.bank_offset / 2048; row * 2048 < e.bank_offset + e.max_bytes_per_bank(); ++row) {
            const auto [slot, fresh] = owner.insert({{e.channel, row}, op});
            EXPECT_TRUE(fresh || slot->second == op)
                << op << " and " << slot->second << " share row " << row << " of channel " << e.channel;
          }
        }
        for (const Extent& e : t.kind == TaskKind::nmp_gemm ? t.nmp.output : std::vector<Extent>{}) {
          EXPECT_EQ(owner.count({e.channel, e.bank_offset / 2048}), 0u) << "output of " << op;
        }
      }
    }
  }
}

TEST(Mapping, layers_one_uses_the_addresses_of_layer_0_and_all_layers_differ) {
  Workload w = lengths(1, 10, 1);
  const auto one = make_schedule(h2llm_system(), model("llama-3-8b"), w, dataflow("npu_only"));
  w.layers = LayerMode::all;
  const auto all = make_schedule(h2llm_system(), model("llama-3-8b"), w, dataflow("npu_only"));
  Block a;
  Block b;
  std::set<std::int64_t> offsets;
  int blocks = 0;
  one->next(a);
  one->next(a);
  EXPECT_EQ(a.layers, 32);
  all->next(b);
  while (all->next(b) && b.step == 0 && b.layer >= 0) {
    ++blocks;
    ASSERT_EQ(a.tasks.size(), b.tasks.size());
    const auto gemm = std::find_if(b.tasks.begin(), b.tasks.end(), [](const Task& t) { return t.kind == TaskKind::npu_gemm; });
    offsets.insert(gemm->npu.stationary.front().bank_offset);
    const auto& first = a.tasks[static_cast<std::size_t>(gemm - b.tasks.begin())].npu.stationary.front();
    EXPECT_EQ(gemm->npu.stationary.front().bank_offset == first.bank_offset, b.layer == 0);
  }
  EXPECT_EQ(blocks, 32);
  EXPECT_EQ(offsets.size(), 32u);
}

TEST(Mapping, operators_that_share_an_input_share_its_scatter_and_stay_in_nmp_mode) {
  const auto source = make_schedule(h2llm_system(), model("llama-3-8b"), lengths(1, 10, 1), dataflow("fc_offloading"));
  Block block;
  while (source->next(block) && !(block.step == 1 && block.layer == 0)) {
  }
  int scatters = 0;
  int gemms = 0;
  int stays = 0;
  for (const Task& t : block.tasks) {
    if (t.executor != ExecutorId::of_channel(0)) continue;
    scatters += t.kind == TaskKind::host_scatter;
    gemms += t.kind == TaskKind::nmp_gemm;
    stays += t.kind == TaskKind::nmp_gemm && !t.nmp.leave_mode;
  }
  EXPECT_EQ(scatters, 4);  // q k v, o, f1 f3, f2
  EXPECT_EQ(gemms, 7);
  EXPECT_EQ(stays, 3);  // q, k, f1
}

/// PaLM has one KV head; a share of it can only be all or nothing.
TEST(Mapping, a_share_of_the_heads_is_the_nearest_number_of_them) {
  const auto runs = [](const char* name, int batch, double share) {
    const std::string text = fmt::format(
        "schema: bondsim.dataflow/1\nname: d\noperators:\n"
        "  - {{names: [qk, sv], executor: split, nmp_channels: all, normal_channels: true, nmp_share: {}}}\n"
        "  - {{names: [all], executor: nmp, nmp_channels: all, normal_channels: false}}\n",
        share);
    const Plan plan = make_plan(h2llm_system(), model(name), lengths(batch, 40, 1), decode_dataflow(parse_yaml(text, "d.yaml")));
    std::int64_t heads = 0;
    for (const HeadRun& run : plan.attention.at("qk").runs) heads += run.part == 0 ? run.gemms : 0;
    return heads;
  };
  EXPECT_EQ(runs("palm-8b", 1, 0.97), 1);
  EXPECT_EQ(runs("palm-8b", 1, 0.4), 0);
  EXPECT_EQ(runs("llama-3-8b", 1, 0.8), 6);
  EXPECT_EQ(runs("llama-3-8b", 2, 0.97), 16);
}

TEST(Mapping, a_model_that_does_not_fit_is_infeasible_and_says_where) {
  try {
    make_schedule(h2llm_system(0, 2), model("llama-3-8b"), lengths(1, 10, 1), dataflow("npu_only"));
    FAIL() << "16 GB were placed in 8 GB";
  } catch (const InfeasibleError& e) {
    EXPECT_NE(std::string(e.what()).find("channel 0 needs "), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find(" GB of 4.295: weights "), std::string::npos) << e.what();
  }
}

TEST(Mapping, context_beyond_the_model_is_infeasible) {
  EXPECT_THROW(make_schedule(h2llm_system(), model("opt-6.7b"), lengths(1, 2000, 49), dataflow("npu_only")), InfeasibleError);
  EXPECT_NO_THROW(make_schedule(h2llm_system(), model("opt-6.7b"), lengths(1, 2000, 48), dataflow("npu_only")));
}

}  // namespace
}  // namespace bondsim
