#include "tools/app/output/journal.hpp"

#include <filesystem>

#include "models/base/error.hpp"
#include "models/base/io_error.hpp"
#include "tools/app/output/output_file.hpp"

namespace bondsim::tools {

namespace {

constexpr const char* schema = "bondsim.answers/1 ";

}  // namespace

Journal::Journal(const std::string& path, const std::string& inputs) : path_(path) {
  OutputFile file(path_, OutputFile::Named::by_us);  // refuses links and devices
  read(schema + inputs);
  file.stream() << schema << inputs << "\n";
  for (const auto& [task, answer] : answers_) file.stream() << task << "\t" << answer << "\n";
  file.commit();
  file_.open(path_, std::ios::app);
  if (!file_) throw IoError(path_ + ": cannot be written");
}

void Journal::read(const std::string& first_line) {
  std::ifstream in(path_);
  std::string line;
  if (!in) return;
  if (std::getline(in, line) && line.rfind(schema, 0) != 0) {
    throw ConfigError(path_ +
                      ": is needed for answers until the tables are written, but is another file; allowed: move it, or another --out");
  }
  if (line != first_line) return;
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
