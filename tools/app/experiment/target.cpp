#include "tools/app/experiment/target.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "tools/app/experiment/shipped.hpp"

namespace bondsim::tools {
namespace {

namespace fs = std::filesystem;

void check_figure(const Target& target, const PublishedFigure& figure, const ConfigNode& node, const std::string& path) {
  const bool alone = figure.work == FigureWork::pes || figure.work == FigureWork::arrays;
  if (alone == figure.gemms.empty()) {
    config_error(node, path + ".gemms",
                 fmt::format("{} with work {}, allowed: some with pes and arrays, none with model and commands", alone ? "none" : "given",
                             enum_name(figure.work)));
  }
  const bool time = figure.unit == FigureUnit::us || figure.unit == FigureUnit::cycles;
  const FigureUnit expected = figure.work == FigureWork::model ? FigureUnit::tokens_per_s : FigureUnit::mw;
  if (alone ? !time : figure.unit != expected) {
    config_error(node, path + ".unit",
                 fmt::format("{} with work {}, allowed: us, cycles with pes and arrays, tokens_per_s with model, mw with commands",
                             enum_name(figure.unit), enum_name(figure.work)));
  }
  if ((figure.work == FigureWork::commands) == figure.trace.empty()) {
    config_error(
        node, path + ".trace",
        fmt::format("{} with work {}, allowed: one with commands alone", figure.trace.empty() ? "none" : "given", enum_name(figure.work)));
  }
  if (figure.work == FigureWork::model && (target.model.empty() || target.workload.empty() || target.dataflow.empty())) {
    config_error(node, path + ".work", "model, but the target does not name model, workload and dataflow, allowed: with all three");
  }
  if (target.least_of(figure) > target.most_of(figure)) {
    config_error(node, path + ".least", fmt::format("{} above {}, allowed: at most that", target.least_of(figure), target.most_of(figure)));
  }
}

}  // namespace

std::string Target::path(const std::string& file) const { return (fs::path(directory) / file).lexically_normal().string(); }

Target load_target(const std::string& file) {
  const ConfigNode node = load_yaml_file(file);
  auto target = decode_document<Target>(node, "target", "bondsim.target/1");
  target.directory = fs::path(file).parent_path().string();
  const ConfigNode& list = *node.find("figures");
  if (target.figures.empty()) config_error(list, "target.figures", "none, allowed: at least one");
  for (std::size_t i = 0; i < target.figures.size(); ++i)
    check_figure(target, target.figures[i], list.items[i], fmt::format("target.figures[{}]", i));
  return target;
}

namespace {

TargetFile target_file(const fs::path& path) {
  const ConfigNode node = load_yaml_file(path.string());
  const ConfigNode* schema = node.find("schema");
  return {path.stem().string(), path.string(), schema != nullptr && schema->text == "bondsim.reproduction/1"};
}

}  // namespace

std::vector<TargetFile> target_files(const std::string& name) {
  std::error_code ec;
  if (fs::is_regular_file(name, ec)) return {target_file(name)};
  std::vector<TargetFile> all;
  std::vector<std::string> known;
  for (const auto& entry : fs::directory_iterator(shipped("configs/reproduce"))) {
    if (entry.path().extension() == ".yaml") all.push_back(target_file(entry.path()));
  }
  std::sort(all.begin(), all.end(), [](const TargetFile& a, const TargetFile& b) { return a.name < b.name; });
  if (name.empty()) return all;
  for (const TargetFile& file : all) {
    if (file.name == name) return {file};
    known.push_back(file.name);
  }
  throw ConfigError(fmt::format("--published: '{}' is not known, allowed: {}, or a file", name, fmt::join(known, ", ")));
}

}  // namespace bondsim::tools
