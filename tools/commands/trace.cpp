#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "models/base/error.hpp"
#include "sim/trace/summary.hpp"
#include "tools/app/output/output_file.hpp"
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
  command->footer(
      "Example:\n  bondsim trace summary out/run/nmp.channel0.tasks.csv\n"
      "  bondsim trace slice out/run/trace.json --window 1000:2000 --out part.json\n"
      "  bondsim trace diff out/a/nmp.channel0.commands.csv out/b/nmp.channel0.commands.csv");
}

}  // namespace bondsim::tools
