#pragma once
#include <string>

namespace bondsim {

/// A directory of results that appears whole or not at all: files are written into path(), and commit() puts it in the place asked for.
class OutputDirectory {
 public:
  /// @param marker file by which an output of an earlier run is known; only such a directory, or an empty one, is replaced.
  /// @throws ConfigError when `directory` is something else or cannot be made.
  OutputDirectory(const std::string& directory, const std::string& marker);
  ~OutputDirectory();
  OutputDirectory(const OutputDirectory&) = delete;
  OutputDirectory& operator=(const OutputDirectory&) = delete;

  const std::string& path() const { return staging_; }
  /// Writes a file. @throws ConfigError
  void write(const std::string& name, const std::string& content) const;
  /// @throws ConfigError
  void commit();
  /// Instead of commit(): moves the files into a directory that is there. @return their names in order, each behind ", ". @throws
  /// ConfigError
  std::string move_into(const std::string& directory);

 private:
  std::string asked_;
  std::string target_;
  std::string staging_;
};

}  // namespace bondsim
