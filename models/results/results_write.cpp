#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "models/base/error.hpp"
#include "models/results/results.hpp"

namespace bondsim {
namespace {

namespace fs = std::filesystem;

void write_file(const fs::path& path, const std::string& content) {
  std::ofstream out(path, std::ios::binary);
  out << content;
  out.flush();
  if (!out) throw ConfigError(fmt::format("{}: cannot be written", path.string()));
}

/// Only a directory of an earlier run, or an empty one, may be replaced.
bool may_replace(const fs::path& path) { return fs::is_empty(path) || fs::exists(path / "results.json"); }

}  // namespace

void write_results(const Results& results, const std::string& directory) {
  const fs::path target = fs::path(directory).lexically_normal();
  std::error_code ec;
  if (fs::exists(target, ec) && (!fs::is_directory(target) || !may_replace(target))) {
    throw ConfigError(fmt::format("--out {}: exists and is not the output of an earlier run, it is left alone", directory));
  }
  fs::path clean = target;
  if (!clean.has_filename()) clean = clean.parent_path();
  const fs::path parent = clean.has_parent_path() ? clean.parent_path() : fs::path(".");
  fs::create_directories(parent, ec);
  const fs::path staging = parent / fmt::format(".{}.{}.partial", clean.filename().string(), ::getpid());
  fs::create_directory(staging, ec);
  if (ec) throw ConfigError(fmt::format("--out {}: cannot be created: {}", directory, ec.message()));
  write_file(staging / "results.json", results_json(results));
  write_file(staging / "operators.csv", operators_csv(results));
  write_file(staging / "channels.csv", channels_csv(results));
  fs::remove_all(clean, ec);
  fs::rename(staging, clean, ec);
  if (ec) throw ConfigError(fmt::format("--out {}: cannot be put in place: {}", directory, ec.message()));
}

}  // namespace bondsim
