#pragma once
#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mapping/search/device/design_space.hpp"
#include "models/energy/counts.hpp"
#include "models/system/system.hpp"
#include "models/thermal/stack.hpp"

namespace bondsim::search {

/// Mean power by component, in W.
using PowerByComponent = std::array<double, energy_components>;

/// Steady temperatures of the devices of a space in its package. Channels of a kind share their power evenly, rows and array of all is that
/// of the NMP channels where there are any; leakage follows the temperatures; refresh is the file's. Devices that differ in power alone
/// share the responses of their parts: a solution of the grid for each of 15 sources.
class DeviceHeat {
 public:
  /// @param space names a stack. @throws ConfigError for what the file has
  explicit DeviceHeat(const DesignSpace& space);
  ~DeviceHeat();

  /// Hottest mean of a bank, PE or part of the NPU in C; 400 where leakage runs away. @throws ConfigError when the stack has no places
  /// for the device's channels
  double junction_c(const System& device, const PowerByComponent& power_w);

  struct Responses;

 private:
  const Responses& responses(const System& device);

  Stack stack_;
  double ambient_c_;
  std::map<std::string, std::unique_ptr<Responses>> known_;  ///< by what the floorplan depends on
};

/// Highest mean current of a supply rail of a channel with PEs (of any where there are none), in A. @param rail_j by rail of the system's
/// energy table; empty without currents: 0
double mean_rail_a(const System& device, const std::vector<double>& rail_j, double seconds);

}  // namespace bondsim::search
