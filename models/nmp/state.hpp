#pragma once
#include <cstdint>

#include "models/dram/spec/command.hpp"

namespace bondsim {

/// State of a channel's NMP side as traces show it.
struct NmpState {
  ChannelMode mode = ChannelMode::normal;  ///< as last asked for
  bool changing = false;                   ///< it has not been reached
  bool computing = false;
  int inputs = 0;  ///< buffer slots in use: input tiles of the channel, weight pieces and output tiles of each PE
  int weights = 0;
  int outputs = 0;
};

}  // namespace bondsim
