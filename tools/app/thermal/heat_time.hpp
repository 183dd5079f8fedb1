#pragma once
#include <string>
#include <vector>

#include "tools/app/thermal/heat_model.hpp"

namespace bondsim::tools {

/// The machine at the end of a step of time.
struct HeatMoment {
  double time_s = 0;
  double bank_c = 0, pe_c = 0, npu_c = 0;  ///< hottest of each kind; pe_c: -infinity without PEs
  std::size_t level = 0;                   ///< of the policy, in the step
  int faster_refresh = 0;                  ///< channels above the step of refresh that they had at the start
  double power_w = 0;                      ///< mean over the step, leakage included
  double tokens_per_s = 0;                 ///< mean over the step, prefill and pauses included
};

/// The experiment's run, repeated without a pause, from a machine at the ambient's temperature on.
struct HeatCourse {
  double ambient_c = 0;
  std::string policy;  ///< empty: none
  std::vector<HeatMoment> moments;
  double energy_in_j = 0, energy_out_j = 0, energy_stored_j = 0;

  double burst_tokens_per_s() const;      ///< before the first change of refresh or level; the first step where there is no such time
  double burst_s() const;                 ///< how long that is; the whole course when nothing changes
  double sustained_tokens_per_s() const;  ///< mean over the last third
};

/// Implicit Euler in steps of `step_s`. The governor acts between steps. @param step_s above 0
HeatCourse heat_course(HeatModel& model, double ambient_c, double duration_s, double step_s);

}  // namespace bondsim::tools
