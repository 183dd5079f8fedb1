#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "models/dram/spec/command.hpp"
#include "models/schedule/executor.hpp"
#include "models/schedule/simulation_listener.hpp"
#include "sim/trace/gzip_writer.hpp"
#include "sim/trace/window.hpp"

namespace bondsim {

inline constexpr const char* command_trace_schema = "# bondsim.commands/1";
inline constexpr const char* command_trace_header = "time_ps,command,bank,row,column,requester";

/// Writes the commands of each channel to `<its name>.commands.csv`, e.g. `nmp.channel0.commands.csv` (traces/README.md says what is in
/// it). A channel without a command gets no file.
class CommandTraceWriter : public SimulationListener {
 public:
  /// @param directory exists already. @param channels names by number. @param window commands outside of it are left out; must outlive the
  /// writer.
  CommandTraceWriter(std::string directory, std::vector<std::string> channels, bool gzip, const TraceWindow& window);

  void command(int channel, const CommandRecord& record) override;

  /// Ends the files. @throws ConfigError when one could not be written.
  void finish();
  std::int64_t commands() const { return commands_; }

 private:
  std::string directory_;
  std::vector<std::string> channels_;
  bool gzip_;
  const TraceWindow& window_;
  std::map<int, GzipWriter> files_;  ///< by channel
  std::int64_t commands_ = 0;
};

/// Head of a command trace.
struct CommandTraceHead {
  Picoseconds from{0};
  bool whole = true;  ///< begins with the run
};

/// Reads a command trace, plain or gzipped, and hands over its commands in order, after its head to `begin` if there is one.
/// @throws ConfigError `file:line: ...` when it is not one.
CommandTraceHead read_command_trace(const std::string& path, const std::function<void(const CommandRecord&)>& take,
                                    const std::function<void(const CommandTraceHead&)>& begin = nullptr);

}  // namespace bondsim
