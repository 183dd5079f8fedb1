#include <fmt/format.h>

#include <filesystem>
#include <memory>

#include "models/base/error.hpp"
#include "tools/app/output/output_file.hpp"
#include "tools/app/report/assets.hpp"
#include "tools/app/report/page.hpp"
#include "tools/commands/commands.hpp"

namespace bondsim::tools {
namespace {

struct ReportOptions {
  std::vector<std::string> paths;
  std::string out;
};

/// Beside a single directory's results; in the working directory when there are several, as it belongs to none.
std::string default_file(const std::vector<std::string>& paths) {
  std::error_code ec;
  const bool directory = paths.size() == 1 && std::filesystem::is_directory(paths[0], ec);
  return directory ? (std::filesystem::path(paths[0]) / "report.html").string() : "report.html";
}

int write_report(const ReportOptions& options) {
  if (report::chart_library().empty()) {
    throw ConfigError(
        "report: this bondsim was built without its chart library, because npm could not fetch it then; install npm, see that its "
        "registry can be reached, and build again (tools/build)");
  }
  const auto inputs = report::load_inputs(options.paths);
  const std::string file = options.out.empty() ? default_file(options.paths) : options.out;
  OutputFile out(file);
  const std::string page = report::page(inputs, BONDSIM_VERSION);
  out.stream() << page;
  out.commit();
  fmt::print("written to {} ({:.1f} MB)\n", file, static_cast<double>(page.size()) * 1e-6);
  return 0;
}

}  // namespace

void add_report(Command& app, Action& action) {
  auto* command = app.add_subcommand("report", "results as one HTML file: where time and energy went, comparisons, searches");
  auto options = std::make_shared<ReportOptions>();
  command
      ->add_option("DIR", options->paths, "output directories of run, replay, validate and dse, in any mixture; several runs are compared")
      ->required();
  command->add_option("-o,--out", options->out, "the HTML file; report.html in DIR, or here when there are several");
  command->footer(
      "Example:\n  bondsim report out/default\n"
      "  bondsim report out/default out/four-fpus --out compare.html");
  command->callback([options, &action] { action = [options] { return write_report(*options); }; });
}

}  // namespace bondsim::tools
