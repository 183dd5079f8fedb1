#pragma once
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <string>

#include "models/dram/command.hpp"
#include "sim/trace/gzip_writer.hpp"

namespace bondsim {

inline constexpr const char* command_trace_schema = "# bondsim.commands/1";
inline constexpr const char* command_trace_header = "time_ps,command,bank,row,column,requester";

struct CommandTraceOptions {
  std::string directory;                                     ///< exists already
  bool gzip = false;                                         ///< `.csv.gz`
  Picoseconds from{0};                                       ///< commands before are left out
  Picoseconds to{std::numeric_limits<std::int64_t>::max()};  ///< and those at or after this
};

/// Writes the commands of each channel to `channel-<id>.commands.csv` (traces/README.md says what is in it). A channel without a command
/// gets no file.
class CommandTraceWriter : public CommandSink {
 public:
  explicit CommandTraceWriter(CommandTraceOptions options);

  void command(int channel, const CommandRecord& record) override;

  /// Ends the files. @throws ConfigError when one could not be written.
  void finish();
  std::int64_t commands() const { return commands_; }

 private:
  CommandTraceOptions options_;
  std::map<int, GzipWriter> files_;  ///< by channel
  std::int64_t commands_ = 0;
};

/// What the head of a command trace says.
struct CommandTraceHead {
  Picoseconds from{0};
  bool whole = true;  ///< begins with the run
};

/// Reads a command trace, plain or gzipped, and hands over its commands in order.
/// @throws ConfigError `file:line: ...` when it is not one.
CommandTraceHead read_command_trace(const std::string& path, const std::function<void(const CommandRecord&)>& take);

}  // namespace bondsim
