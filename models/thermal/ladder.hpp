#pragma once
#include <cstddef>
#include <vector>

#include "models/system/system.hpp"
#include "models/thermal/stack.hpp"

namespace bondsim {

/// Step of a part's ladder of refresh rates that holds at a temperature; the last one above its end, 0 for a part without a ladder.
std::size_t refresh_step(const DramConfig& dram, double temperature_c);

/// The step of a part whose step was `now`: up as soon as the temperature asks for it, down once it is `hysteresis_c` below the threshold.
std::size_t next_refresh_step(const DramConfig& dram, std::size_t now, double temperature_c, double hysteresis_c);

/// Refresh steps of the channels as the system's files have them.
std::vector<std::size_t> refresh_steps(const System& system);

/// The system with each channel on its step. A channel that is on the step of its file's temperature keeps that temperature; another has
/// the step's highest. Channels of a group that differ become groups of the same name, each with a DRAM part of its own.
System at_refresh_steps(const System& system, const std::vector<std::size_t>& steps);

/// The system with its static powers times these factors.
System with_leakage(System system, double npu_factor, double pe_factor);

/// Number of the policy's step that holds, counted from 1; 0: none. `now` is left downwards only below its threshold less the hysteresis.
std::size_t throttle_level(const ThrottlePolicy& policy, std::size_t now, double temperature_c);

}  // namespace bondsim
