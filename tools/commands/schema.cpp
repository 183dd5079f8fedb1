#include <fmt/format.h>

#include <memory>

#include "models/base/error.hpp"
#include "tools/app/experiment/shipped.hpp"
#include "tools/commands/commands.hpp"

namespace bondsim::tools {
namespace {

struct SchemaOptions {
  std::string name;
  bool json = false;
};

int schema(const SchemaOptions& options) {
  if (options.name.empty()) {
    if (options.json) throw ConfigError(fmt::format("--json-schema is of one kind of file, allowed: {}", fmt::join(schema_names(), ", ")));
    for (const std::string& name : schema_names()) fmt::print("{}\n", schema_text(schema_of(name)));
    return 0;
  }
  const Schema found = schema_of(options.name);
  fmt::print("{}", options.json ? schema_json(found) : schema_text(found));
  return 0;
}

}  // namespace

void add_schema(Command& app, Action& action) {
  auto* command = app.add_subcommand("schema", "every key of the configuration files: what is allowed, unit, default, meaning");
  auto options = std::make_shared<SchemaOptions>();
  command->add_option("KIND", options->name, fmt::format("{}; all when left out", fmt::join(schema_names(), ", ")));
  command->add_flag("--json-schema", options->json, "as JSON Schema, for editors that check while one types");
  command->footer("Example:\n  bondsim schema system | grep nmp\n  bondsim schema system --json-schema > system.schema.json");
  command->callback([options, &action] { action = [options] { return schema(*options); }; });
}

}  // namespace bondsim::tools
