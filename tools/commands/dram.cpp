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
  int channel = 0;
  TraceOptions trace;
};

int dram(const DramOptions& options) {
  const System system = load_system(options.system, options.overrides);
  if (options.channel >= system.channel_count()) {
    throw ConfigError(
        fmt::format("--channel {}: '{}' has no such channel, allowed: 0 to {}", options.channel, system.name, system.channel_count() - 1));
  }
  const AddressMap map(system.controller_of(options.channel).address_map, system.dram_of(options.channel).organization);
  const auto requests = read_requests(options.requests, map, system.dram_of(options.channel).organization);
  std::optional<OutputDirectory> out;
  if (!options.out.empty()) out.emplace(options.out, "dram");
  const TraceWindow window = options.trace.window();
  std::optional<CommandTraceWriter> writer;
  if (options.trace.has("commands")) writer.emplace(out->path(), options.trace.gzip, window);
  const DramRunResult result = run_dram(system, options.channel, requests, writer ? &*writer : nullptr);
  fmt::print("{}", dram_summary(result));
  if (!out) return 0;
  if (writer) writer->finish();
  out->write("dram.json", dram_json(result));
  out->commit();
  fmt::print("written to {}: dram.json{}\n", options.out,
             writer ? fmt::format(", channel-{}.commands.csv{}", options.channel, options.trace.gzip ? ".gz" : "") : "");
  return 0;
}

}  // namespace

void add_dram(CLI::App& app, Action& action) {
  auto* command = app.add_subcommand("dram", "drive one DRAM channel with a memory request trace");
  auto options = std::make_shared<DramOptions>();
  command->add_option("SYSTEM", options->system, "system file (configs/system/), or an experiment that names one")->required();
  command->add_option("--requests", options->requests, "text trace, one request a line: [arrival_ns] R|W 0x<hex byte address>")->required();
  command->add_option("--channel", options->channel, "which channel of the system")->check(CLI::Range(0, 100000));
  command->add_option("--set", options->overrides, "change one value, e.g. system.controller.page_policy=closed; may be repeated")
      ->allow_extra_args(false);
  command->add_option("--out", options->out, "directory for dram.json and traces");
  add_trace_options(*command, options->trace, {"commands"});
  command->footer(
      "Example:\n  bondsim dram configs/system/lpddr5-8gb-channel.yaml --requests traces/mixed.requests --out out/dram --trace commands");
  command->callback([options, &action] { action = [options] { return dram(*options); }; });
}

}  // namespace bondsim::tools
