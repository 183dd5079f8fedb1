#pragma once
#include <sys/types.h>

#include <fstream>
#include <memory>
#include <string>

#include "tools/app/output/cleanup.hpp"

namespace bondsim::tools {

/// A single file that appears whole or not at all: written under a random name beside it, which keeps its ending, and renamed. An error,
/// SIGINT, SIGTERM and SIGHUP leave nothing behind. In a directory of results it becomes one of their files. A terminal or a pipe is
/// written to directly.
class OutputFile {
 public:
  /// A user names the file; or it is one of a work directory, which reads it again and writes it again.
  enum class Named { by_user, by_us };

  /// @throws ConfigError when a link or a directory stands there, or an input of this run; IoError when the file cannot be made.
  explicit OutputFile(const std::string& path, Named named = Named::by_user);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  /// Where the file is until commit(); empty for a terminal or a pipe.
  const std::string& path() const { return staging_; }
  std::ostream& stream() { return stream_; }
  /// @throws IoError; ConfigError when the file has become an input meanwhile
  void commit();

 private:
  void require_no_input() const;

  Named named_;
  std::string asked_;
  std::string target_;
  std::string staging_;
  pid_t owner_;
  std::ofstream stream_;
  std::unique_ptr<RemovedOnSignal> on_signal_;
};

}  // namespace bondsim::tools
