#pragma once
#include <memory>
#include <string>
#include <vector>

#include "models/schedule/simulation_listener.hpp"
#include "models/system/system.hpp"
#include "sim/trace/block_trace.hpp"
#include "sim/trace/gzip_writer.hpp"

namespace bondsim {

inline constexpr const char* task_trace_schema = "# bondsim.tasks/2";

/// `start_ps,end_ps,task,operator,...`: the line above the rows.
std::string task_trace_header();

/// Bytes of a row: of a channel those its commands moved, of the NPU those its task asks for.
struct RowBytes {
  std::int64_t all = 0;
  std::int64_t hb = 0;  ///< of it through the HB ports
};
RowBytes row_bytes(const System& system, const Block& block, const TaskRow& row);

/// MACs of a row: of a channel's nmp_gemm and the NPU's npu_gemm.
std::int64_t row_macs(const Block& block, const TaskRow& row);

/// Name of a row's kind: a TaskKind's, or `wait` and `idle` for time without a task.
const char* row_kind(const Block& block, const TaskRow& row);

/// Writes the rows of each executor to `<its name>.tasks.csv`, e.g. `nmp.channel0.tasks.csv` and `npu.tasks.csv` (traces/README.md says
/// what is in them), block by block.
class TaskTraceWriter : public SimulationListener {
 public:
  /// @param directory exists already. @param system must outlive the writer.
  TaskTraceWriter(const System& system, const std::string& directory, bool gzip);

  void block_ended(const BlockTrace& trace) override;

  /// Ends the files. @throws ConfigError when one could not be written.
  void finish();

 private:
  const System& system_;
  std::vector<std::unique_ptr<GzipWriter>> files_;  ///< in the order of traced_executors()
};

}  // namespace bondsim
