#pragma once
#include <istream>
#include <memory>
#include <ostream>
#include <string>

#include "models/schedule/schedule.hpp"

/// A Schedule as text, `bondsim.schedule/1`: one JSON object a line, so a long run is written and read block by block.
/// The first line is the header, every further line a block. A field at its default may be left out; a field that is not known is an error.
///
///   header   {"schema", "model", "dataflow", "channels", "batch", "layers", "steps", "prompt_tokens", "all_layers",
///             "operators": [[name, phase, executor], ...], "edges": [[a, b], ...]}
///   block    {"phase", "step", "layer", "repeat", "work": [[op, count, m, n, k], ...], "tasks": [task, ...]}
///   task     {"kind", "op", "channel", "after": [task, ...]} and, by kind,
///            host_scatter, host_load, kv_append: "extents"
///            nmp_gemm: "shape", "part", "bits", "pes": [first, per gemm], "tile": [n, k, order], "leave_mode", "input", "stationary",
///                      "output", "partials"
///            npu_gemm: "shape", "part", "bits", "chunks", "stationary"
///            npu_vector: "vector": [kind, elements, first_unit, units]
///   shape    [count, m, n, k]; part [work, gemm, m, n, k]; bits [activation, stationary, output, accumulator]
///   extent   [channel, first_bank, banks, bank_offset, bytes_per_bank, longer_banks, extra_bytes], the last two may be left out
namespace bondsim {

/// Writes header and blocks as they come. Equal schedules give equal bytes.
class ScheduleWriter {
 public:
  ScheduleWriter(std::ostream& out, const ScheduleHeader& header);
  void write(const Block& block);

 private:
  std::ostream& out_;
};

/// Reads a schedule block by block. @throws ConfigError `name:line: ...` from here and from next() for text that is not a schedule.
std::unique_ptr<ScheduleSource> read_schedule(std::unique_ptr<std::istream> in, const std::string& name);

/// The same from a file.
std::unique_ptr<ScheduleSource> open_schedule(const std::string& path);

}  // namespace bondsim
