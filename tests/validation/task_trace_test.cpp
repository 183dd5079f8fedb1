#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/task_trace.hpp"

namespace bondsim::test {
namespace {

using nlohmann::json;

/// Narrow, and short: a prompt of eight tokens and two decode steps; a layer that stands for 32.
const std::string narrow =
    " --set workload.prompt_tokens=8 --set workload.generated_tokens=2 --set model.hidden=512 --set model.vocab=2048"
    " --set model.intermediate=1024";
const std::string experiment = "configs/experiment/h2llm-llama3-8b-sharegpt.yaml";

/// Sums of all `_ps` columns of a file, times the layers and steps that a row stands for, and of the bytes.
std::map<std::string, std::int64_t> sums_of(const std::vector<TaskCsvRow>& rows) {
  std::map<std::string, std::int64_t> sums;
  for (const auto& row : rows) {
    const std::int64_t times = number(row, "layers") * number(row, "steps");
    for (const auto& [column, cell] : row) {
      const bool part = column.size() > 3 && column.substr(column.size() - 3) == "_ps" && column != "start_ps" && column != "end_ps";
      if (part || column == "bytes" || column == "hb_bytes" || column == "macs") sums[column] += std::stoll(cell) * times;
    }
  }
  return sums;
}

void expect_parts(const std::map<std::string, std::int64_t>& sums, const json& time_ps, const std::string& who) {
  for (const auto& [part, ps] : time_ps.items()) EXPECT_EQ(sums.at(part + "_ps"), ps.get<std::int64_t>()) << who << " " << part;
}

/// Rows follow one another without gap or overlap, and the parts of each sum to its length.
void expect_partition(const std::vector<TaskCsvRow>& rows, const std::string& who) {
  std::int64_t at = 0;
  for (const auto& row : rows) {
    ASSERT_EQ(number(row, "start_ps"), at) << who;
    at = number(row, "end_ps");
    std::int64_t sum = 0;
    for (const auto& [column, cell] : row) {
      if (column.size() > 3 && column.substr(column.size() - 3) == "_ps" && column != "start_ps" && column != "end_ps")
        sum += std::stoll(cell);
    }
    ASSERT_EQ(sum, at - number(row, "start_ps")) << who << " at " << at;
  }
}

void expect_traces_agree(const std::string& directory) {
  const auto results = json::parse(file_text(directory + "/results.json"));
  std::int64_t macs = 0;
  std::int64_t length = -1;
  for (const auto& channel : results.at("channels")) {
    const std::string who = channel.at("name").get<std::string>();
    const auto rows = read_task_csv(directory + "/" + who + ".tasks.csv");
    ASSERT_FALSE(rows.empty()) << who;
    const auto sums = sums_of(rows);
    expect_parts(sums, channel.at("time_ps"), who);
    expect_partition(rows, who);
    EXPECT_EQ(sums.at("bytes"), channel.at("bytes_read").get<std::int64_t>() + channel.at("bytes_written").get<std::int64_t>()) << who;
    EXPECT_EQ(sums.at("hb_bytes"), channel.at("hb_bytes_read").get<std::int64_t>() + channel.at("hb_bytes_written").get<std::int64_t>());
    macs += sums.at("macs");
    if (length < 0) length = number(rows.back(), "end_ps");
    EXPECT_EQ(number(rows.back(), "end_ps"), length) << who << ": files end at different times";
  }
  const auto rows = read_task_csv(directory + "/npu.tasks.csv");
  const auto sums = sums_of(rows);
  expect_parts(sums, results.at("npu").at("time_ps"), "npu");
  macs += sums.at("macs");
  std::int64_t counted = 0;
  for (const auto& op : results.at("operators")) counted += op.at("macs").get<std::int64_t>();
  EXPECT_EQ(macs, counted);
}

TEST(TaskTrace, rows_sum_to_the_results_of_every_dataflow_to_the_picosecond) {
  for (const char* flow : {"fc_offloading", "attention_offloading", "npu_only", "data_centric"}) {
    SCOPED_TRACE(flow);
    const ScratchDirectory scratch;
    const auto run = bondsim_command("run " + experiment + narrow + " --dataflow configs/dataflow/" + flow + ".yaml --trace tasks --out " +
                                     scratch.file("out"));
    ASSERT_EQ(run.status, 0) << run.output;
    expect_traces_agree(scratch.file("out"));
  }
}

TEST(TaskTrace, rows_sum_to_the_results_with_effects_switched_off) {
  for (const char* effect : {"bus_contention", "overlap", "vector_ops", "row_timing", "finite_buffers"}) {
    SCOPED_TRACE(effect);
    const ScratchDirectory scratch;
    const auto run = bondsim_command("run " + experiment + narrow + " --set workload.generated_tokens=1 --set system.fidelity." + effect +
                                     "=false --trace tasks --out " + scratch.file("out"));
    ASSERT_EQ(run.status, 0) << run.output;
    expect_traces_agree(scratch.file("out"));
  }
}

TEST(TaskTrace, a_replay_writes_the_same_rows_as_the_run_and_tracing_changes_no_result) {
  const ScratchDirectory scratch;
  const std::string what = experiment + narrow + " --set workload.layers=all --set model.layers=2";
  ASSERT_EQ(bondsim_command("run " + what + " --out " + scratch.file("plain")).status, 0);
  ASSERT_EQ(bondsim_command("run " + what + " --trace tasks --out " + scratch.file("traced")).status, 0);
  ASSERT_EQ(bondsim_command("map " + what + " --out " + scratch.file("s.schedule")).status, 0);
  const auto replay =
      bondsim_command("replay configs/system/h2llm.yaml " + scratch.file("s.schedule") + " --trace tasks --out " + scratch.file("replay"));
  ASSERT_EQ(replay.status, 0) << replay.output;
  auto plain = json::parse(file_text(scratch.file("plain/results.json")));
  auto traced = json::parse(file_text(scratch.file("traced/results.json")));
  plain["simulation"].erase("wall_s");
  traced["simulation"].erase("wall_s");
  EXPECT_EQ(plain, traced);
  for (const char* name : {"npu", "nmp.channel0", "normal.channel7"}) {
    const std::string file = std::string("/") + name + ".tasks.csv";
    EXPECT_EQ(file_text(scratch.file("traced") + file), file_text(scratch.file("replay") + file)) << name;
    EXPECT_FALSE(file_text(scratch.file("replay") + file).empty()) << name;
  }
}

}  // namespace
}  // namespace bondsim::test
