#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tools/app/experiment/experiment.hpp"

/// Depth and width of drafts chosen together with both dataflows.
namespace bondsim::tools {

/// Who runs the model, who runs the draft, and how many drafts there are; with the split of channels that the dataflows say.
struct SpeculationChoice {
  Dataflow dataflow;
  std::optional<Dataflow> draft;  ///< of a draft with a model
  int depth = 0;                  ///< 0: plain decode
  std::vector<int> width;
  double tokens = 1;      ///< of a verification, expected
  double estimate_s = 0;  ///< of an accepted token of a request, by `detailed`
  std::optional<double> confirmed_s;
  std::string problem;  ///< why it was not simulated: both models do not fit the memory together, or the buffers
};

struct SpeculationSearchOptions {
  std::vector<std::string> files;  ///< dataflows besides the shipped ones, for either
  int most_depth = 8;
  int confirm = 6;  ///< best estimates that are simulated, and plain decode of the best dataflow
  int jobs = 0;
  std::function<void(const std::string& what, int done, int total)> progress = {};
};

/// Every pair of dataflows with every depth and width, by `detailed` around the middle of the decode: verification and draft one after the
/// other, so that the two are timed apart and added. The best are mapped together and simulated. Confirmed ones first, fastest first.
/// @pre the experiment's workload has a speculation. @throws InfeasibleError when nothing runs
std::vector<SpeculationChoice> search_speculation(const Experiment& experiment, const SpeculationSearchOptions& options);

std::string search_text(const std::vector<SpeculationChoice>& choices);
std::string search_csv(const std::vector<SpeculationChoice>& choices);

}  // namespace bondsim::tools
