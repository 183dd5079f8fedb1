#include <fmt/format.h>

#include <filesystem>
#include <map>
#include <memory>

#include "models/base/error.hpp"
#include "tools/app/experiment/shipped.hpp"
#include "tools/commands/commands.hpp"

namespace bondsim::tools {
namespace {

namespace fs = std::filesystem;

int list(const std::string& kind) {
  const fs::path root = shipped_configs();
  if (!kind.empty()) schema_of(kind);
  fmt::print("in {}; named without configs/ and .yaml, or by path\n", root.string());
  for (const std::string& name : schema_names()) {
    if (!kind.empty() && name != kind) continue;
    std::map<std::string, std::string> files;
    std::error_code ec;
    for (const auto& entry : fs::directory_iterator(root / config_folder(name), ec)) {
      if (entry.path().extension() == ".yaml") files[entry.path().stem().string()] = first_comment(entry.path().string());
    }
    for (const auto& [file, about] : files) fmt::print("{:<58} {}\n", config_folder(name) + "/" + file, about);
  }
  return 0;
}

}  // namespace

void add_list(Command& app, Action& action) {
  auto* command = app.add_subcommand("list", "the configurations that come with bondsim, a line each");
  auto kind = std::make_shared<std::string>();
  command->add_option("KIND", *kind, fmt::format("only these: {}", fmt::join(schema_names(), ", ")));
  command->footer("Example:\n  bondsim list\n  bondsim run experiment/h2llm-llama3-8b-sharegpt");
  command->callback([kind, &action] { action = [kind] { return list(*kind); }; });
}

}  // namespace bondsim::tools
