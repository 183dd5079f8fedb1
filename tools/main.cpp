#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "models/base/error.hpp"
#include "tools/commands/commands.hpp"

namespace {

int run_action(const bondsim::tools::Action& action) {
  try {
    return action();
  } catch (const bondsim::InfeasibleError& e) {
    fmt::print(stderr, "bondsim: {}\n", e.what());
    return 1;
  } catch (const bondsim::ConfigError& e) {
    fmt::print(stderr, "bondsim: {}\n", e.what());
    return 2;
  } catch (const std::exception& e) {
    fmt::print(stderr, "bondsim: internal error: {}\nThis is a defect of bondsim; please report it with the command you ran.\n", e.what());
    return 3;
  }
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("bondsim: cycle-level simulation of LLM inference on hybrid-bonded near-memory DRAM", "bondsim");
  app.set_version_flag("--version", "bondsim " BONDSIM_VERSION);
  app.require_subcommand(1);
  app.set_help_all_flag("--help-all", "help of every command");
  bondsim::tools::Action action;
  bondsim::tools::add_run(app, action);
  // Commands, in the order of --help.
  bondsim::tools::add_estimate(app, action);
  bondsim::tools::add_dse(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    return app.exit(e) == 0 ? 0 : 2;
  }
  return run_action(action);
}
