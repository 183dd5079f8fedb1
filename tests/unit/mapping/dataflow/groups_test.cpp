#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <memory>
#include <set>
#include <sstream>

#include "models/system/validate/validate_tasks.hpp"
#include "models/system/validate/validator.hpp"
#include "tests/support/mapping_setup.hpp"
#include "tests/support/paths.hpp"

namespace bondsim {
namespace {

using testing::h2llm_system;
using testing::lengths;
using testing::model;

/// k alone in the first group, with v behind it in a tier; the rest in the second.
const std::string rules =
    "schema: bondsim.dataflow/1\nname: d\noperators:\n"
    "  - {names: [k], executor: nmp, nmp_channels: [0, 1], normal_channels: false}\n"
    "  - {names: [v], executor: nmp, nmp_channels: [2, 3], normal_channels: false}\n"
    "  - {names: [q], executor: split, nmp_channels: [4, 5], normal_channels: true, nmp_share: 0.5}\n"
    "  - {names: [all], executor: nmp, nmp_channels: all, normal_channels: false}\n";

std::string group(const std::string& partitions) { return "  - partitions:\n" + partitions; }
std::string partition(const std::string& channels, bool normal, const std::string& tiers) {
  return fmt::format("      - {{nmp_channels: {}, normal_channels: {}, tiers: {}}}\n", channels, normal, tiers);
}

/// The decode layer block of a dataflow text, with questions about who waits for whom.
struct Waits {
  ScheduleHeader header;
  Block block;
  std::unique_ptr<schedule_checks::Ancestors> ancestors;

  Waits(const System& system, const char* model_name, const std::string& text) {
    const auto source = make_schedule(system, model(model_name), lengths(1, 40, 1), decode_dataflow(parse_yaml(text, "d.yaml")));
    header = source->header();
    while (source->next(block) && !(block.step == 1 && block.layer == 0)) {
    }
    // Without the order of executors: only what is written as a dependency counts.
    Block apart = block;
    for (std::size_t i = 0; i < apart.tasks.size(); ++i) {
      apart.tasks[i].kind = TaskKind::host_load;
      apart.tasks[i].executor = ExecutorId::of_channel(static_cast<std::int32_t>(i));
    }
    ancestors = std::make_unique<schedule_checks::Ancestors>(apart);
  }

  std::vector<std::int32_t> tasks(const std::string& op) const {
    std::vector<std::int32_t> out;
    for (std::size_t i = 0; i < block.tasks.size(); ++i) {
      if (block.tasks[i].op >= 0 && header.operators[static_cast<std::size_t>(block.tasks[i].op)].name == op)
        out.push_back(static_cast<std::int32_t>(i));
    }
    return out;
  }
  /// Every task of `later` waits for every one of `earlier`.
  bool all(const std::string& later, const std::string& earlier) const {
    return count(later, earlier) == tasks(later).size() * tasks(earlier).size();
  }
  bool none(const std::string& later, const std::string& earlier) const { return count(later, earlier) == 0; }

 private:
  std::size_t count(const std::string& later, const std::string& earlier) const {
    std::size_t waits = 0;
    for (const std::int32_t b : tasks(later)) {
      for (const std::int32_t a : tasks(earlier)) waits += ancestors->before(a, b);
    }
    return waits;
  }
};

TEST(Synchronisation, a_group_waits_for_the_group_before_and_a_tier_for_the_tier_before) {
  const std::string rest = group(partition("all", true, "[[qk], [sv], [o], [f1], [f3], [f2]]"));
  // One group with both: q, k and v are not connected without qk, so they are partitions.
  const std::string side_by_side =
      rules + "groups:\n" +
      group(partition("[0, 1]", false, "[[k]]") + partition("[2, 3]", false, "[[v]]") + partition("[4, 5]", true, "[[q]]")) + rest;
  const Waits parallel(h2llm_system(), "llama-3-8b", side_by_side);
  EXPECT_TRUE(parallel.none("v", "k"));
  EXPECT_TRUE(parallel.none("q", "v"));
  EXPECT_TRUE(parallel.all("f1", "v"));
  EXPECT_TRUE(parallel.all("f3", "f1")) << "no edge joins them, the tiers do";

  const std::string in_turn = rules + "groups:\n" + group(partition("all", true, "[[k]]")) + group(partition("all", true, "[[v]]")) +
                              group(partition("all", true, "[[q], [qk], [sv], [o], [f1, f3], [f2]]"));
  EXPECT_THROW(Waits(h2llm_system(), "llama-3-8b", in_turn), ConfigError) << "f1 and f3 are bound to the same channels";
  const std::string tiers = rules + "groups:\n" + group(partition("all", true, "[[k]]")) + group(partition("all", true, "[[v]]")) +
                            group(partition("all", true, "[[q], [qk], [sv], [o], [f1], [f3], [f2]]"));
  const Waits groups(h2llm_system(), "llama-3-8b", tiers);
  EXPECT_TRUE(groups.all("v", "k")) << "no edge joins them, the groups do";
  EXPECT_TRUE(groups.all("q", "v"));
}

TEST(Synchronisation, what_follows_a_split_operator_waits_for_both_halves) {
  const Waits w(h2llm_system(), "llama-3-8b", rules);
  bool npu = false;
  bool nmp = false;
  for (const std::int32_t i : w.tasks("q")) {
    npu = npu || w.block.tasks[static_cast<std::size_t>(i)].kind == TaskKind::npu_gemm;
    nmp = nmp || w.block.tasks[static_cast<std::size_t>(i)].kind == TaskKind::nmp_gemm;
  }
  EXPECT_TRUE(npu && nmp);
  EXPECT_TRUE(w.all("rotary_q", "q"));
}

TEST(Synchronisation, partitions_go_in_step_when_there_are_fewer_vector_units_than_partitions) {
  System system = h2llm_system();
  std::string text;
  {
    std::ifstream in(testing::config_path("dataflow/data_centric_parallel"));
    std::ostringstream all;
    all << in.rdbuf();
    text = all.str();
  }
  system.npu.vector_units = 2;
  const Waits apart(system, "palm-8b", text);
  EXPECT_TRUE(apart.none("f2", "q"));
  for (const std::int32_t i : apart.tasks("softmax")) EXPECT_EQ(apart.block.tasks[static_cast<std::size_t>(i)].vector.units, 1);
  system.npu.vector_units = 1;
  const Waits in_step(system, "palm-8b", text);
  EXPECT_TRUE(in_step.all("f2", "q"));
}

std::string group_error(const std::string& groups) {
  try {
    const Model m = model("llama-3-8b");
    resolve(decode_dataflow(parse_yaml(rules + "groups:\n" + groups, "d.yaml")), h2llm_system(), layer_graph(m), head_graph(m));
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(Groups, every_rule_of_the_dataflow_is_checked_and_named) {
  const std::string rest = "[qk], [sv], [o], [f1], [f3], [f2]]";
  const auto one = [&](const std::string& tiers) { return group_error(group(partition("all", true, tiers))); };
  EXPECT_EQ(one("[[q, k, v], " + rest), "");
  const auto has = [](const std::string& text, const std::string& part) { EXPECT_NE(text.find(part), std::string::npos) << text; };
  has(one("[[q, k], " + rest), "v is in no tier");
  has(one("[[q, k, v, q], " + rest), "q is in two tiers");
  has(one("[[q, k, v], [qk], [sv], [o], [f1], [f3], [f2, lm_head]]"), "'lm_head' is not an operator of a layer");
  has(one("[[q, k, v], [sv], [qk], [o], [f1], [f3], [f2]]"), "sv needs the result of qk, which is not in an earlier tier");
  has(one("[[q, k, v], [qk], [sv], [o], [f1, f3], [f2]]"), "f1 and f3 are in one tier and both bound to NMP channel 0");
  const std::string whole = "[[q, k, v], " + rest;
  has(group_error(group(partition("[0, 1, 2, 3, 4]", true, whole))), "NMP channel 5 is in no partition");
  has(group_error(group(partition("all", false, whole))), "the normal channels are in no partition");
  has(group_error(
          group(partition("[0, 1, 2]", true, "[[q, k, v], [qk], [sv], [o]]") + partition("[2, 3, 4, 5]", false, "[[f1], [f3], [f2]]"))),
      "f1 needs the result of o, which is in another partition of the same group");
  has(group_error(group(partition("all", true, "[[f1], [f3], [f2]]")) + group(partition("all", true, "[[q, k, v], [qk], [sv], [o]]"))),
      "f1 needs the result of o, which is in a later group");
  has(group_error(group(partition("all", true, "[[k], [v]]")) + group(partition("all", true, "[[q], " + rest))),
      "k and v are not connected inside the group");
  has(group_error(group(partition("[0, 1]", false, "[[v]]") + partition("[2, 3]", false, "[[k]]") + partition("[4, 5]", true, "[[q]]")) +
                  group(partition("all", true, "[" + rest))),
      "v is bound to NMP channel 2, which is not the partition's");
  has(group_error(group(partition("[0, 1]", false, "[[k]]") + partition("[1, 2, 3]", false, "[[v]]") + partition("[4, 5]", true, "[[q]]")) +
                  group(partition("all", true, "[" + rest))),
      "NMP channel 1 belongs to partition 0 too");
  has(group_error(group(partition("[0, 1]", true, "[[k]]") + partition("[2, 3]", false, "[[v]]") + partition("[4, 5]", false, "[[q]]")) +
                  group(partition("all", true, "[" + rest))),
      "q is bound to the normal channels, which are not the partition's");
}

TEST(ShippedFiles, every_model_workload_and_dataflow_is_read_and_fits_together) {
  const auto each = [](const std::string& folder, const std::function<void(const std::string&)>& visit) {
    int count = 0;
    for (const auto& entry : std::filesystem::directory_iterator(bondsim::tests::source_dir() + "/configs/" + folder)) {
      visit(entry.path().stem().string());
      ++count;
    }
    return count;
  };
  EXPECT_GE(each("workload", [](const std::string& w) { EXPECT_NO_THROW(testing::workload(w)) << w; }), 5);
  std::set<std::string> fitting, too_large;
  EXPECT_GE(each("dataflow",
                 [&](const std::string& d) {
                   each("model", [&](const std::string& m) {
                     if ((d == "data_centric_parallel") != model(m).parallel_block && d.rfind("data_centric", 0) == 0) return;
                     if (d == "data_centric_experts" && (!model(m).moe || model(m).mla)) return;
                     if (d == "data_centric_latent" && !model(m).mla) return;
                     try {
                       make_plan(h2llm_system(), model(m), testing::workload("humaneval"), testing::dataflow(d));
                       fitting.insert(m);
                     } catch (const InfeasibleError&) {
                       too_large.insert(m);
                     } catch (const ConfigError& e) {
                       // A router belongs to its experts' group; this example is for models without experts.
                       EXPECT_TRUE(model(m).moe && (d == "data_centric" || d == "llama-3-8b-chat-on-h2llm"))
                           << d << ", " << m << ": " << e.what();
                     }
                   });
                 }),
            8);
  // Models that fit 32 GB under no dataflow; others are too large under one that wants 8 GB of normal channels.
  std::set<std::string> never;
  std::set_difference(too_large.begin(), too_large.end(), fitting.begin(), fitting.end(), std::inserter(never, never.end()));
  EXPECT_EQ(never, (std::set<std::string>{"llama-3-70b", "mixtral-8x7b"}));
}

}  // namespace
}  // namespace bondsim
