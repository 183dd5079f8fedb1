#pragma once
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "tools/app/output/cleanup.hpp"
#include "tools/app/output/work_lock.hpp"

namespace bondsim::tools {

/// The file by which an output directory of bondsim is known: the kind of output, then the names of the files that belong to it.
inline constexpr const char* output_marker = ".bondsim-output";

/// Whose results a directory holds.
struct OutputOwner {
  std::string experiment;  ///< digest of the experiment; empty: nobody asks
  bool force = false;      ///< results of another experiment may be replaced
};

/// A directory of results that appears whole or not at all. Files are written into path(), a directory of random name beside the place
/// asked for; commit() puts it there. An earlier output of the same kind is exchanged for it in one step: its own files go, files that
/// somebody else put there stay. An error, SIGINT, SIGTERM and SIGHUP leave nothing behind.
class OutputDirectory {
 public:
  /// Everything that can be refused is refused here, before any work is done.
  /// @param kind the command that writes: `run`, `validate`. Only an empty directory or an earlier output of this kind is replaced.
  /// @param owner an earlier output of another experiment is replaced only by force
  /// @throws ConfigError for `.`, `..`, folders above the working directory, links and what is not ours; IoError when it cannot be written.
  OutputDirectory(const std::string& directory, const std::string& kind, OutputOwner owner = {});
  ~OutputDirectory();
  OutputDirectory(const OutputDirectory&) = delete;
  OutputDirectory& operator=(const OutputDirectory&) = delete;

  /// Where files are to be written until commit(); all that is in it then belongs to the output.
  const std::string& path() const { return staging_; }
  /// @param name relative, also `folder/name`. @throws ConfigError for a name that leads out of the directory; IoError.
  void write(const std::string& name, const std::string& content) const;
  /// @return names of all files, in order, without the marker. @throws IoError; then the earlier output stands as it was.
  std::vector<std::string> commit();

 private:
  void exchange();
  void keep_foreign_files(const std::string& old) const;

  std::string asked_;
  std::string kind_;
  OutputOwner owner_of_results_;
  std::string target_;
  std::string staging_;
  pid_t owner_;
  std::unique_ptr<RemovedOnSignal> on_signal_;
};

/// A directory that work goes on in, as searches do with --resume: each file in it appears whole or not at all. One process at a time.
class WorkDirectory {
 public:
  /// @throws ConfigError, IoError as OutputDirectory; IoError when another process works in it
  WorkDirectory(const std::string& directory, const std::string& kind);
  std::string file(const std::string& name) const;
  /// @throws ConfigError for a name that leads out of the directory; IoError
  void write(const std::string& name, const std::string& content) const;

 private:
  std::string target_;
  std::unique_ptr<WorkLock> lock_;
};

/// The files that an output of ours has, those that went missing too; none where `directory` is no output of ours.
std::vector<std::string> files_of_output(const std::string& directory);

/// Makes a file one of an output's own, so that the next output in its place takes it away; nothing where `directory` is no output of ours.
void add_to_output(const std::string& directory, const std::string& name);

/// `a.csv, b.csv`, for the closing line of a command.
std::string list_of(const std::vector<std::string>& names);

}  // namespace bondsim::tools
