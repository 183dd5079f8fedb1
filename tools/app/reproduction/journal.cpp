#include "tools/app/reproduction/journal.hpp"

#include <filesystem>

#include "models/base/error.hpp"

namespace bondsim::tools {

Journal::Journal(const std::string& path, const std::string& inputs) : path_(path) {
  read(inputs);
  const auto parent = std::filesystem::path(path).parent_path();
  std::error_code ec;
  if (!parent.empty()) std::filesystem::create_directories(parent, ec);
  file_.open(path_, std::ios::trunc);
  file_ << inputs << "\n";
  for (const auto& [task, answer] : answers_) file_ << task << "\t" << answer << "\n";
  file_.flush();
  if (!file_) throw ConfigError(path_ + ": cannot be written");
}

void Journal::read(const std::string& inputs) {
  std::ifstream in(path_);
  std::string line;
  if (!std::getline(in, line) || line != inputs) return;
  while (std::getline(in, line)) {
    const std::size_t tab = line.find('\t');
    // Without its line break the line was cut short, and may look whole.
    if (in.eof() || tab == std::string::npos) return;
    answers_[line.substr(0, tab)] = line.substr(tab + 1);
  }
}

const std::string* Journal::find(const std::string& task) const {
  const auto found = answers_.find(task);
  return found == answers_.end() ? nullptr : &found->second;
}

void Journal::add(const std::string& task, const std::string& answer) {
  answers_[task] = answer;
  file_ << task << "\t" << answer << "\n";
  file_.flush();
}

void Journal::remove() {
  file_.close();
  std::error_code ec;
  std::filesystem::remove(path_, ec);
}

}  // namespace bondsim::tools
