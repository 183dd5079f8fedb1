#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>

#include "models/base/error.hpp"
#include "models/base/io_error.hpp"
#include "tools/app/processes/pool.hpp"
#include "tools/commands/commands.hpp"

namespace {

/// Of the exception being handled: says it on standard error, a rank of an MPI job with its number. The one place that turns errors into
/// exit statuses: 1 cannot be met or written, 2 bad input, 3 a defect.
int exit_status_of_error() {
  const int rank = bondsim::tools::rank_in_job();
  const std::string who = rank > 0 ? fmt::format("bondsim: rank {}: ", rank) : "bondsim: ";
  try {
    throw;
  } catch (const bondsim::InfeasibleError& e) {
    fmt::print(stderr, "{}{}\n", who, e.what());
    return 1;
  } catch (const bondsim::IoError& e) {
    fmt::print(stderr, "{}{}\n", who, e.what());
    return 1;
  } catch (const bondsim::ConfigError& e) {
    fmt::print(stderr, "{}{}\n", who, e.what());
    return 2;
  } catch (const std::exception& e) {
    if (std::ferror(stdout) != 0) {
      fmt::print(stderr, "{}standard output cannot be written: {}\n", who, e.what());
      return 1;
    }
    fmt::print(stderr, "{}internal error: {}\nThis is a defect of bondsim; please report it with the command you ran.\n", who, e.what());
    return 3;
  }
}

int run_action(const bondsim::tools::Action& action) {
  try {
    const int status = action();
    errno = 0;
    if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
      throw bondsim::IoError(fmt::format("standard output cannot be written: {}", std::strerror(errno)));
    }
    return status;
  } catch (...) {
    return exit_status_of_error();
  }
}

/// CLI11 only says that a command is missing; users should hear which ones there are. Empty when the command is known.
std::string unknown_command(const CLI::App& app, int argc, char** argv) {
  if (argc < 2 || argv[1][0] == '-') return "";
  std::string known;
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    if (command->get_name() == argv[1]) return "";
    known += (known.empty() ? "" : ", ") + command->get_name();
  }
  return fmt::format("unknown command '{}', allowed: {}", argv[1], known);
}

}  // namespace

int main(int argc, char** argv) {
  ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);  // the terminal is bondsim's
  CLI::App app("bondsim: cycle-level simulation of LLM inference on hybrid-bonded near-memory DRAM", "bondsim");
  app.set_version_flag("--version", "bondsim " BONDSIM_VERSION);
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "help of every command");
  bondsim::tools::Action action;
  // Commands, in the order of --help.
  bondsim::tools::add_run(app, action);
  bondsim::tools::add_map(app, action);
  bondsim::tools::add_replay(app, action);
  bondsim::tools::add_estimate(app, action);
  bondsim::tools::add_validate(app, action);
  bondsim::tools::add_dse(app, action);
  bondsim::tools::add_dataflows(app, action);
  bondsim::tools::add_sweep(app, action);
  bondsim::tools::add_compare(app, action);
  bondsim::tools::add_report(app, action);
  bondsim::tools::add_reproduce(app, action);
  bondsim::tools::add_dram(app, action);
  bondsim::tools::add_check_trace(app, action);
  bondsim::tools::add_trace(app, action);
  bondsim::tools::add_init(app, action);
  bondsim::tools::add_schema(app, action);
  bondsim::tools::add_list(app, action);
  if (const std::string wrong = unknown_command(app, argc, argv); !wrong.empty()) {
    fmt::print(stderr, "bondsim: {}\n", wrong);
    return 2;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  return run_action(action);
}
