#pragma once
#include "models/results/results.hpp"
#include "sim/simulate.hpp"
#include "tools/app/experiment/experiment.hpp"
#include "tools/app/output/output_directory.hpp"

namespace bondsim::tools {

/// Maps and simulates an experiment in this process: once, since SystemC elaborates once a process. The results say what was run: tokens,
/// digest, files and every value. @throws InfeasibleError when it does not fit; ConfigError when the dataflow does not fit the system.
/// @param progress called for each block with the decode steps that are done and those there are
Results run_experiment(const Experiment& experiment, SimulateOptions options = {},
                       const std::function<void(std::int64_t, std::int64_t)>& progress = {});

/// results.json, operators.csv and channels.csv of a run, or of a replay. @throws IoError
void write_results(const Results& results, const OutputDirectory& out);

}  // namespace bondsim::tools
