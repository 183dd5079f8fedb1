#include "tools/app/output/output_directory.hpp"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "models/base/error.hpp"
#include "models/base/io_error.hpp"
#include "tools/app/output/output_file.hpp"
#include "tools/app/output/place.hpp"

namespace bondsim::tools {
namespace {

namespace fs = std::filesystem;

constexpr const char* marker_schema = "bondsim.output/1";
constexpr const char* experiment_line = "# experiment ";

/// Contents of the marker file of a directory.
struct Marker {
  std::string kind;
  std::string experiment;  ///< digest; empty where none was noted
  std::set<std::string> files;
};

bool contained(const fs::path& name) {
  return !name.empty() && name.is_relative() &&
         std::none_of(name.begin(), name.end(), [](const fs::path& p) { return p == ".." || p == "."; });
}

bool read_marker(const fs::path& directory, Marker& marker) {
  const fs::path file = directory / output_marker;
  if (!fs::is_regular_file(fs::symlink_status(file))) return false;
  std::ifstream in(file);
  std::string line;
  if (!std::getline(in, line) || line.rfind(marker_schema, 0) != 0 || line.size() < std::string(marker_schema).size() + 2) return false;
  marker.kind = line.substr(std::string(marker_schema).size() + 1);
  while (std::getline(in, line)) {
    if (line.rfind(experiment_line, 0) == 0) {
      marker.experiment = line.substr(std::string(experiment_line).size());
    } else if (contained(line)) {
      marker.files.insert(line);
    }
  }
  return true;
}

std::string marker_text(const std::string& kind, const std::string& experiment, const std::set<std::string>& files) {
  std::string text = fmt::format("{} {}\n", marker_schema, kind);
  if (!experiment.empty()) text += experiment_line + experiment + "\n";
  for (const std::string& file : files) text += file + "\n";
  return text;
}

/// Names below a directory of everything that is no directory, without the marker.
std::set<std::string> files_below(const fs::path& directory) {
  std::set<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_directory() && !entry.is_symlink()) continue;
    names.insert(entry.path().lexically_relative(directory).string());
  }
  names.erase(output_marker);
  return names;
}

/// Whether a directory holds nothing but the beginning of a marker of this kind: what a process that was killed as it began has left.
bool just_begun(const fs::path& place, const std::string& kind) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(place)) names.insert(entry.path().filename().string());
  const fs::path file = place / output_marker;
  if (names != std::set<std::string>{output_marker} || !fs::is_regular_file(fs::symlink_status(file))) return false;
  std::ifstream in(file);
  const std::string begun{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const std::string whole = marker_text(kind, "", {});
  return begun.size() < whole.size() && whole.compare(0, begun.size(), begun) == 0;
}

/// Refuses a directory with contents that no command of this kind wrote.
void require_ours(const std::string& asked, const fs::path& place, const std::string& kind, const OutputOwner& owner = {}) {
  if (!fs::exists(fs::symlink_status(place)) || fs::is_empty(place) || just_begun(place, kind)) return;
  Marker marker;
  if (!read_marker(place, marker)) {
    throw ConfigError(
        fmt::format("--out {}: exists and is no output of bondsim (there is no {} in it), it is left alone", asked, output_marker));
  }
  if (marker.kind != kind) {
    throw ConfigError(fmt::format("--out {}: holds the output of bondsim {}, it is left alone", asked, marker.kind));
  }
  const bool known = !marker.experiment.empty() && !owner.experiment.empty();
  if (known && marker.experiment != owner.experiment && !owner.force) {
    throw ConfigError(
        fmt::format("--out {}: holds the results of another experiment (configuration {}), allowed: another directory, or --force", asked,
                    marker.experiment));
  }
}

/// The name in `directory` that a file of somebody else gets when an output has one of its name: `notes.csv.1`.
fs::path free_name(const fs::path& wanted) {
  fs::path name = wanted;
  for (int i = 1; fs::exists(fs::symlink_status(name)); ++i) name = wanted.string() + "." + std::to_string(i);
  return name;
}

int exchange_names(const std::string& a, const std::string& b) {
  constexpr unsigned exchange = 2;  // RENAME_EXCHANGE of renameat2(2)
  return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), exchange));
}

/// Files of the kind that mkdtemp made are for their owner alone; results are for everybody whom the umask lets.
void open_to_others(const std::string& directory) {
  const mode_t mask = ::umask(0);
  ::umask(mask);
  ::chmod(directory.c_str(), 0777 & ~mask);
}

}  // namespace

OutputDirectory::OutputDirectory(const std::string& directory, const std::string& kind, OutputOwner owner)
    : asked_(directory), kind_(kind), owner_of_results_(std::move(owner)), target_(place_of_directory(directory)), owner_(::getpid()) {
  require_ours(asked_, target_, kind_, owner_of_results_);
  const fs::path target(target_);
  staging_ = (target.parent_path() / fmt::format(".{}.XXXXXX", target.filename().string())).string();
  if (::mkdtemp(staging_.data()) == nullptr) {
    staging_.clear();
    io_error(asked_, "cannot be made");
  }
  on_signal_ = std::make_unique<RemovedOnSignal>(staging_);
  open_to_others(staging_);
}

OutputDirectory::~OutputDirectory() {
  std::error_code ec;
  if (!staging_.empty() && owner_ == ::getpid()) fs::remove_all(staging_, ec);
}

void OutputDirectory::write(const std::string& name, const std::string& content) const {
  const fs::path path(name);
  if (!contained(path))
    throw ConfigError(fmt::format("--out {}: '{}' would be written outside of it, allowed: a name without ..", asked_, name));
  std::error_code ec;
  if (path.has_parent_path()) fs::create_directories(fs::path(staging_) / path.parent_path(), ec);
  write_new_file((fs::path(staging_) / path).string(), content);
}

void OutputDirectory::keep_foreign_files(const std::string& old) const {
  Marker marker;
  read_marker(old, marker);
  for (const std::string& name : files_below(old)) {
    if (marker.files.count(name) > 0) continue;
    const fs::path place = free_name(fs::path(target_) / name);
    std::error_code ec;
    fs::create_directories(place.parent_path(), ec);
    if (::rename((fs::path(old) / name).c_str(), place.c_str()) != 0) io_error(asked_, name + " cannot be kept");
  }
  // Folders of somebody else stay, too, with nothing in them.
  for (const auto& entry : fs::recursive_directory_iterator(old)) {
    const std::string name = entry.path().lexically_relative(old).string(), below = name + "/";
    const auto first = marker.files.lower_bound(below);
    const bool ours = first != marker.files.end() && first->compare(0, below.size(), below) == 0;
    std::error_code ec;
    if (entry.is_directory() && !entry.is_symlink() && !ours) fs::create_directories(fs::path(target_) / name, ec);
  }
}

void OutputDirectory::exchange() {
  if (exchange_names(staging_, target_) == 0) return;
  if (errno != EINVAL && errno != ENOSYS) io_error(asked_, "cannot be put in place");
  // A file system without exchange: the earlier output is moved aside, and back when the new one cannot take its place.
  const std::string aside = staging_ + ".old";
  if (::rename(target_.c_str(), aside.c_str()) != 0) io_error(asked_, "cannot be put in place");
  if (::rename(staging_.c_str(), target_.c_str()) != 0) {
    const int error = errno;
    ::rename(aside.c_str(), target_.c_str());
    errno = error;
    io_error(asked_, "cannot be put in place");
  }
  if (::rename(aside.c_str(), staging_.c_str()) != 0) io_error(asked_, "the earlier output cannot be removed");
}

std::vector<std::string> OutputDirectory::commit() {
  const std::set<std::string> names = files_below(staging_);
  for (const std::string& name : names) sync_path((fs::path(staging_) / name).string());
  write_new_file((fs::path(staging_) / output_marker).string(), marker_text(kind_, owner_of_results_.experiment, names));
  sync_path(staging_);
  const std::string parent = fs::path(target_).parent_path().string();
  require_ours(asked_, target_, kind_, owner_of_results_);  // it may have changed meanwhile
  if (fs::exists(fs::symlink_status(target_))) {
    exchange();
    keep_foreign_files(staging_);
    std::error_code ec;
    fs::remove_all(staging_, ec);
  } else if (::rename(staging_.c_str(), target_.c_str()) != 0) {
    io_error(asked_, "cannot be put in place");
  }
  sync_path(parent);
  on_signal_.reset();
  staging_.clear();
  return {names.begin(), names.end()};
}

WorkDirectory::WorkDirectory(const std::string& directory, const std::string& kind) : target_(place_of_directory(directory)) {
  require_ours(directory, target_, kind);
  std::error_code ec;
  fs::create_directory(target_, ec);
  if (ec) throw IoError(fmt::format("--out {}: cannot be made: {}", directory, ec.message()));
  if (just_begun(target_, kind)) fs::remove(file(output_marker), ec);
  Marker marker;
  if (!read_marker(target_, marker)) write_new_file(file(output_marker), marker_text(kind, "", {}));
  lock_ = std::make_unique<WorkLock>(target_);
}

std::string WorkDirectory::file(const std::string& name) const { return (fs::path(target_) / name).string(); }

void WorkDirectory::write(const std::string& name, const std::string& content) const {
  if (!contained(name))
    throw ConfigError(fmt::format("{}: '{}' would be written outside of it, allowed: a name without ..", target_, name));
  OutputFile out(file(name), OutputFile::Named::by_us);
  out.stream() << content;
  out.commit();
}

std::vector<std::string> files_of_output(const std::string& directory) {
  Marker marker;
  if (!read_marker(directory, marker)) return {};
  return {marker.files.begin(), marker.files.end()};
}

void add_to_output(const std::string& directory, const std::string& name) {
  Marker marker;
  if (name == output_marker || !read_marker(directory, marker) || !marker.files.insert(name).second) return;
  OutputFile out((fs::path(directory) / output_marker).string(), OutputFile::Named::by_us);
  out.stream() << marker_text(marker.kind, marker.experiment, marker.files);
  out.commit();
}

std::string list_of(const std::vector<std::string>& names) { return fmt::format("{}", fmt::join(names, ", ")); }

}  // namespace bondsim::tools
