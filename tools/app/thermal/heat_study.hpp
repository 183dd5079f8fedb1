#pragma once
#include <functional>
#include <string>
#include <vector>

#include "tools/app/output/output_directory.hpp"
#include "tools/app/thermal/heat_run.hpp"
#include "tools/app/thermal/heat_time.hpp"

namespace bondsim::tools {

/// What `bondsim heat` asks.
struct HeatRequest {
  std::string stack;                  ///< file, or the name of a shipped one
  std::vector<double> ambients_c;     ///< none: the stack's own
  std::vector<std::string> policies;  ///< beside no policy at all
  double duration_s = 0;              ///< of the courses; 0: none
  double run_step_s = 0;              ///< of the run itself, its power as simulated; 0: none
  double step_s = 0;                  ///< 0: a 600th of the duration
  HeatOptions options;
};

/// The request that an experiment file has under `heat`; empty for one without, or a system file. @throws ConfigError
HeatRequest heat_request(const std::string& experiment);

/// An experiment in a stack: steady states and courses, ambient by ambient, first without a policy, then with each.
struct HeatStudy {
  std::vector<HeatPoint> points;
  std::vector<HeatCourse> courses;
  std::vector<HeatCourse> runs;  ///< a run's steps, from the steady state of the run repeated
  int simulations = 0;
};

/// The file of a stack that the user names, with values changed. @param overrides `stack.cooling.ambient_c=40`: those of `--set` that begin
/// with `stack.` are taken out. @throws ConfigError
Stack find_stack(const std::string& name, std::vector<std::string>& overrides);
/// The same as it is written. @throws ConfigError
ConfigNode stack_tree(const std::string& name, std::vector<std::string>& overrides);
/// A run in a stack is another experiment than one without: what the stack says belongs to its digest, values and files.
void note_stack(Experiment& experiment, const ConfigNode& tree);

/// @param said called before each point or course. @throws ConfigError, InfeasibleError
HeatStudy study_heat(const Experiment& experiment, const Stack& stack, const HeatRequest& request,
                     const std::function<void(const std::string&)>& said = {});

/// heat.json, schema bondsim.heat/1.
std::string heat_json(const Experiment& experiment, const Stack& stack, const HeatStudy& study);
std::string heat_text(const Experiment& experiment, const Stack& stack, const HeatStudy& study);
/// heat.json, heat.csv, blocks.csv, maps.csv, course.csv with courses, run.csv with runs. @throws IoError
void write_heat(const Experiment& experiment, const Stack& stack, const HeatStudy& study, const OutputDirectory& out);

/// The stack and the first point's powers for another solver, in a folder of its name. @param solver hotspot, 3d-ice
/// @throws ConfigError for a stack that the solver cannot describe; IoError
void export_heat(const Experiment& experiment, const Stack& stack, const HeatStudy& study, const std::string& solver,
                 const OutputDirectory& out);

}  // namespace bondsim::tools
