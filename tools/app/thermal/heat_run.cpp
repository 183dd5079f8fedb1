#include "tools/app/thermal/heat_run.hpp"

#include <cmath>
#include <numeric>

#include "sim/simulate.hpp"
#include "sim/trace/power_meter.hpp"
#include "tools/app/processes/isolate.hpp"
#include "tools/app/processes/message.hpp"
#include "tools/app/studies/plan_experiment.hpp"

namespace bondsim::tools {

/// Power of a run: W by interval, then cell.
struct RunPower {
  std::vector<double> lengths_s;
  std::vector<double> cell_w;
};
template <class Visitor>
void members(Visitor& v, RunPower& r) {
  v("lengths_s", r.lengths_s);
  v("cell_w", r.cell_w);
}
inline const char* message_schema(const RunPower&) { return "bondsim.run_power/1"; }

namespace {

class Recorder final : public PowerMeter {
 public:
  using PowerMeter::PowerMeter;
  RunPower power;

 private:
  void interval_ended(const PowerInterval& interval) override {
    const double seconds = to_seconds(interval.end - interval.start);
    power.lengths_s.push_back(seconds);
    for (const WideInt energy : interval.cells) power.cell_w.push_back(to_joules(Attojoules(energy)) / seconds);
  }
};

RunPower simulate_power(const Experiment& experiment, double step_s, EnergyColumn column) {
  const auto schedule = schedule_experiment(experiment);
  Recorder recorder(experiment.system, Picoseconds(std::llround(step_s * 1e12)), column);
  TraceHub hub;
  hub.add(recorder, {false, true, false});
  SimulateOptions options;
  options.traces = &hub;
  simulate(experiment.system, *schedule, options);
  recorder.finish_intervals();
  return recorder.power;
}

}  // namespace

HeatCourse heat_of_run(HeatModel& model, const HeatPoint& point, double step_s) {
  const Experiment experiment = model.experiment_in(point.state);
  const auto power = decode<RunPower>(run_isolated([&] { return encode(simulate_power(experiment, step_s, model.options().column)); }));
  const std::size_t cells = model.floorplan().cells().size();
  HeatCourse course;
  course.ambient_c = point.ambient_c;
  HeatMap map = point.map;
  double time_s = 0, step_now = 0;
  const double stored_before = model.solver().stored_j(map.nodes);
  for (std::size_t i = 0; i < power.lengths_s.size(); ++i) {
    const double length = power.lengths_s[i];
    if (length != step_now) model.solver().set_step(step_now = length);  // the last one may be shorter
    const auto first = power.cell_w.begin() + static_cast<std::ptrdiff_t>(i * cells);
    const std::vector<double> watts = model.power({first, first + static_cast<std::ptrdiff_t>(cells)}, map.blocks);
    map = model.map_of(model.solver().step(map.nodes, model.floorplan().by_node(watts)), point.ambient_c);
    const double total = std::accumulate(watts.begin(), watts.end(), 0.0);
    time_s += length;
    course.energy_in_j += total * length;
    course.energy_out_j += model.solver().outflow_w(map.nodes) * length;
    course.moments.push_back({time_s, map.bank_c, map.pe_c, map.npu_c, point.state.level, 0, total, 0});
  }
  course.energy_stored_j = model.solver().stored_j(map.nodes) - stored_before;
  return course;
}

}  // namespace bondsim::tools
