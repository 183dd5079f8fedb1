#pragma once
#include <optional>
#include <string>
#include <vector>

#include "mapping/dataflow/dataflow.hpp"
#include "mapping/llm/model.hpp"
#include "mapping/llm/workload.hpp"
#include "mapping/serving/serving_config.hpp"
#include "mapping/speculation/plans.hpp"
#include "mapping/tiling/tiling_file.hpp"
#include "models/results/results.hpp"
#include "models/system/system.hpp"

namespace bondsim::tools {

/// Inputs of a run as the user names them. `file` is an experiment or a system; the others replace what an experiment names.
struct ExperimentRequest {
  std::string file;
  std::string model;
  std::string workload;
  std::string dataflow;
  std::string serving;                 ///< of requests that are served
  bool serves = false;                 ///< takes the serving file instead of the workload
  std::string tiling;                  ///< file with tilings of operators; empty: the mapper chooses all
  bool allow_illegal = false;          ///< take a device that the published area limits rule out
  std::vector<std::string> overrides;  ///< `system.nmp.pe.fpus=4`; the first name is the section
};

/// Everything a run needs, decoded and checked.
struct Experiment {
  System system;
  Model model;
  Workload workload;  ///< of a serving run, the places of its requests
  Dataflow dataflow;
  std::optional<speculation::Draft> draft;  ///< of a workload whose drafts a model makes
  std::optional<serving::ServingConfig> serving;
  TilingOverrides tiling;
  std::string digest;               ///< of all values that went in, overrides included
  std::vector<std::string> files;   ///< read, in order
  std::vector<ConfigValue> values;  ///< everything in the structs above, defaults included
};

/// @throws InfeasibleError naming the published limit that the device breaks, unless `allow`.
void require_legal(const System& system, bool allow);

/// @throws ConfigError; InfeasibleError for an illegal device
Experiment load_experiment(const ExperimentRequest& request);

/// A system alone, with `system.` overrides. Takes an experiment file too, and then reads the system it names. @throws ConfigError
System load_system(const std::string& file, const std::vector<std::string>& overrides);

}  // namespace bondsim::tools
