#include "tools/app/experiment/shipped.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>

#include "mapping/dataflow/dataflow.hpp"
#include "mapping/llm/graph_file.hpp"
#include "mapping/llm/workload.hpp"
#include "mapping/search/device/design_space.hpp"
#include "mapping/serving/serving_config.hpp"
#include "models/base/nearest.hpp"
#include "models/system/system.hpp"
#include "models/thermal/stack.hpp"
#include "tools/app/experiment/experiment_file.hpp"
#include "tools/app/experiment/target.hpp"

namespace bondsim::tools {
namespace {

namespace fs = std::filesystem;

struct Kind {
  const char* about;
  std::function<std::vector<SchemaKey>()> keys;
};

const std::vector<std::pair<std::string, Kind>>& kinds() {
  static const std::vector<std::pair<std::string, Kind>> list = {
      {"experiment", {"which system, model, workload and dataflow make a run", [] { return Describer::keys_of<ExperimentFile>(); }}},
      {"system", {"a machine: channels, PEs, buffers, NPU, fidelity switches", [] { return Describer::keys_of<System>(); }}},
      {"model", {"shapes of a decoder-only transformer", [] { return Describer::keys_of<Model>(); }}},
      {"graph", {"a model whose layer is any graph of operators", [] { return Describer::keys_of<GraphFile>(); }}},
      {"format", {"a number format: element, block, scales, sparsity", [] { return Describer::keys_of<Format>(); }}},
      {"workload", {"batch, prompt and generated tokens", [] { return Describer::keys_of<Workload>(); }}},
      {"serving", {"who asks, and how requests share the machine", [] { return Describer::keys_of<serving::ServingConfig>(); }}},
      {"dataflow", {"which channels hold and run each operator", [] { return Describer::keys_of<Dataflow>(); }}},
      {"dram", {"organisation and timing of a DRAM part", [] { return Describer::keys_of<DramConfig>(); }}},
      {"energy", {"energy of each action, with unit, boundary, source and confidence", [] { return Describer::keys_of<EnergyTable>(); }}},
      {"stack", {"a package: layers, floorplan, cooling, leakage, throttling", [] { return Describer::keys_of<Stack>(); }}},
      {"target", {"numbers that others published, to be held against", [] { return Describer::keys_of<Target>(); }}},
      {"space", {"devices a search may build, and what it minimises", [] { return Describer::keys_of<search::DesignSpace>(); }}}};
  return list;
}

/// The program, or the loadable module, that this function stands in.
fs::path this_code() {
  Dl_info info;
  std::error_code ec;
  if (::dladdr(reinterpret_cast<const void*>(&this_code), &info) != 0 && info.dli_fname != nullptr) {
    // Of a program it is the name it was called by, which may be found along PATH only.
    fs::path file = fs::canonical(info.dli_fname, ec);
    if (!ec && file.extension() == ".so") return file;
  }
  return fs::read_symlink("/proc/self/exe", ec);
}

}  // namespace

std::string shipped(const std::string& path) {
  std::error_code ec;
  const fs::path binary = this_code();
  for (fs::path folder = binary.parent_path(); folder != folder.parent_path(); folder = folder.parent_path()) {
    const fs::path installed = folder / "share" / "bondsim" / path;
    if (fs::exists(installed, ec)) return installed.string();
  }
  const fs::path source = fs::path(BONDSIM_TOOLS_DIR).parent_path() / path;
  if (fs::exists(source, ec)) return source.string();
  throw ConfigError(
      fmt::format("{} of bondsim is missing, looked for below share/bondsim beside {} and at {}", path, binary.string(), source.string()));
}

std::string shipped_configs() { return shipped("configs"); }

namespace {

/// Names of the YAML files in a folder of configs/, without their ending.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(folder, ec)) {
    if (entry.path().extension() == ".yaml") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

std::string find_input(const std::string& name, const std::vector<std::string>& kinds) {
  std::error_code ec;
  if (fs::exists(name, ec) || fs::path(name).is_absolute()) return name;
  std::string root;
  try {
    root = shipped_configs();
  } catch (const ConfigError&) {
    return name;
  }
  std::vector<fs::path> places = {fs::path(root) / (name.rfind("configs/", 0) == 0 ? name.substr(8) : name)};
  const bool bare = name.find('/') == std::string::npos;
  for (const std::string& kind : kinds) {
    if (bare) places.push_back(fs::path(root) / kind / name);
  }
  for (const fs::path& place : places) {
    for (const char* ending : {"", ".yaml"}) {
      const fs::path file = place.string() + ending;
      if (fs::is_regular_file(file, ec)) return file.string();
    }
  }
  if (!bare || fs::path(name).has_extension()) return name;
  std::vector<std::string> names;
  for (const std::string& kind : kinds) {
    for (std::string& shipped_name : names_in(fs::path(root) / kind)) names.push_back(std::move(shipped_name));
  }
  if (const std::string near = nearest_name(name, names); !near.empty()) {
    throw ConfigError(fmt::format("{}: no such file, and no {} of that name comes with bondsim, did you mean '{}'?", name,
                                  fmt::join(kinds, " or "), near));
  }
  return name;
}

const std::vector<std::string>& schema_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const auto& entry : kinds()) out.push_back(entry.first);
    return out;
  }();
  return names;
}

std::string config_folder(const std::string& kind) { return kind == "format" ? "formats" : kind == "target" ? "reproduce" : kind; }

Schema schema_of(const std::string& name) {
  for (const auto& [known, kind] : kinds()) {
    if (known == name) return {name, "bondsim." + name + "/1", kind.about, kind.keys()};
  }
  throw ConfigError(fmt::format("'{}' is no kind of file, allowed: {}", name, fmt::join(schema_names(), ", ")));
}

std::string first_comment(const std::string& file) {
  std::ifstream in(file);
  std::string text;
  for (std::string line; std::getline(in, line) && !line.empty() && line[0] == '#';) {
    const std::size_t begin = line.find_first_not_of("# ");
    if (begin == std::string::npos) break;
    text += (text.empty() ? "" : " ") + line.substr(begin);
    if (const std::size_t end = text.find(". "); end != std::string::npos) return text.substr(0, end + 1);
  }
  return text;
}

}  // namespace bondsim::tools
