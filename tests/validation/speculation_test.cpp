#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/speculation/sample.hpp"
#include "mapping/speculation/speculative_schedule.hpp"
#include "models/system/validate/validator.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/own_process.hpp"
#include "tests/support/scale.hpp"

namespace bondsim::test {
namespace {

using nlohmann::json;
using speculation::Draft;
using speculation::Plans;
using speculation::SampledPart;

/// A narrow model with a narrower draft.
struct DraftedCase {
  Case c;
  std::optional<Draft> draft;

  Plans plans() const { return speculation::make_plans(c.system, c.model, c.workload, c.dataflow, {}, draft); }
  std::unique_ptr<ScheduleSource> schedule() const { return speculation::make_schedule(plans()); }
};

SpeculationConfig drafts(DraftKind kind, int depth, double acceptance, std::vector<int> width = {}) {
  SpeculationConfig s;
  s.draft = kind;
  s.depth = depth;
  s.acceptance = {acceptance};
  s.width = std::move(width);
  if (kind == DraftKind::layers) s.layers = 1;
  return s;
}

DraftedCase narrow(const std::string& dataflow, const SpeculationConfig& config, int batch = 1) {
  DraftedCase d{{shipped_system("h2llm"), shipped_model("llama-3-8b"), shipped_workload("sharegpt"), shipped_dataflow(dataflow)}, {}};
  d.c.model.layers = 3;
  d.c.model.hidden = 1024;
  d.c.model.query_heads = 8;
  d.c.model.kv_heads = 4;
  d.c.model.intermediate = 2048;
  d.c.model.vocab = 4096;
  d.c.workload.batch = batch;
  d.c.workload.prompt_tokens = 48;
  d.c.workload.generated_tokens = 12;
  d.c.workload.speculation = config;
  if (config.draft == DraftKind::model) {
    Model small = d.c.model;
    small.name = "small";
    small.layers = 2;
    small.hidden = 512;
    small.intermediate = 1024;
    d.draft = Draft{small, shipped_dataflow("fc_offloading")};
  }
  return d;
}

/// A run as JSON. @param source from the case @param whole it is checked as a run from its prefill on
template <class Make>
json run(const System& system, const Make& source, bool whole = true) {
  return json::parse(run_isolated([&] {
    const auto schedule = whole ? validated(system, source()) : source();
    const Results r = simulate(system, *schedule);
    json out = {{"total", r.total.value}, {"prefill", r.prefill.value}, {"steps", json::array()}, {"macs", 0}};
    for (const Picoseconds step : r.steps) out["steps"].push_back(step.value);
    for (const RequestResult& request : r.requests) out["tokens"].push_back(request.tokens);
    std::int64_t macs = 0, busy = 0;
    for (const OperatorResult& op : r.operators) {
      if (op.phase != "decode") continue;
      macs += op.macs;
      busy += op.busy.value;
      out["bytes"][op.name] = op.bytes;
      out["operators"][op.name] = op.macs;
    }
    out["macs"] = macs;
    out["busy"] = busy;
    out["energy"] = to_joules(r.energy_total);
    return out.dump();
  }));
}

json run(const DraftedCase& d) {
  return run(d.c.system, [&] { return d.schedule(); });
}

TEST(Speculation, depth_0_is_plain_decode_to_the_picosecond) {
  for (int i = 0; i < scaled(6); ++i) {
    const std::uint64_t seed = 4100 + static_cast<std::uint64_t>(i);
    DraftedCase d{random_case(seed), {}};
    const json plain = run(d.c.system, [&] { return make_schedule(d.c.system, d.c.model, d.c.workload, d.c.dataflow); });
    d.c.workload.speculation = drafts(Random(seed).one_of({DraftKind::ngram, DraftKind::layers, DraftKind::model}), 0, 0.5);
    const json drafted = run(d);
    EXPECT_EQ(drafted, plain) << "seed " << seed << ": " << describe(d.c);
  }
}

TEST(Speculation, refused_drafts_give_a_token_a_verification_and_are_never_faster) {
  for (const char* dataflow : {"fc_offloading", "attention_offloading", "npu_only"}) {
    for (const DraftKind kind : {DraftKind::ngram, DraftKind::layers, DraftKind::model}) {
      const DraftedCase d = narrow(dataflow, drafts(kind, 3, 0));
      const json plain = run(d.c.system, [&] { return make_schedule(d.c.system, d.c.model, d.c.workload, d.c.dataflow); });
      const json drafted = run(d);
      EXPECT_EQ(drafted["steps"].size(), 12u);
      EXPECT_EQ(drafted["tokens"], plain["tokens"]);
      EXPECT_GE(drafted["total"].get<std::int64_t>() - drafted["prefill"].get<std::int64_t>(),
                plain["total"].get<std::int64_t>() - plain["prefill"].get<std::int64_t>())
          << dataflow << ", draft " << enum_name(kind);
    }
  }
}

TEST(Speculation, accepted_drafts_give_depth_and_one_tokens_a_verification) {
  for (const int depth : {1, 2, 3, 5}) {
    const json r = run(narrow("fc_offloading", drafts(DraftKind::model, depth, 1)));
    EXPECT_EQ(r["steps"].size(), static_cast<std::size_t>(12 / (depth + 1))) << depth;
    EXPECT_EQ(r["tokens"][0], 13);
  }
}

TEST(Speculation, every_request_of_a_batch_gets_its_tokens_and_times_add_up) {
  for (const char* dataflow : {"fc_offloading", "attention_offloading", "data_centric"}) {
    for (const std::vector<int>& width : {std::vector<int>{}, {3, 2, 1}}) {
      const json r = run(narrow(dataflow, drafts(DraftKind::model, 3, 0.7, width), 3));
      EXPECT_EQ(r["tokens"], json({13, 13, 13})) << dataflow;
      EXPECT_EQ(r["busy"].get<std::int64_t>(), r["total"].get<std::int64_t>() - r["prefill"].get<std::int64_t>()) << dataflow;
      // A token of a cache of 4 heads x 128 x 2 bytes is loaded and written; a chain copies nothing.
      const std::int64_t copied = r["bytes"].value("k_copy", std::int64_t{0});
      EXPECT_EQ(copied > 0, !width.empty()) << dataflow;
    }
  }
}

/// Stationary bytes and MACs of a block's GEMMs, by operator.
struct Read {
  std::map<std::string, std::int64_t> bytes, macs;
};

Read read_of(ScheduleSource& source) {
  Read read;
  for (Block block; source.next(block);) {
    for (const Task& t : block.tasks) {
      const bool nmp = t.kind == TaskKind::nmp_gemm;
      if (!nmp && t.kind != TaskKind::npu_gemm) continue;
      const std::string& name = source.header().operators[static_cast<std::size_t>(t.op)].name;
      for (const Extent& e : nmp ? t.nmp.stationary : t.npu.stationary) read.bytes[name] += e.bytes() * block.executions();
      read.macs[name] += (nmp ? t.nmp.shape : t.npu.shape).macs() * block.executions();
    }
  }
  return read;
}

TEST(Speculation, a_verification_reads_weights_and_cache_once) {
  // Against a step of one row over as many tokens: MACs grow with the rows, bytes do not.
  for (const char* dataflow : {"fc_offloading", "attention_offloading", "npu_only", "data_centric"}) {
    for (const int depth : {1, 3, 7, 15}) {
      DraftedCase d = narrow(dataflow, drafts(DraftKind::ngram, depth, 0.5));
      const auto many = speculation::sample_schedule(d.plans(), SampledPart::verification, 100);
      const Read verification = read_of(*many);
      const auto one = speculation::sample_schedule(d.plans(), SampledPart::plain, 100 + depth);
      const Read plain = read_of(*one);
      EXPECT_EQ(verification.bytes, plain.bytes) << dataflow << ", depth " << depth;
      for (const auto& [name, macs] : plain.macs) EXPECT_EQ(verification.macs.at(name), macs * (depth + 1)) << dataflow << " " << name;
    }
  }
}

TEST(Speculation, simulated_bytes_of_a_verification_are_those_of_its_operands) {
  // What the banks are read: the weights of f1, once, and the rows' inputs and outputs on their way.
  DraftedCase d = narrow("fc_offloading", drafts(DraftKind::ngram, 7, 0.5));
  const json many = run(
      d.c.system, [&] { return speculation::sample_schedule(d.plans(), SampledPart::verification, 100); }, false);
  const json one = run(
      d.c.system, [&] { return speculation::sample_schedule(d.plans(), SampledPart::plain, 107); }, false);
  const std::int64_t weights = std::int64_t{3} * 1024 * 2048 * 2;
  const std::int64_t of_rows = many["bytes"]["f1"].get<std::int64_t>() - weights, of_one = one["bytes"]["f1"].get<std::int64_t>() - weights;
  EXPECT_GT(of_one, 0);
  // Inputs and outputs of eight rows are at most eight times those of one, which are padded to whole accesses.
  EXPECT_LE(of_rows, 8 * of_one);
  EXPECT_GE(of_rows, std::int64_t{3} * 8 * (1024 + 2048) * 2);
}

TEST(Speculation, both_models_take_memory_apart) {
  const DraftedCase d = narrow("fc_offloading", drafts(DraftKind::model, 3, 0.5));
  const Plans plans = d.plans();
  const Plan alone = make_plan(d.c.system, d.draft->model, speculation::draft_workload(d.c.workload), d.draft->dataflow);
  for (int c = 0; c < plans.target.memory.channels(); ++c) {
    EXPECT_GE(plans.draft->memory.address(c, Space::layer, 0, 0), plans.target.memory.bytes_per_bank(c));
  }
  EXPECT_GT(plans.draft->memory.held_per_bank(0, Holding::weights), plans.target.memory.held_per_bank(0, Holding::weights));
  // A device that holds either but not both is refused.
  DraftedCase full = d;
  std::int64_t target = 0, draft = 0, both = 0;
  for (int c = 0; c < plans.target.memory.channels(); ++c) {
    target = std::max(target, plans.target.memory.bytes_per_bank(c));
    draft = std::max(draft, alone.memory.bytes_per_bank(c));
    both = std::max(both, plans.draft->memory.bytes_per_bank(c));
  }
  const std::int64_t row = full.c.system.dram.organization.page_bytes();
  full.c.system.dram.organization.rows = static_cast<int>(std::max(target, draft) / row + 1);
  ASSERT_LT(full.c.system.dram.organization.bank_bytes(), both);
  EXPECT_NO_THROW(make_plan(full.c.system, full.c.model, speculation::target_workload(full.c.workload), full.c.dataflow));
  EXPECT_THROW(full.plans(), CapacityError);
}

TEST(Speculation, drafts_beside_a_verification_are_faster_and_the_same_tokens) {
  SpeculationConfig serial = drafts(DraftKind::model, 2, 0.95);
  SpeculationConfig parallel = serial;
  parallel.schedule = DraftSchedule::parallel;
  std::int64_t decode[2];
  for (const bool beside : {false, true}) {
    DraftedCase d = narrow("all_on_pes", beside ? parallel : serial);
    d.draft->dataflow = shipped_dataflow("draft_on_npu");
    d.draft->model.layers = 1;
    d.draft->model.hidden = d.draft->model.intermediate = 256;
    d.draft->model.query_heads = d.draft->model.kv_heads = 2;
    d.draft->model.vocab = 512;
    d.c.model.layers = 6;
    d.c.model.intermediate = 8192;
    d.c.workload.generated_tokens = 30;
    const json r = run(d.c.system, [&] { return d.schedule(); });
    EXPECT_EQ(r["tokens"][0], 31);
    decode[beside ? 1 : 0] = r["total"].get<std::int64_t>() - r["prefill"].get<std::int64_t>();
  }
  EXPECT_LT(decode[1], decode[0]);
}

TEST(Speculation, dataflows_that_share_channels_do_not_run_side_by_side) {
  SpeculationConfig parallel = drafts(DraftKind::model, 2, 0.9);
  parallel.schedule = DraftSchedule::parallel;
  DraftedCase d = narrow("all_on_pes", parallel);
  EXPECT_THROW(d.plans(), ConfigError);  // both on the PEs
  d.draft->dataflow = shipped_dataflow("draft_on_npu");
  EXPECT_NO_THROW(d.plans());
  d.c.dataflow = shipped_dataflow("fc_offloading");
  EXPECT_THROW(d.plans(), ConfigError);  // attention and the draft on the arrays
}

TEST(Speculation, detailed_is_near_the_cycles_of_rounds) {
  for (const char* dataflow : {"fc_offloading", "attention_offloading"}) {
    for (const SampledPart part : {SampledPart::verification, SampledPart::draft}) {
      DraftedCase d = narrow(dataflow, drafts(DraftKind::model, 7, 0.5), 2);
      d.c.model.hidden = 4096;
      d.c.model.intermediate = 8192;
      const auto make = [&] { return speculation::sample_schedule(d.plans(), part, 600); };
      const double simulated = run(d.c.system, make, false)["total"].get<double>() * 1e-12;
      const auto form = cost::make_cost_model("detailed", &d.c.system);
      double estimated = 0;
      const auto blocks = make();
      for (Block block; blocks->next(block);) estimated += form->block_seconds(block, d.c.system) * static_cast<double>(block.executions());
      EXPECT_NEAR(estimated / simulated, 1, 0.03) << dataflow << ", part " << static_cast<int>(part);
    }
  }
}

/// Layers of the draft come as they like; one of the model's that is left out is found.
TEST(Speculation, a_verification_without_a_layer_is_no_schedule) {
  SpeculationConfig config;
  config.draft = DraftKind::model;
  config.depth = 2;
  config.acceptance = {0.5};
  const DraftedCase d = narrow("fc_offloading", config);
  const auto fault_without = [&](const char* op) {
    const auto schedule = d.schedule();
    ScheduleValidator validator(d.c.system, schedule->header());
    bool dropped = false;
    for (Block block; schedule->next(block);) {
      const bool has = std::any_of(block.tasks.begin(), block.tasks.end(), [&](const Task& task) {
        return task.op >= 0 && schedule->header().operators[static_cast<std::size_t>(task.op)].name == op;
      });
      if (has && block.step == 2 && !dropped) {
        dropped = true;
        continue;
      }
      if (const auto fault = validator.check(block)) return fault->text();
    }
    EXPECT_TRUE(dropped) << op;
    const auto fault = validator.check_end();
    return fault ? fault->text() : std::string();
  };
  EXPECT_NE(fault_without("f1").find("step 2 had 0 of 3 layers"), std::string::npos) << fault_without("f1");
  EXPECT_EQ(fault_without("draft.f1"), "");
}

}  // namespace
}  // namespace bondsim::test
