#include <gtest/gtest.h>

#include <functional>
#include <random>
#include <sstream>

#include "models/schedule/schedule_json.hpp"
#include "models/system/validate/validator.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

using testing::dataflow;
using testing::h2llm_system;
using testing::lengths;
using testing::model;

std::string written(ScheduleSource& source) {
  std::ostringstream out;
  ScheduleWriter writer(out, source.header());
  Block block;
  while (source.next(block)) writer.write(block);
  return out.str();
}

class EveryShippedDataflow : public ::testing::TestWithParam<std::tuple<const char*, const char*>> {};

TEST_P(EveryShippedDataflow, maps_to_a_schedule_without_fault) {
  const auto [model_name, dataflow_name] = GetParam();
  Workload w = lengths(3, 70, 3);
  w.prompts = {70, 11, 70};  // a batch of different prompts
  const auto source = make_schedule(h2llm_system(), model(model_name), w, dataflow(dataflow_name));
  const auto fault = validate_schedule(h2llm_system(), *source);
  EXPECT_FALSE(fault) << fault->text();
}

INSTANTIATE_TEST_SUITE_P(Schedule, EveryShippedDataflow,
                         ::testing::Combine(::testing::Values("llama-3-8b", "opt-6.7b"),
                                            ::testing::Values("npu_only", "fc_offloading", "attention_offloading",
                                                              "attention_offloading_with_ffn_splitting", "compute_centric",
                                                              "data_centric")));
INSTANTIATE_TEST_SUITE_P(SchedulePalm, EveryShippedDataflow,
                         ::testing::Combine(::testing::Values("palm-8b"),
                                            ::testing::Values("fc_offloading", "attention_offloading", "data_centric_parallel")));

TEST(ScheduleText, reading_what_was_written_gives_the_same_bytes) {
  const auto source = make_schedule(h2llm_system(), model("llama-3-8b"), lengths(2, 33, 2), dataflow("data_centric"));
  const std::string text = written(*source);
  const auto read = read_schedule(std::make_unique<std::istringstream>(text), "text");
  EXPECT_EQ(written(*read), text);
  EXPECT_GT(text.size(), 10'000u);
}

std::string error_of(const std::string& text) {
  try {
    const auto source = read_schedule(std::make_unique<std::istringstream>(text), "s.json");
    Block block;
    while (source->next(block)) {
    }
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(ScheduleText, errors_name_the_line_and_the_field) {
  const std::string header =
      R"({"schema":"bondsim.schedule/2","model":"m","dataflow":"d","channels":["nmp.channel0"],"batch":1,"layers":1,"steps":0,"all_layers":false,"operators":[["q","prefill","npu"]]})"
      "\n";
  EXPECT_EQ(error_of(""), "s.json: empty, a schedule begins with its header line");
  EXPECT_EQ(error_of(R"({"schema":"bondsim.schedule/3"})"),
            "s.json:1: schema: 'bondsim.schedule/3' is not known, allowed: bondsim.schedule/2");
  EXPECT_EQ(error_of(R"({"schema":"bondsim.schedule/1"})"),
            "s.json:1: schema: 'bondsim.schedule/1' was written by an older version, write it again with bondsim map");
  EXPECT_NE(error_of(header + "{\"phase\":\"prefill\"").find("s.json:2: not valid JSON"), std::string::npos);
  const auto task = [&](const std::string& t) {
    return error_of(header + R"({"phase":"prefill","step":0,"layer":0,"tasks":[)" + t + "]}");
  };
  EXPECT_NE(task(R"({"kind":"sleep"})").find("s.json:2: tasks[0].kind: 'sleep' is not known, allowed: host_scatter, nmp_gemm"),
            std::string::npos);
  EXPECT_NE(task(R"({"kind":"npu_vector","op":0})").find("tasks[0]: 'vector' is missing"), std::string::npos);
  EXPECT_NE(task(R"({"kind":"npu_vector","op":0,"vector":["norm",1.5]})").find("tasks[0].vector[1]: 1.5 found, a whole number"),
            std::string::npos);
  EXPECT_NE(task(R"({"kind":"host_load","op":0,"extents":[[0,0,16,0]]})").find("tasks[0].extents[0]: 4 values found, 5 expected"),
            std::string::npos);
  EXPECT_NE(task(R"({"kind":"barrier","when":3})").find("unknown key 'when'"), std::string::npos);
  EXPECT_NE(task(R"({"kind":"barrier","op":4294967296})").find("does not fit 32 bits"), std::string::npos);
  EXPECT_NE(task(R"({"kind":"host_load","on":"hb.channel9"})").find("tasks[0].on: 'hb.channel9' is not known, allowed: npu.arrays"),
            std::string::npos);
  EXPECT_EQ(task(R"({"kind":"barrier","on":"none"})"), "");
  EXPECT_EQ(task(R"({"kind":"barrier"})"), "");
}

/// A decode block whose GEMMs are cut over K and N, split between PEs and NPU, and whose attention runs on the PEs.
struct Sample {
  System system = h2llm_system();
  std::unique_ptr<ScheduleSource> source;
  ScheduleHeader header;
  std::vector<Block> blocks;

  explicit Sample(const char* flow = "data_centric") {
    source = make_schedule(system, model("llama-3-8b"), lengths(2, 40, 1), dataflow(flow));
    header = source->header();
    Block block;
    while (source->next(block)) blocks.push_back(block);
  }
  Block& decode() { return blocks[4]; }  // prefill: embedding, layers, head; decode: embedding, layers

  std::int32_t find(TaskKind kind, const std::string& op) {
    for (std::size_t i = 0; i < decode().tasks.size(); ++i) {
      const Task& t = decode().tasks[i];
      if (t.kind == kind && t.op >= 0 && header.operators[static_cast<std::size_t>(t.op)].name == op) return static_cast<std::int32_t>(i);
    }
    ADD_FAILURE() << "the sample has no such task of " << op;
    return 0;
  }
  Task& task(std::int32_t i) { return decode().tasks[static_cast<std::size_t>(i)]; }

  std::optional<ScheduleFault> fault() {
    ScheduleValidator validator(system, header);
    if (auto f = validator.check_header()) return f;
    for (const Block& b : blocks) {
      if (auto f = validator.check(b)) return f;
    }
    return validator.check_end();
  }
};

/// One way to break a schedule: what is done, to which task, and a word of the message.
struct Damage {
  const char* name;
  TaskKind kind;
  const char* op;
  std::function<void(Sample&, std::int32_t)> harm;
  const char* message;
};

const std::vector<Damage>& damages() {
  using K = TaskKind;
  const auto gemm = [](Sample& s, std::int32_t i) -> NmpGemm& { return s.task(i).nmp; };
  static const std::vector<Damage> list = {
      {"waits_for_a_later_task", K::nmp_gemm, "q", [](Sample& s, std::int32_t i) { s.task(i).dependencies.push_back(i + 1); },
       "earlier tasks"},
      {"waits_for_itself", K::host_load, "q", [](Sample& s, std::int32_t i) { s.task(i).dependencies.push_back(i); }, "no cycle"},
      {"waits_twice", K::host_load, "q", [](Sample& s, std::int32_t i) { s.task(i).dependencies.push_back(s.task(i).dependencies[0]); },
       "twice"},
      {"unknown_operator", K::npu_vector, "norm", [](Sample& s, std::int32_t i) { s.task(i).op = 999; }, "operator 999"},
      {"vector_work_on_the_arrays", K::npu_vector, "norm", [](Sample& s, std::int32_t i) { s.task(i).executor = ExecutorId::arrays(); },
       "runs on npu.arrays, allowed: npu.vector"},
      {"channel_the_system_lacks", K::host_scatter, "q", [](Sample& s, std::int32_t i) { s.task(i).executor = ExecutorId::of_channel(8); },
       "the system has 0 to 7"},
      {"gemm_on_a_normal_channel", K::nmp_gemm, "f2", [](Sample& s, std::int32_t i) { s.task(i).executor = ExecutorId::of_channel(7); },
       "no PEs"},
      {"npu_task_on_a_channel", K::npu_gemm, "q", [](Sample& s, std::int32_t i) { s.task(i).executor = ExecutorId::of_channel(0); },
       "runs on nmp.channel0, allowed: npu.arrays"},
      {"extent_of_another_channel", K::host_load, "q", [](Sample& s, std::int32_t i) { s.task(i).extents[0].channel = 5; },
       "the task runs on"},
      {"bank_out_of_range", K::host_load, "q", [](Sample& s, std::int32_t i) { s.task(i).extents[0].first_bank = 9; },
       "a channel has 0 to 15"},
      {"beyond_the_bank", K::kv_append, "k_append", [](Sample& s, std::int32_t i) { s.task(i).extents[0].bank_offset = 268435456; },
       "reach byte"},
      {"half_an_access", K::host_scatter, "o", [](Sample& s, std::int32_t i) { s.task(i).extents[0].bytes_per_bank += 16; },
       "whole accesses"},
      {"longer_than_all_banks", K::host_load, "o",
       [](Sample& s, std::int32_t i) {
         s.task(i).extents[0].longer_banks = 16;
         s.task(i).extents[0].extra_bytes = 32;
       },
       "more in 16 of 16"},
      {"nothing_to_move", K::kv_append, "v_append", [](Sample& s, std::int32_t i) { s.task(i).extents.clear(); }, "nothing to move"},
      {"gemm_of_nothing", K::nmp_gemm, "o", [gemm](Sample& s, std::int32_t i) { gemm(s, i).shape.m = 0; }, "m 0"},
      {"more_pes_than_there_are", K::nmp_gemm, "qk", [gemm](Sample& s, std::int32_t i) { gemm(s, i).pes_per_gemm = 17; },
       "a channel has 16"},
      {"weight_tile_too_large", K::nmp_gemm, "o",
       [gemm](Sample& s, std::int32_t i) {
         s.system.nmp.pe.weight_buffer_kib = 0.125;  // two halves of 64 B: 32 columns of FP16
         for (Block& block : s.blocks) {
           for (Task& task : block.tasks) task.nmp.tiling.n_tile = std::min<std::int64_t>(task.nmp.tiling.n_tile, 16);
         }
         gemm(s, i).tiling.n_tile = 64;
       },
       "weight buffer holds"},
      {"tile_of_nothing", K::nmp_gemm, "o", [gemm](Sample& s, std::int32_t i) { gemm(s, i).tiling.n_tile = 0; }, "tiles of 0 columns"},
      {"accumulators_too_many", K::nmp_gemm, "f1",
       [gemm](Sample& s, std::int32_t i) {
         gemm(s, i).bits.accumulator = 64;
         gemm(s, i).tiling.n_tile = 1000;
         gemm(s, i).tiling.k_tile = 8;
       },
       "output buffer holds"},
      {"spill_without_room", K::nmp_gemm, "f1",
       [gemm](Sample& s, std::int32_t i) {
         gemm(s, i).tiling = {8, 64, LoopOrder::input_stationary};
       },
       "no room"},
      {"weights_missing", K::nmp_gemm, "f2", [gemm](Sample& s, std::int32_t i) { gemm(s, i).stationary[0].bytes_per_bank -= 32; },
       "stationary of PE"},
      {"weights_in_the_wrong_bank", K::nmp_gemm, "qk",
       [gemm](Sample& s, std::int32_t i) {
         Extent& e = gemm(s, i).stationary[0];
         e.banks -= e.groups > 1 ? e.group_banks() : 1;
         e.groups = std::max(1, e.groups - 1);
       },
       "stationary of PE"},
      {"input_too_short", K::nmp_gemm, "o",
       [gemm](Sample& s, std::int32_t i) {
         gemm(s, i).input[0].banks -= 8;
         gemm(s, i).input[0].longer_banks = 0;
       },
       "input of"},
      {"output_too_short", K::nmp_gemm, "o",
       [gemm](Sample& s, std::int32_t i) {
         gemm(s, i).output[0].bytes_per_bank = 32;
         gemm(s, i).output[0].longer_banks = 0;
         gemm(s, i).output[0].extra_bytes = 0;
       },
       "output of PE"},
      {"npu_operand_too_short", K::npu_gemm, "f1", [](Sample& s, std::int32_t i) { s.task(i).npu.stationary.pop_back(); },
       "stationary operand of"},
      {"no_chunks", K::npu_gemm, "f1", [](Sample& s, std::int32_t i) { s.task(i).npu.chunks = 0; }, "0 chunks"},
      {"vector_work_on_nothing", K::npu_vector, "softmax", [](Sample& s, std::int32_t i) { s.task(i).vector.elements = 0; }, "0 elements"},
      {"vector_units_that_do_not_exist", K::npu_vector, "softmax", [](Sample& s, std::int32_t i) { s.task(i).vector.first_unit = 8; },
       "the NPU has 8"},
      {"input_not_waited_for", K::nmp_gemm, "o",
       [](Sample& s, std::int32_t i) { s.task(s.task(i).dependencies.back()).extents[0].bank_offset += 2048; }, "not scattered"},
      {"output_never_loaded", K::nmp_gemm, "o",
       [](Sample& s, std::int32_t i) {
         for (Task& t : s.decode().tasks) {
           if (t.kind == K::host_load && t.op == s.task(i).op && t.executor == s.task(i).executor) t.extents[0].bank_offset += 2048;
         }
       },
       "not loaded"},
      {"stays_in_nmp_mode_before_a_load", K::nmp_gemm, "o", [gemm](Sample& s, std::int32_t i) { gemm(s, i).leave_mode = false; },
       "stays in NMP mode"},
      {"softmax_before_the_scores", K::npu_vector, "softmax", [](Sample& s, std::int32_t i) { s.task(i).dependencies.pop_back(); },
       "whose result it needs"},
      {"computed_twice", K::nmp_gemm, "f3", [](Sample& s, std::int32_t i) { s.task(i + 1).nmp.part = s.task(i).nmp.part; },
       "computes products that"},
      {"columns_left_out", K::npu_gemm, "o", [](Sample& s, std::int32_t i) { s.task(i).npu.shape.n -= 1; }, "products"},
      {"outside_the_operator", K::npu_gemm, "o", [](Sample& s, std::int32_t i) { s.task(i).npu.part.n += 1; }, "outside its operator"},
      {"part_of_no_work", K::npu_gemm, "o", [](Sample& s, std::int32_t i) { s.task(i).npu.part.work = -1; }, "work entry -1"},
      {"part_of_another_operator", K::npu_gemm, "o", [](Sample& s, std::int32_t i) { s.task(i).npu.part.work = 0; }, "which is"},
  };
  return list;
}

class EveryDamage : public ::testing::TestWithParam<std::size_t> {};

TEST_P(EveryDamage, is_found_at_its_task) {
  const Damage& damage = damages()[GetParam()];
  Sample sample;
  const std::int32_t i = sample.find(damage.kind, damage.op);
  damage.harm(sample, i);
  const auto fault = sample.fault();
  ASSERT_TRUE(fault) << damage.name << " was not noticed";
  EXPECT_EQ(fault->step, 1);
  EXPECT_EQ(fault->layer, 0);
  // Two gemms that overlap are reported at the second.
  const bool at_second = std::string(damage.name) == "computed_twice";
  EXPECT_EQ(fault->task, at_second ? i + 1 : i) << fault->text();
  EXPECT_NE(fault->text().find(damage.message), std::string::npos) << fault->text();
}

INSTANTIATE_TEST_SUITE_P(Schedule, EveryDamage, ::testing::Range<std::size_t>(0, damages().size()),
                         [](const auto& info) { return damages()[info.param].name; });

TEST(ScheduleValidator, the_sample_itself_is_sound) {
  for (const char* flow : {"data_centric", "fc_offloading", "npu_only"}) {
    Sample sample(flow);
    const auto fault = sample.fault();
    EXPECT_FALSE(fault) << fault->text();
  }
}

TEST(ScheduleValidator, a_cache_read_without_waiting_for_the_append_is_found) {
  Sample sample("npu_only");
  const std::int32_t i = sample.find(TaskKind::npu_gemm, "qk");
  sample.header.edges.clear();  // the bytes alone show it
  auto& waits = sample.task(i).dependencies;
  waits.erase(std::remove_if(waits.begin(), waits.end(), [&](std::int32_t d) { return sample.task(d).kind == TaskKind::kv_append; }),
              waits.end());
  const auto fault = sample.fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->task, i);
  EXPECT_NE(fault->text().find("appends to"), std::string::npos) << fault->text();
}

TEST(ScheduleValidator, partial_results_that_are_not_added_up_are_found) {
  Sample sample("fc_offloading");
  const std::int32_t i = sample.find(TaskKind::npu_vector, "f2");
  sample.task(i).vector.elements -= 1;
  auto fault = sample.fault();
  ASSERT_TRUE(fault);
  EXPECT_NE(fault->text().find("partial results are added up"), std::string::npos) << fault->text();
  sample.task(i).vector.elements += 1;
  sample.header.edges.clear();
  sample.task(i).dependencies.pop_back();
  fault = sample.fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->task, i) << fault->text();
}

/// A layer's prefill whose attention is fused, with a running softmax.
struct FusedSample {
  System system = h2llm_system();
  std::unique_ptr<ScheduleSource> source;
  Block embedding, layer;

  FusedSample() {
    system.npu.fused_attention = true;
    system.npu.scratchpad_mib = 9;
    source = make_schedule(system, model("llama-3-8b"), lengths(1, 3000, 0), dataflow("attention_offloading"));
    source->next(embedding);
    source->next(layer);
  }
  /// The first npu_gemm that adds to sums.
  std::int32_t accumulating() const {
    const auto at = std::find_if(layer.tasks.begin(), layer.tasks.end(), [](const Task& t) { return t.npu.accumulate; });
    EXPECT_NE(at, layer.tasks.end());
    return static_cast<std::int32_t>(at - layer.tasks.begin());
  }
  Task& task(std::int32_t i) { return layer.tasks[static_cast<std::size_t>(i)]; }
  std::optional<ScheduleFault> fault() {
    ScheduleValidator validator(system, source->header());
    if (auto f = validator.check(embedding)) return f;
    return validator.check(layer);
  }
};

TEST(ScheduleValidator, sums_that_are_added_to_are_there_and_waited_for) {
  const auto damaged = [](const std::function<void(FusedSample&, std::int32_t)>& harm, std::int32_t task_after = 0) {
    FusedSample sample;
    const std::int32_t i = sample.accumulating();
    harm(sample, i);
    const auto fault = sample.fault();
    if (!fault) return std::string();
    EXPECT_EQ(fault->task, i + task_after) << fault->text();
    return fault->text();
  };
  EXPECT_EQ(damaged([](FusedSample&, std::int32_t) {}), "");
  // The first tile of the rows, marked as if there were one before it.
  FusedSample first;
  const std::int32_t start = [&] {
    std::int32_t i = first.accumulating() - 1;
    while (first.task(i).kind != TaskKind::npu_gemm || first.task(i).op != first.task(first.accumulating()).op) --i;
    return i;
  }();
  first.task(start).npu.accumulate = true;
  auto fault = first.fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->task, start);
  EXPECT_NE(fault->text().find("adds to sums up to element 0 of K, which no task leaves"), std::string::npos) << fault->text();
  // Not added: partial sums that nobody adds up.
  FusedSample apart;
  apart.task(apart.accumulating()).npu.accumulate = false;
  fault = apart.fault();
  ASSERT_TRUE(fault);
  EXPECT_NE(fault->text().find("partial results are added up"), std::string::npos) << fault->text();
  // Its operand is neither in memory nor brought.
  const std::string nothing = damaged([](FusedSample& s, std::int32_t i) {
    auto& waits = s.task(i).dependencies;
    waits.erase(std::remove_if(waits.begin(), waits.end(), [&](std::int32_t d) { return s.task(d).kind == TaskKind::host_load; }),
                waits.end());
  });
  EXPECT_NE(nothing.find("no stationary operand, and host_loads of 0 bytes before it"), std::string::npos) << nothing;
}

TEST(ScheduleText, fused_attention_is_read_as_it_was_written) {
  FusedSample sample;
  std::ostringstream out;
  ScheduleWriter writer(out, sample.source->header());
  writer.write(sample.layer);
  const std::string text = out.str();
  EXPECT_NE(text.find("\"accumulate\":true"), std::string::npos);
  EXPECT_EQ(written(*read_schedule(std::make_unique<std::istringstream>(text), "text")), text);
}

TEST(ScheduleValidator, staying_in_nmp_mode_while_waiting_for_the_npu_is_found) {
  Sample sample("fc_offloading");
  // q stays for k; k then waits for something else.
  const std::int32_t k = sample.find(TaskKind::nmp_gemm, "k");
  const std::int32_t q = sample.find(TaskKind::nmp_gemm, "q");
  ASSERT_FALSE(sample.task(q).nmp.leave_mode);
  sample.task(k).dependencies.push_back(0);
  const auto fault = sample.fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->task, q) << fault->text();
}

TEST(ScheduleValidator, missing_and_repeated_blocks_are_found) {
  const auto after = [](const std::function<void(Sample&)>& harm) {
    Sample sample("npu_only");
    harm(sample);
    const auto fault = sample.fault();
    return fault ? fault->text() : std::string();
  };
  EXPECT_NE(after([](Sample& s) { s.blocks.erase(s.blocks.begin() + 1); }).find("step 0 had 0 of 32 layers"), std::string::npos);
  EXPECT_NE(after([](Sample& s) {
              s.blocks.pop_back();
              s.blocks.pop_back();
            }).find("the schedule ends after 1 steps with 0 layers of the last"),
            std::string::npos);
  EXPECT_NE(after([](Sample& s) { s.blocks.insert(s.blocks.begin() + 1, s.blocks[1]); }).find("32 layers from 0 on"), std::string::npos);
  EXPECT_NE(after([](Sample& s) { s.decode().layers = 33; }).find("33 layers from 0 on"), std::string::npos);
  EXPECT_NE(after([](Sample& s) { s.decode().steps = 2; }).find("stands for 2 steps, allowed: 1 to 1"), std::string::npos);
  EXPECT_NE(after([](Sample& s) { s.decode().phase = Phase::prefill; }).find("a block of prefill has no task of it"), std::string::npos);
  EXPECT_NE(after([](Sample& s) { s.blocks.back().step = 3; }).find("step 3 stands for 1 steps after step"), std::string::npos);
  EXPECT_NE(after([](Sample& s) { s.header.channels.pop_back(); }).find("the system has nmp.channel0"), std::string::npos);
  EXPECT_NE(after([](Sample& s) { s.header.edges.emplace_back(0, 999); }).find("edge [0, 999]"), std::string::npos);
}

/// A run sampled at 3 of 10 steps covers all of them; standing for one step more, less, or for others is found.
TEST(ScheduleValidator, a_sampled_schedule_stands_for_every_step_exactly_once) {
  const System system = h2llm_system();
  const auto source = make_schedule(make_plan(system, model("llama-3.2-1b"), lengths(1, 16, 10), dataflow("fc_offloading")), {3, false});
  const ScheduleHeader header = source->header();
  std::vector<Block> blocks;
  for (Block block; source->next(block);) blocks.push_back(block);
  const auto fault_of = [&](const std::vector<Block>& run) {
    ScheduleValidator validator(system, header);
    for (const Block& block : run) {
      if (const auto fault = validator.check(block)) return fault->text();
    }
    const auto fault = validator.check_end();
    return fault ? fault->text() : std::string();
  };
  EXPECT_EQ(fault_of(blocks), "");
  const auto of_step = [&](std::int32_t step, const std::function<void(Block&)>& change) {
    std::vector<Block> run = blocks;
    for (Block& block : run) {
      if (block.step == step) change(block);
    }
    return fault_of(run);
  };
  const std::int32_t last = blocks.back().step;
  EXPECT_NE(of_step(last, [](Block& b) { ++b.steps; }).find("the header has 10 steps"), std::string::npos);
  EXPECT_NE(of_step(last, [](Block& b) { --b.steps; }).find("the schedule ends after 9 steps"), std::string::npos);
  EXPECT_NE(of_step(last, [](Block& b) { b.step = 1; }).find("a step among those it stands for"), std::string::npos);
  std::vector<Block> uneven = blocks;
  ++uneven.back().steps;
  EXPECT_NE(fault_of(uneven).find("as the step's first block"), std::string::npos);
}

/// What a file with a damaged byte or number does: it is read, or rejected, but never brings the program down.
TEST(ScheduleText, damaged_text_is_rejected_or_harmless) {
  const System system = h2llm_system();
  const auto source = make_schedule(system, model("llama-3-8b"), lengths(1, 9, 1), dataflow("data_centric"));
  const std::string text = written(*source);
  std::mt19937_64 random(77);
  const std::vector<std::string> numbers = {"-1",  "0",    "2147483647", "-2147483648", "9223372036854775807",
                                            "1e9", "null", "[]",         "\"x\"",       "99999"};
  int rejected = 0;
  const int trials = 300;
  for (int trial = 0; trial < trials; ++trial) {
    std::string damaged = text;
    const std::size_t at = random() % damaged.size();
    const std::size_t digit = damaged.find_first_of("0123456789", at);
    if (trial % 3 == 0 || digit == std::string::npos) {
      damaged[at] = static_cast<char>(32 + random() % 95);
    } else {
      const std::size_t end = damaged.find_first_not_of("0123456789", digit);
      damaged.replace(digit, end - digit, numbers[random() % numbers.size()]);
    }
    try {
      const auto read = read_schedule(std::make_unique<std::istringstream>(damaged), "damaged");
      rejected += validate_schedule(system, *read).has_value();
    } catch (const ConfigError&) {
      ++rejected;
    }
  }
  EXPECT_GT(rejected, trials / 2);
}

}  // namespace
}  // namespace bondsim
