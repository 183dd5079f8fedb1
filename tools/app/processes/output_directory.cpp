#include "tools/app/processes/output_directory.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "models/base/error.hpp"

namespace bondsim {

namespace fs = std::filesystem;

OutputDirectory::OutputDirectory(const std::string& directory, const std::string& marker) : asked_(directory) {
  fs::path target = fs::path(directory).lexically_normal();
  if (!target.has_filename()) target = target.parent_path();
  std::error_code ec;
  if (fs::exists(target, ec) && (!fs::is_directory(target) || !(fs::is_empty(target) || fs::exists(target / marker)))) {
    throw ConfigError(fmt::format("--out {}: exists and is not the output of an earlier run, it is left alone", directory));
  }
  const fs::path parent = target.has_parent_path() ? target.parent_path() : fs::path(".");
  fs::create_directories(parent, ec);
  target_ = target.string();
  staging_ = (parent / fmt::format(".{}.{}.partial", target.filename().string(), ::getpid())).string();
  fs::create_directory(staging_, ec);
  if (ec) throw ConfigError(fmt::format("--out {}: cannot be created: {}", directory, ec.message()));
}

OutputDirectory::~OutputDirectory() {
  std::error_code ec;
  if (!staging_.empty()) fs::remove_all(staging_, ec);
}

void OutputDirectory::write(const std::string& name, const std::string& content) const {
  const fs::path path = fs::path(staging_) / name;
  std::ofstream out(path, std::ios::binary);
  out << content;
  out.flush();
  if (!out) throw ConfigError(fmt::format("{}: cannot be written", path.string()));
}

std::string OutputDirectory::move_into(const std::string& directory) {
  std::set<std::string> names;
  for (const auto& file : fs::directory_iterator(staging_)) names.insert(file.path().filename().string());
  std::string list;
  for (const std::string& name : names) {
    std::error_code ec;
    fs::rename(fs::path(staging_) / name, fs::path(directory) / name, ec);
    if (ec) throw ConfigError(fmt::format("--out {}: {} cannot be put in place: {}", directory, name, ec.message()));
    list += ", " + name;
  }
  return list;
}

void OutputDirectory::commit() {
  std::error_code ec;
  fs::remove_all(target_, ec);
  fs::rename(staging_, target_, ec);
  if (ec) throw ConfigError(fmt::format("--out {}: cannot be put in place: {}", asked_, ec.message()));
  staging_.clear();
}

}  // namespace bondsim
