#pragma once
#include <CLI/CLI.hpp>
#include <functional>

/// Every subcommand of the bondsim binary is one file here with one add_*() function: it declares its options on `app` and
/// stores what to do in `action`, which returns the exit status (0 done, 1 a check did not hold) or throws.
namespace bondsim::tools {

using Action = std::function<int()>;

void add_run(CLI::App& app, Action& action);
void add_dram(CLI::App& app, Action& action);
void add_check_trace(CLI::App& app, Action& action);
void add_init(CLI::App& app, Action& action);    ///< a starter project
void add_schema(CLI::App& app, Action& action);  ///< keys of the configuration
void add_list(CLI::App& app, Action& action);    ///< shipped configurations
void add_trace(CLI::App& app, Action& action);   ///< trace summary, slice, diff
void add_map(CLI::App& app, Action& action);
void add_replay(CLI::App& app, Action& action);
void add_estimate(CLI::App& app, Action& action);   ///< closed forms
void add_validate(CLI::App& app, Action& action);   ///< closed forms against cycles
void add_dse(CLI::App& app, Action& action);        ///< searches
void add_dataflows(CLI::App& app, Action& action);  ///< who should run what, by cycles
void add_reproduce(CLI::App& app, Action& action);  ///< a paper's experiments
void add_sweep(CLI::App& app, Action& action);      ///< an experiment over values of its keys
void add_compare(CLI::App& app, Action& action);    ///< runs side by side
void add_report(CLI::App& app, Action& action);     ///< results as HTML

}  // namespace bondsim::tools
