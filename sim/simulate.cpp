#include "sim/simulate.hpp"

#include <chrono>
#include <new>
#include <optional>

#include "models/system/peaks.hpp"
#include "sim/system_builder.hpp"
#include "sim/trace/window_module.hpp"

namespace bondsim {
namespace {

/// Hands on to the replay, which is constructed after the executors it listens to.
struct ListenerRelay : TaskListener {
  TaskListener* target = nullptr;
  void task_done(std::int32_t task) override { target->task_done(task); }
};

/// The kernel makes reports of exceptions: what is left of them is their text.
void run_kernel() {
  try {
    sc_core::sc_start();
  } catch (const sc_core::sc_report& report) {
    const std::string text = report.get_msg();
    if (text.find("std::bad_alloc") != std::string::npos) throw std::bad_alloc();
    throw InternalError(fmt::format("{} ({} at {})", text, report.get_process_name() == nullptr ? "no process" : report.get_process_name(),
                                    report.get_time().to_string()));
  }
}

}  // namespace

Results simulate(const System& system, ScheduleSource& schedule, const SimulateOptions& options) {
  const auto began = std::chrono::steady_clock::now();
  check(schedule.header().channels == system.channel_names(), "the schedule is for other channels ({}) than the system has",
        schedule.header().channels.size());
  // What SystemC says of its own accord on standard output: that sc_stop() was called, the unit of a waveform.
  sc_core::sc_report_handler::set_actions(sc_core::SC_INFO, sc_core::SC_DO_NOTHING);
  sc_core::sc_set_time_resolution(1, sc_core::SC_PS);
  Results results;
  results.schedule = schedule.header();
  results.system = system.name;
  results.peaks = machine_peaks(system);
  results.activation = activation_current(system);
  Ledger ledger(system, schedule.header());
  ListenerRelay relay;
  TraceHub* traces = options.traces;
  const bool commands = traces != nullptr && traces->hears_commands();
  SystemBuilder builder(system, relay, commands ? traces : nullptr, options.construction);
  Replay replay("replay", schedule, ledger, results, system.fidelity.overlap, options.progress);
  replay.tell_energy(options.energy);
  relay.target = &replay;
  replay.bind(builder.executors());
  std::optional<WindowGate> gate;
  if (commands) gate.emplace("trace_window", *traces, builder.channels());
  if (traces != nullptr) {
    builder.observe(*traces);
    traces->elaborated();
  }
  if (traces != nullptr && traces->hears_blocks()) replay.record_tasks(traces);
  if (traces != nullptr) traces->failed = [] { sc_core::sc_stop(); };
  run_kernel();
  if (traces != nullptr) traces->rethrow();
  replay.check_complete();
  ledger.finish(results);
  results.events = builder.events();
  results.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return results;
}

}  // namespace bondsim
