#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "models/base/error.hpp"
#include "sim/trace/summary.hpp"
#include "tools/app/experiment/experiment.hpp"
#include "tools/app/output/output_file.hpp"
#include "tools/app/published/commands_power.hpp"
#include "tools/commands/commands.hpp"
#include "tools/commands/trace_options.hpp"

namespace bondsim::tools {
namespace {

struct TraceFileOptions {
  std::string file;
  std::string other;
  std::string window;
  std::string out;
  int context = 3;
  std::string system;
  std::vector<std::string> overrides;
  int resting = 0;
};

int slice(const TraceFileOptions& options) {
  const TraceWindow window = time_window("--window", options.window);
  std::error_code ec;
  if (std::filesystem::equivalent(options.file, options.out, ec)) {
    throw ConfigError(fmt::format("--out {}: is the trace that is cut, allowed: another file", options.out));
  }
  OutputFile out(options.out);
  const std::int64_t kept = slice_trace(options.file, window, out.path().empty() ? options.out : out.path());
  out.commit();
  fmt::print("{} kept, written to {}\n", kept, options.out);
  return 0;
}

int diff(const TraceFileOptions& options) {
  const std::string difference = trace_difference(options.file, options.other, options.context);
  fmt::print("{}", difference.empty() ? "the traces are equal\n" : difference);
  return difference.empty() ? 0 : 1;
}

double nanojoules(const EnergyByComponent& energy) { return to_joules(total_of(energy)) * 1e9; }

/// Energy of the commands of an HBM-Power trace, by the DRAM part and the energy table of a system.
int energy(const TraceFileOptions& options) {
  const System system = load_system(options.system, options.overrides);
  const std::map<int, CommandSums> channels = count_channels(options.file, system.dram);
  fmt::print("{}: commands of {} pseudo channel{}, priced as {} by {}\n", options.file, channels.size(), channels.size() == 1 ? "" : "s",
             system.dram.name, system.energy.name);
  fmt::print("  channel      ACT       RD       WR      REF     cycles  row open    energy nJ       mW\n");
  EnergyByComponent all{};
  CommandSums longest;
  for (const auto& [channel, sums] : channels) {
    const EnergyByComponent taken = commands_energy(system, sums);
    for (std::size_t i = 0; i < all.size(); ++i) all[i] += taken[i];
    longest.cycles = std::max(longest.cycles, sums.cycles);
    const double open = sums.cycles > 0 ? 100.0 * static_cast<double>(sums.open_cycles) / static_cast<double>(sums.cycles) : 0;
    fmt::print("  {:>7} {:>8} {:>8} {:>8} {:>8} {:>10} {:>7.1f} % {:>12.3f} {:>8.2f}\n", fmt::format("{}.{}", channel / 2, channel % 2),
               sums.activates, sums.reads, sums.writes, sums.refreshes, sums.cycles, open, nanojoules(taken),
               sums.cycles > 0 ? commands_power_mw(system, sums, 1, 0) : 0.0);
  }
  const EnergyByComponent rest = commands_energy(system, longest);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] += Attojoules(rest[i].value * options.resting);
  const double seconds = static_cast<double>(longest.cycles) / (system.dram.timing.ck_mhz * 1e6);
  fmt::print("  all{}: {:.3f} nJ in {:.3f} us, {:.2f} mW\n", options.resting > 0 ? fmt::format(", with {} at rest", options.resting) : "",
             nanojoules(all), seconds * 1e6, nanojoules(all) * 1e-6 / seconds);
  for (const auto& named : enum_names<EnergyComponent>) {
    const double part = to_joules(all[static_cast<std::size_t>(named.second)]) * 1e9;
    if (part > 0) fmt::print("    {:<16} {:>12.3f} nJ {:>6.1f} %\n", named.first, part, 100 * part / nanojoules(all));
  }
  return 0;
}

}  // namespace

void add_trace(Command& app, Action& action) {
  auto* command = app.add_subcommand("trace", "look into traces: what a file holds, a part of it, the first difference of two");
  command->require_subcommand(1);
  auto options = std::make_shared<TraceFileOptions>();
  const char* kinds = "a trace: *.commands.csv, *.tasks.csv or trace.json, plain or gzipped";

  auto* summary = command->add_subcommand("summary", "span, kinds, counts and shares of time");
  summary->add_option("FILE", options->file, kinds)->required();
  summary->callback([options, &action] {
    action = [options] {
      fmt::print("{}", trace_summary(options->file));
      return 0;
    };
  });

  auto* cut = command->add_subcommand("slice", "cut a window of time out; rows and slices that reach into it stay whole");
  cut->add_option("FILE", options->file, kinds)->required();
  cut->add_option("--window", options->window, "FROM:TO in ns of simulated time, either may be missing")->required();
  cut->add_option("-o,--out", options->out, "file to write")->required();
  cut->callback([options, &action] { action = [options] { return slice(*options); }; });

  auto* difference = command->add_subcommand("diff", "the first difference of two traces of one kind; exit status 1 when there is one");
  difference->add_option("FILE", options->file, kinds)->required();
  difference->add_option("OTHER", options->other, "another of the same kind")->required();
  difference->add_option("--context", options->context, "equal lines to show before it")->range(0, 1000)->capture_default_str();
  difference->callback([options, &action] { action = [options] { return diff(*options); }; });

  auto* priced = command->add_subcommand("energy", "energy and power of the commands of a trace in HBM-Power's format");
  priced->add_option("FILE", options->file, "timestamp,command,channel_id,pseudochannel_id,...; plain or gzipped")->required();
  priced->add_option("--system", options->system, "system whose DRAM part and energy table price the commands")->required();
  priced->add_option("--set", options->overrides, "key=value of the system, e.g. system.dram.temperature_c=90");
  priced->add_option("--resting", options->resting, "pseudo channels besides that have no commands")->range(0, 1024)->capture_default_str();
  priced->callback([options, &action] { action = [options] { return energy(*options); }; });
  command->footer(
      "Example:\n  bondsim trace summary out/run/nmp.channel0.tasks.csv\n"
      "  bondsim trace slice out/run/trace.json --window 1000:2000 --out part.json\n"
      "  bondsim trace energy traces/hbm-power-llama-bs2-row.csv --system hbm2-stack --resting 8\n"
      "  bondsim trace diff out/a/nmp.channel0.commands.csv out/b/nmp.channel0.commands.csv");
}

}  // namespace bondsim::tools
