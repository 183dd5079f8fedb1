#pragma once
#include "mapping/cost/device.hpp"

namespace bondsim::test {

/// The NMP channels of the published H2-LLM device, as a closed form sees them.
inline cost::NmpDevice h2llm_pes() {
  cost::NmpDevice device;
  device.channels = 6;
  device.fpus = 8;
  device.clock_mhz = 600;
  device.hb_bandwidth_gbps = 25.6;
  return device;
}

}  // namespace bondsim::test
