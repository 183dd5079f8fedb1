#include <fmt/format.h>

#include <memory>
#include <optional>

#include "models/base/error.hpp"
#include "sim/dram_run.hpp"
#include "sim/trace/requests.hpp"
#include "tools/app/experiment/experiment.hpp"
#include "tools/app/output/output_directory.hpp"
#include "tools/commands/commands.hpp"
#include "tools/commands/trace_options.hpp"

namespace bondsim::tools {
namespace {

struct DramOptions {
  std::string system;
  std::vector<std::string> overrides;
  std::string requests;
  std::string out;
  std::string channel;  ///< name as an executor; empty: the first
  TraceOptions trace;
};

/// @throws ConfigError when the system has no channel of that name
int channel_named(const System& system, const std::string& name) {
  const std::vector<std::string> names = system.channel_names();
  const auto executor = executor_named(name.empty() ? names.front() : name, names);
  if (!executor || !executor->is_channel()) {
    throw ConfigError(fmt::format("--channel {}: '{}' has no such channel, allowed: {}", name, system.name, fmt::join(names, ", ")));
  }
  return executor->channel();
}

int dram(const DramOptions& options) {
  const System system = load_system(options.system, options.overrides);
  const int channel = channel_named(system, options.channel);
  const AddressMap map(system.controller_of(channel).address_map, system.dram_of(channel).organization);
  const auto requests = read_requests(options.requests, map, system.dram_of(channel).organization);
  std::optional<OutputDirectory> out;
  if (!options.out.empty()) out.emplace(options.out, "dram");
  const TraceWindow window = options.trace.window();
  std::optional<CommandTraceWriter> writer;
  if (options.trace.has("commands")) writer.emplace(out->path(), system.channel_names(), options.trace.gzip, window);
  const DramRunResult result = run_dram(system, channel, requests, writer ? &*writer : nullptr);
  fmt::print("{}", dram_summary(result));
  if (!out) return 0;
  if (writer) writer->finish();
  out->write("dram.json", dram_json(result));
  out->commit();
  const std::string name = system.channel_names()[static_cast<std::size_t>(channel)];
  fmt::print("written to {}: dram.json{}\n", options.out,
             writer ? fmt::format(", {}.commands.csv{}", name, options.trace.gzip ? ".gz" : "") : "");
  return 0;
}

}  // namespace

void add_dram(Command& app, Action& action) {
  auto* command = app.add_subcommand("dram", "drive one DRAM channel with a memory request trace");
  auto options = std::make_shared<DramOptions>();
  command->add_option("SYSTEM", options->system, "system file (configs/system/), or an experiment that names one")->required();
  command->add_option("--requests", options->requests, "text trace, one request a line: [arrival_ns] R|W 0x<hex byte address>")->required();
  command->add_option("--channel", options->channel, "which channel of the system, e.g. nmp.channel0; the first when left out");
  command->add_option("--set", options->overrides, "change one value, e.g. system.controller.page_policy=closed; may be repeated")
      ->allow_extra_args(false);
  command->add_option("-o,--out", options->out, "directory for dram.json and traces");
  add_trace_options(*command, options->trace, {"commands"});
  command->footer(
      "Example:\n  bondsim dram configs/system/lpddr5-8gb-channel.yaml --requests traces/mixed.requests --out out/dram --trace commands");
  command->callback([options, &action] { action = [options] { return dram(*options); }; });
}

}  // namespace bondsim::tools
