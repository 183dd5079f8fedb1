#include "sim/trace/tasks.hpp"

#include <fmt/format.h>

#include "models/schedule/schedule_names.hpp"

namespace bondsim {

std::vector<std::string> traced_executors(const System& system) {
  const std::vector<std::string> channels = system.channel_names();
  std::vector<std::string> names = {executor_name(ExecutorId::npu(), channels)};
  names.insert(names.end(), channels.begin(), channels.end());
  return names;
}

std::string task_trace_header() {
  std::string header = "start_ps,end_ps,task,operator,layer,step,kind,layers,steps,block,bytes,hb_bytes,macs";
  for (const auto& part : named_parts(TimeParts{})) header += fmt::format(",{}_ps", part.first);
  return header;
}

RowBytes row_bytes(const System& system, const Block& block, const TaskRow& row) {
  RowBytes bytes;
  if (row.of_channel()) {
    bytes.hb = (row.counts.hb_reads + row.counts.hb_writes) * system.nmp_of(row.channel()).hb.access_bytes;
    bytes.all = bytes.hb + (row.counts.reads + row.counts.writes + row.counts.buffer_reads + row.counts.buffer_writes) *
                               system.dram_of(row.channel()).organization.access_bytes();
  } else if (row.task >= 0) {
    const Task& task = block.tasks[static_cast<std::size_t>(row.task)];
    for (const auto* extents : {&task.extents, &task.npu.stationary}) {
      for (const Extent& extent : *extents) bytes.all += extent.bytes();
    }
  }
  return bytes;
}

std::int64_t row_macs(const Block& block, const TaskRow& row) {
  if (row.task < 0) return 0;
  const Task& task = block.tasks[static_cast<std::size_t>(row.task)];
  if (task.kind == TaskKind::nmp_gemm) return task.nmp.shape.macs();
  return task.kind == TaskKind::npu_gemm && !row.of_channel() ? task.npu.shape.macs() : 0;
}

const char* row_kind(const Block& block, const TaskRow& row) {
  if (row.task < 0) return row.last ? "idle" : "wait";
  const TaskKind kind = block.tasks[static_cast<std::size_t>(row.task)].kind;
  for (const auto& entry : enum_names<TaskKind>) {
    if (entry.second == kind) return entry.first;
  }
  throw InternalError("a task of no kind");
}

TaskTraceWriter::TaskTraceWriter(const System& system, const std::string& directory, bool gzip) : system_(system) {
  for (const std::string& name : traced_executors(system)) {
    files_.push_back(std::make_unique<GzipWriter>(fmt::format("{}/{}.tasks.csv", directory, name), gzip));
    files_.back()->text() = fmt::format("{}\n{}\n", task_trace_schema, task_trace_header());
  }
}

void TaskTraceWriter::block_ended(const BlockTrace& trace) {
  const Block& block = trace.block;
  for (const TaskRow& row : trace.rows) {
    GzipWriter& file = *files_.at(row.place());
    std::string& text = file.text();
    const std::int32_t op = row.task < 0 ? -1 : block.tasks[static_cast<std::size_t>(row.task)].op;
    fmt::format_to(std::back_inserter(text), "{},{},", row.start.value, row.end.value);
    if (row.task >= 0) fmt::format_to(std::back_inserter(text), "{}", row.task);
    const RowBytes bytes = row_bytes(system_, block, row);
    fmt::format_to(std::back_inserter(text), ",{},{},{},{},{},{},{},{},{},{}",
                   op < 0 ? "" : trace.header.operators[static_cast<std::size_t>(op)].name, block.layer, block.step, row_kind(block, row),
                   block.layers, block.steps, trace.index, bytes.all, bytes.hb, row_macs(block, row));
    for (const auto& part : named_parts(row.parts)) fmt::format_to(std::back_inserter(text), ",{}", part.second.value);
    text += '\n';
    file.flush_if_full();
  }
}

void TaskTraceWriter::finish() {
  for (const auto& file : files_) file->finish();
  files_.clear();
}

}  // namespace bondsim
