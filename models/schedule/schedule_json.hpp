#pragma once
#include <istream>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "models/schedule/schedule.hpp"

/// A Schedule as text, `bondsim.schedule/2`: one JSON object a line, the header and then the blocks, so that a long run is written and read
/// block by block. README.md of this folder describes every key.
namespace bondsim {

/// Writes header and blocks as they come, and at the end how many they were, so that a file that was cut off does not look whole. Equal
/// schedules give equal bytes.
class ScheduleWriter {
 public:
  ScheduleWriter(std::ostream& out, const ScheduleHeader& header);
  void write(const Block& block);
  void finish();

 private:
  std::ostream& out_;
  std::vector<std::string> channels_;  ///< names, by number
  std::int64_t blocks_ = 0;
};

/// Reads a schedule block by block. @throws ConfigError `name:line: ...` from here and from next() for text that is not a schedule.
std::unique_ptr<ScheduleSource> read_schedule(std::unique_ptr<std::istream> in, const std::string& name);

/// The same from a file.
std::unique_ptr<ScheduleSource> open_schedule(const std::string& path);

}  // namespace bondsim
