#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "mapping/plan/plan.hpp"
#include "models/schedule/schedule.hpp"
#include "models/system/system.hpp"

namespace bondsim::tools {

/// One step of a run, the prefill or a decode step, as a schedule of its own that begins at time 0.
struct StepSchedule {
  ScheduleHeader header;
  std::vector<Block> blocks;
  std::int64_t stands_for = 1;  ///< steps of the run

  bool uses_pes() const;
};

/// The prefill and `decode_samples` decode steps (0: all) of a plan, evenly over the contexts, without embedding and LM head.
std::vector<StepSchedule> step_schedules(Plan plan, std::int64_t decode_samples);

/// Digest of all that a step's simulation depends on: its tasks, and of the system what they use. A step without work of PEs is the same
/// whatever the PEs are. Equal keys, equal outcomes. @param energy text of the system's energy tables
std::string step_key(const StepSchedule& step, const System& system, const std::string& energy);

/// Time and energy of one step, all layers.
struct StepOutcome {
  std::int64_t time_ps = 0;
  double energy_j = 0;
  double other_energy_j = 0;         ///< the same actions by other energies; 0 without
  std::int64_t nmp_time_ps = 0;      ///< of all NMP channels together
  std::int64_t nmp_transfer_ps = 0;  ///< of it: data on their bus, and changes of mode
  std::int64_t nmp_wait_ps = 0;      ///< of it: nothing to do before others are done
};
template <class Visitor>
void members(Visitor& v, StepOutcome& o) {
  v("time_ps", o.time_ps);
  v("energy_j", o.energy_j);
  v("other_energy_j", o.other_energy_j);
  v("nmp_time_ps", o.nmp_time_ps);
  v("nmp_transfer_ps", o.nmp_transfer_ps);
  v("nmp_wait_ps", o.nmp_wait_ps);
}
inline const char* message_schema(const StepOutcome&) { return "bondsim.step_outcome/1"; }

/// Simulates a step in a process of its own: not from one that has threads.
/// @param other energies that the counted actions are priced by besides the system's
StepOutcome simulate_step(const StepSchedule& step, const System& system, const EnergyTable* other = nullptr);

}  // namespace bondsim::tools
