#pragma once
#include <cstdint>

#include "models/dram/spec/command.hpp"

namespace bondsim {

/// What a channel's NMP side is doing, for traces.
struct NmpState {
  ChannelMode mode = ChannelMode::normal;  ///< as last asked for
  bool changing = false;                   ///< it has not been reached
  bool computing = false;
  int inputs = 0;  ///< buffer slots in use: input tiles of the channel, weight pieces and output tiles of each PE
  int weights = 0;
  int outputs = 0;
};

/// Told when it changes, at the time it does. May see the same state twice.
class NmpObserver {
 public:
  virtual ~NmpObserver() = default;
  virtual void nmp_changed(int channel, const NmpState& state) = 0;
};

}  // namespace bondsim
