#pragma once
#include <fstream>
#include <map>
#include <string>

namespace bondsim::tools {

/// Answers that are there already, so that a run of many minutes goes on where it was ended. A text file, a line an answer, whose first
/// line names the inputs; a file of other inputs, or a last line cut short, counts as nothing.
class Journal {
 public:
  /// @throws ConfigError when another file stands there; IoError when it cannot be written.
  Journal(const std::string& path, const std::string& inputs);
  /// nullptr when the task has no answer yet.
  const std::string* find(const std::string& task) const;
  void add(const std::string& task, const std::string& answer);
  /// The answers are not needed any more.
  void remove();

 private:
  void read(const std::string& first_line);

  std::string path_;
  std::map<std::string, std::string> answers_;
  std::ofstream file_;
};

}  // namespace bondsim::tools
