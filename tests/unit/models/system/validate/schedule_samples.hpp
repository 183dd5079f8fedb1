#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "models/schedule/schedule_json.hpp"
#include "models/system/validate/validator.hpp"
#include "tests/support/mapping_setup.hpp"

/// Schedules that tests damage before they are validated or read.
namespace bondsim::testing {

/// All of a schedule as text.
inline std::string written(ScheduleSource& source) {
  std::ostringstream out;
  ScheduleWriter writer(out, source.header());
  Block block;
  while (source.next(block)) writer.write(block);
  writer.finish();
  return out.str();
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

/// A layer's prefill whose attention is fused, with a running softmax.
struct FusedSample {
  System system = h2llm_system();
  std::unique_ptr<ScheduleSource> source;
  Block embedding, layer;

  FusedSample() {
    system.npu.fused_attention = true;
    system.npu.prefill_block_tokens = 3000;
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

}  // namespace bondsim::testing
