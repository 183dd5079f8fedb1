#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tools/app/experiment/experiment.hpp"

namespace bondsim::tools {

/// Grids of a device's profile, as cluster simulators read it: each grid doubles.
struct ProfileGrids {
  int requests = 16;            ///< that decode together, at most
  std::int64_t context = 4096;  ///< longest
  std::int64_t tokens = 2048;   ///< of prompts in an iteration, at most
};

/// Files of a profile bundle in the form of LLMServingSim 2 by name: HARDWARE/MODEL/VARIANT/meta.yaml and
/// tp1/{dense,per_sequence,attention,moe}.csv. Every time is that of cycles: an operator's exclusive time in a simulated iteration, so that
/// the layers of an iteration sum to its length less what nobody works in. Up to `requests` tokens of the dense layers are those of
/// requests that decode, on PEs where the dataflow says so; more are a prompt's. @param progress told of iterations done and all
using ProfileBundle = std::map<std::string, std::string>;
ProfileBundle llmservingsim_profile(const Experiment& experiment, const ProfileGrids& grids, const std::function<void(int, int)>& progress);

/// The layer of LLMServingSim 2 that an operator of bondsim belongs to.
std::string profile_layer(const std::string& op);

}  // namespace bondsim::tools
