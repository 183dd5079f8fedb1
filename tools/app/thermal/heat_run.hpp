#pragma once
#include "tools/app/thermal/heat_time.hpp"

namespace bondsim::tools {

/// Temperatures within one run: the power of each interval as it was simulated, every decode step taken, at the point's refresh rates, from
/// the point's steady temperatures on. A moment has the interval's mean power and no tokens. @param step_s above 0
HeatCourse heat_of_run(HeatModel& model, const HeatPoint& point, double step_s);

}  // namespace bondsim::tools
