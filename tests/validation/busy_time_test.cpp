#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/command.hpp"

namespace bondsim::test {
namespace {

using nlohmann::json;

/// Results of a short run of the default experiment with a dataflow.
json results_of(const std::string& flow, const std::string& more) {
  const ScratchDirectory scratch;
  const auto run = bondsim_command(
      "run configs/experiment/h2llm-llama3-8b-sharegpt.yaml --set workload.prompt_tokens=40"
      " --set workload.generated_tokens=2 --set model.hidden=512 --set model.vocab=2048"
      " --set model.intermediate=1024 --dataflow configs/dataflow/" +
      flow + ".yaml " + more + " --out " + scratch.file("out"));
  EXPECT_EQ(run.status, 0) << run.output;
  return json::parse(file_text(scratch.file("out/results.json")));
}

/// Exclusive times sum to the time of their phase: the run's by operator, and each executor's.
void expect_busy_sums(const json& results) {
  const std::map<std::string, std::int64_t> phases = {
      {"prefill", results["latency_ps"]["prefill"].get<std::int64_t>()},
      {"decode", results["latency_ps"]["total"].get<std::int64_t>() - results["latency_ps"]["prefill"].get<std::int64_t>()}};
  std::map<std::string, std::int64_t> sums;
  for (const json& op : results["operators"]) {
    sums[op["phase"]] += op["busy_ps"].get<std::int64_t>();
    // No operator is busy longer than from its first start to its last end.
    if (op["executor"] == "system") continue;
    EXPECT_LE(op["busy_s"].get<double>(), op["span_s"].get<double>() * (1 + 1e-12)) << op["name"];
  }
  EXPECT_EQ(sums, phases);
  for (const json& executor : results["executors"]) {
    for (const auto& [phase, length] : phases) {
      std::int64_t sum = 0;
      for (const auto& entry : executor["busy_ps"][phase].items()) sum += entry.value().get<std::int64_t>();
      EXPECT_EQ(sum, length) << executor["id"] << " in " << phase;
    }
  }
}

TEST(BusyTime, exclusive_times_sum_to_each_phase_for_the_run_and_every_executor) {
  for (const char* flow : {"fc_offloading", "attention_offloading", "npu_only", "data_centric"}) {
    SCOPED_TRACE(flow);
    const json results = results_of(flow, "");
    expect_busy_sums(results);
    std::set<std::string> ids;
    for (const json& executor : results["executors"]) ids.insert(executor["id"].get<std::string>());
    EXPECT_EQ(ids.size(), results["channels"].size() + 2);
    for (const char* id : {"npu.arrays", "npu.vector", "nmp.channel0", "normal.channel7"}) EXPECT_EQ(ids.count(id), 1u) << id;
  }
}

TEST(BusyTime, attention_in_tiles_and_every_layer_simulated_sum_too) {
  expect_busy_sums(results_of("data_centric", "--set system.npu.fused_attention=true"));
  expect_busy_sums(results_of("fc_offloading", "--set workload.layers=all --set model.layers=3"));
}

/// With the layers one after the other nothing hides: PEs work on a decode operator for exactly the time in which the run has it.
TEST(BusyTime, without_overlap_the_run_is_busy_whenever_an_executor_is) {
  const json results = results_of("fc_offloading", "--set system.fidelity.overlap=false");
  expect_busy_sums(results);
  std::map<std::string, std::int64_t> longest;
  for (const json& executor : results["executors"]) {
    for (const auto& entry : executor["busy_ps"]["decode"].items())
      longest[entry.key()] = std::max(longest[entry.key()], entry.value().get<std::int64_t>());
  }
  for (const json& op : results["operators"]) {
    if (op["phase"] != "decode" || op["executor"] == "system") continue;
    EXPECT_GE(op["busy_ps"].get<std::int64_t>(), longest[op["name"]]) << op["name"];
  }
}

}  // namespace
}  // namespace bondsim::test
