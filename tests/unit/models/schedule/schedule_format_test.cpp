#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "models/schedule/schedule_json.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/paths.hpp"

namespace bondsim {
namespace {

using nlohmann::json;
using KeySets = std::map<std::string, std::set<std::string>>;  ///< by section: Header, Block, Task

/// Keys in backquotes of the first cell of each table row below `### section`.
KeySets described_keys() {
  std::ifstream in(tests::source_dir() + "/models/schedule/README.md");
  EXPECT_TRUE(in.good());
  KeySets keys;
  std::string section;
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("### ", 0) == 0) section = line.substr(4);
    if (section.empty() || line.rfind("| `", 0) != 0) continue;
    std::istringstream cell(line.substr(2, line.find(" |", 2) - 2));
    for (std::string text; std::getline(cell, text, '`') && std::getline(cell, text, '`');) keys[section].insert(text);
  }
  return keys;
}

/// A header and a block in which every key is written: no field is at its default.
std::string everything() {
  ScheduleHeader header;
  header.model = header.dataflow = "x";
  header.channels = {"hb.channel0"};
  header.batch = header.layers = header.steps = header.prompt_tokens = header.first_step = 1;
  header.operators = {{"a", Phase::prefill, "npu"}, {"b", Phase::decode, "nmp"}};
  header.edges = {{0, 1}};
  const std::vector<Extent> extents = {{0, 1, 4, 2, 64, 32, 16, 2}};
  Block block;
  block.work = {{0, {1, 2, 3, 4}}};
  block.not_before = Picoseconds(5);
  block.yields = {{0, 1}};
  for (const TaskKind kind : {TaskKind::host_scatter, TaskKind::nmp_gemm, TaskKind::host_load, TaskKind::npu_gemm, TaskKind::npu_vector,
                              TaskKind::kv_append, TaskKind::nmp_vector, TaskKind::barrier}) {
    Task task;
    task.kind = kind;
    task.delay = Picoseconds(9);
    task.executor = kind == TaskKind::npu_gemm     ? ExecutorId::arrays()
                    : kind == TaskKind::npu_vector ? ExecutorId::vector_units()
                    : kind == TaskKind::barrier    ? ExecutorId()
                                                   : ExecutorId::of_channel(0);
    if (kind == TaskKind::host_scatter || kind == TaskKind::host_load || kind == TaskKind::kv_append) task.extents = extents;
    task.nmp.part.work = task.npu.part.work = 0;
    task.nmp.tiling.k_piece = 8;
    task.nmp.k_parts = 2;
    task.nmp.leave_mode = false;
    if (kind == TaskKind::nmp_gemm) task.nmp.input = task.nmp.stationary = task.nmp.output = task.nmp.partials = extents;
    if (kind == TaskKind::nmp_vector) task.nmp.input = task.nmp.output = extents;
    if (kind == TaskKind::npu_gemm) task.npu.stationary = extents;
    task.npu.accumulate = true;
    task.vector = {VectorKind::softmax, 7, 1, 2};
    block.tasks.push_back(task);
  }
  std::ostringstream out;
  ScheduleWriter writer(out, header);
  writer.write(block);
  writer.finish();
  return out.str();
}

TEST(ScheduleFormat, every_key_that_is_written_is_described_and_every_key_described_is_written) {
  std::istringstream lines(everything());
  std::string line;
  KeySets written;
  const auto note = [&](const std::string& section, const json& object) {
    for (const auto& entry : object.items()) written[section].insert(entry.key());
  };
  ASSERT_TRUE(std::getline(lines, line));
  note("Header", json::parse(line));
  ASSERT_TRUE(std::getline(lines, line));
  const json block = json::parse(line);
  note("Block", block);
  for (const json& task : block.at("tasks")) note("Task", task);
  EXPECT_EQ(written, described_keys());
}

TEST(ScheduleFormat, what_is_written_is_read_back) {
  const std::string text = everything();
  const auto source = read_schedule(std::make_unique<std::istringstream>(text), "text");
  std::ostringstream out;
  ScheduleWriter writer(out, source->header());
  Block block;
  while (source->next(block)) writer.write(block);
  writer.finish();
  EXPECT_EQ(out.str(), text);
}

std::string error_of_reading(const std::string& text) {
  return test::error_of([&] {
    const auto source = read_schedule(std::make_unique<std::istringstream>(text), "s");
    Block block;
    while (source->next(block)) {
    }
    EXPECT_FALSE(source->next(block));
  });
}

TEST(ScheduleFormat, what_is_cut_off_between_two_blocks_is_refused) {
  const std::string text = everything();
  const std::size_t block = text.find('\n') + 1, end = text.find('\n', block) + 1;
  const std::string cut_off = R"(the file is cut off, allowed: {"blocks": ...} at its end, as its header says (counted))";
  EXPECT_EQ(error_of_reading(text), "no error");
  EXPECT_EQ(error_of_reading(text.substr(0, end)), "s:2: after 1 blocks: " + cut_off);
  EXPECT_EQ(error_of_reading(text.substr(0, block)), "s:1: after 0 blocks: " + cut_off);
  EXPECT_EQ(error_of_reading(text.substr(0, block) + text.substr(end)), "s:2: blocks: 1, allowed: 0, as many as come before");
  EXPECT_EQ(error_of_reading(text + text.substr(block, end - block)),
            "s:4: after 1 blocks: a line behind the number of blocks, allowed: nothing");
  const std::string counted = ",\"counted\":true";
  std::string without = text.substr(0, end);
  without.erase(without.find(counted), counted.size());
  EXPECT_EQ(error_of_reading(without), "no error");  // as one writes by hand
}

}  // namespace
}  // namespace bondsim
