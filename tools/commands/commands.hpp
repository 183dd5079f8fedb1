#pragma once
#include <functional>

#include "tools/commands/command.hpp"

/// Every subcommand of the bondsim binary is one file here with one add_*() function: it declares its options on `app` and
/// stores what to do in `action`, which returns the exit status (0 done, 1 a check did not hold) or throws.
namespace bondsim::tools {

using Action = std::function<int()>;

void add_run(Command& app, Action& action);
void add_serve(Command& app, Action& action);    ///< requests that come and go
void add_profile(Command& app, Action& action);  ///< for simulators of clusters
void add_dram(Command& app, Action& action);
void add_check_trace(Command& app, Action& action);
void add_init(Command& app, Action& action);    ///< a starter project
void add_schema(Command& app, Action& action);  ///< keys of the configuration
void add_list(Command& app, Action& action);    ///< shipped configurations
void add_help(Command& app, Action& action);    ///< words of the summaries
void add_trace(Command& app, Action& action);   ///< trace summary, slice, diff
void add_map(Command& app, Action& action);
void add_import_onnx(Command& app, Action& action);  ///< an ONNX model's operators as a graph file
void add_replay(Command& app, Action& action);
void add_estimate(Command& app, Action& action);   ///< closed forms
void add_validate(Command& app, Action& action);   ///< closed forms against cycles
void add_dse(Command& app, Action& action);        ///< searches
void add_dataflows(Command& app, Action& action);  ///< who should run what, by cycles
void add_speculate(Command& app, Action& action);  ///< when drafts pay
void add_heat(Command& app, Action& action);       ///< temperatures in a package
void add_reproduce(Command& app, Action& action);  ///< a paper's experiments
void add_sweep(Command& app, Action& action);      ///< an experiment over values of its keys
void add_compare(Command& app, Action& action);    ///< runs side by side
void add_report(Command& app, Action& action);     ///< results as HTML

}  // namespace bondsim::tools
