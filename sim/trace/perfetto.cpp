#include "sim/trace/perfetto.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <iterator>
#include <map>
#include <systemc>

#include "models/system/energy_counts.hpp"
#include "sim/trace/power_meter.hpp"
#include "sim/trace/tasks.hpp"

namespace bondsim {
namespace {

constexpr Track steps_track{run_process, 1};
constexpr Track blocks_track{run_process, 2};
constexpr Track arrays_track{npu_process, 1};
constexpr int first_dma_thread = 10;
constexpr int first_vector_thread = 1000;
constexpr int first_barrier_thread = 10;

std::string about(const System& system) {
  return fmt::format(
      "{{\"schema\":\"bondsim.perfetto/1\",\"system\":{},\"time\":\"simulated: a layer that stands for several is drawn once, its slice "
      "says for "
      "how many\"}}",
      json_string(system.name));
}

double watts(Attojoules energy, Picoseconds length) { return to_joules(energy) / to_seconds(length); }

/// GB/s, 1e9 bytes.
double gbps(std::int64_t bytes, Picoseconds length) { return static_cast<double>(bytes) / to_seconds(length) / 1e9; }

}  // namespace

PerfettoWriter::PerfettoWriter(const System& system, const std::string& directory, bool gzip, const TraceWindow* window)
    : system_(system),
      energy_(system),
      events_(directory + "/trace.json", gzip, about(system)),
      window_(window),
      dma_{first_dma_thread, "DMA", {}},
      barriers_{first_barrier_thread, "barriers", {}},
      vector_units_named_(static_cast<std::size_t>(system.npu.vector_units)),
      modes_(static_cast<std::size_t>(system.channel_count())) {
  if (window != nullptr) {
    commands_.emplace(system, events_, *window);
    divider_.emplace(system);
  }
  name_tracks();
}

void PerfettoWriter::name_tracks() {
  events_.name_process(run_process, "run");
  events_.name_thread(steps_track, "steps");
  events_.name_thread(blocks_track, "blocks");
  events_.name_process(npu_process, executor_name(ExecutorId::npu(), {}));
  events_.name_thread(arrays_track, "systolic arrays");
  const std::vector<std::string> names = system_.channel_names();
  for (int c = 0; c < system_.channel_count(); ++c) {
    const bool nmp = system_.has_pes(c);
    events_.name_process(channel_process(c), names[static_cast<std::size_t>(c)]);
    events_.name_thread({channel_process(c), tasks_thread}, "tasks");
    if (nmp) events_.name_thread({channel_process(c), mode_thread}, "mode");
  }
}

int PerfettoWriter::lane_for(Lanes& lanes, Picoseconds start, Picoseconds end) {
  auto& busy = lanes.busy_until;
  const auto free = std::find_if(busy.begin(), busy.end(), [&](Picoseconds until) { return until <= start; });
  const auto lane = static_cast<int>(free - busy.begin());
  const int thread = lanes.first_thread + lane;
  if (free == busy.end()) {
    busy.push_back(end);
    events_.name_thread({&lanes == &dma_ ? npu_process : run_process, thread}, fmt::format("{} {}", lanes.name, lane));
  } else {
    *free = end;
  }
  return thread;
}

// ---- Steps, blocks, tasks -------------------------------------------------------------------------------------------------

void PerfettoWriter::end_step(Picoseconds t) {
  if (step_ >= 0) {
    events_.slice(steps_track, step_start_, t, step_ == 0 ? "prefill" : fmt::format("token {}", step_), "step",
                  fmt::format("\"step\":{}", step_));
  }
  step_start_ = t;
}

void PerfettoWriter::block_began(const Block& block, Picoseconds t) {
  if (block.step != step_) end_step(t);
  step_ = block.step;
}

void PerfettoWriter::run_ended(Picoseconds t) {
  end_step(t);
  for (const int c : system_.nmp_channels()) draw_mode(c, t);
  if (commands_) commands_->run_ended(t);
}

void PerfettoWriter::block_ended(const BlockTrace& trace) {
  const Block& block = trace.block;
  const std::string layers = block.layers > 1  ? fmt::format("layer {} (of {} alike)", block.layer, block.layers)
                             : block.layer < 0 ? std::string("outside layers")
                                               : fmt::format("layer {}", block.layer);
  events_.slice(blocks_track, trace.start, trace.end, layers, "block",
                fmt::format("\"block\":{},\"step\":{},\"layer\":{},\"layers\":{},\"steps\":{}", trace.index, block.step, block.layer,
                            block.layers, block.steps));
  drawn_.assign(block.tasks.size(), Drawn{});
  for (const TaskRow& row : trace.rows) draw_row(trace, row);
  draw_barriers(trace);
  draw_arrows(trace);
  draw_counters(trace);
  draw_power(trace);
  draw_npu_power(trace);
  draw_unit_power(trace);
}

Track PerfettoWriter::npu_track(const Task& task, const TaskRow& row) {
  if (task.kind == TaskKind::npu_gemm) return arrays_track;
  if (task.kind != TaskKind::npu_vector) return {npu_process, lane_for(dma_, row.start, row.end)};
  const auto unit = static_cast<std::size_t>(std::clamp(task.vector.first_unit, 0, system_.npu.vector_units - 1));
  const Track track{npu_process, first_vector_thread + static_cast<int>(unit)};
  if (!vector_units_named_[unit]) events_.name_thread(track, fmt::format("vector units from {}", unit));
  vector_units_named_[unit] = true;
  return track;
}

void PerfettoWriter::draw_row(const BlockTrace& trace, const TaskRow& row) {
  const bool npu = !row.of_channel();
  if (npu && row.task < 0) return;
  const Block& block = trace.block;
  std::string arguments = fmt::format("\"block\":{}", trace.index);
  std::string name = row_kind(block, row);
  Track track = npu ? arrays_track : Track{channel_process(row.channel()), tasks_thread};
  if (row.task >= 0) {
    const Task& task = block.tasks[static_cast<std::size_t>(row.task)];
    if (npu) track = npu_track(task, row);
    // Arrows begin and end at the executor: the DMA's slices only show that it is busy.
    if (npu != task.on_channel()) drawn_[static_cast<std::size_t>(row.task)] = {track, row.start, row.end};
    if (task.op >= 0) name = trace.header.operators[static_cast<std::size_t>(task.op)].name;
    fmt::format_to(std::back_inserter(arguments), ",\"task\":{}", row.task);
  }
  const RowBytes bytes = row_bytes(system_, block, row);
  if (bytes.all > 0) fmt::format_to(std::back_inserter(arguments), ",\"bytes\":{}", bytes.all);
  if (const std::int64_t macs = row_macs(block, row); macs > 0) fmt::format_to(std::back_inserter(arguments), ",\"macs\":{}", macs);
  for (const auto& [part, time] : named_parts(row.parts)) {
    if (time.value != 0) fmt::format_to(std::back_inserter(arguments), ",\"{}_ps\":{}", part, time.value);
  }
  events_.slice(track, row.start, row.end, name, row_kind(block, row), arguments);
}

/// A barrier does no work: it is drawn from the first to the last end of what it joins.
void PerfettoWriter::draw_barriers(const BlockTrace& trace) {
  const auto& tasks = trace.block.tasks;
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (tasks[i].kind != TaskKind::barrier) continue;
    Drawn& drawn = drawn_[i];
    drawn.start = tasks[i].dependencies.empty() ? trace.start : trace.end;
    drawn.end = trace.start;
    for (const std::int32_t d : tasks[i].dependencies) {
      drawn.start = std::min(drawn.start, drawn_[static_cast<std::size_t>(d)].end);
      drawn.end = std::max(drawn.end, drawn_[static_cast<std::size_t>(d)].end);
    }
    order.push_back(i);
  }
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return drawn_[a].start < drawn_[b].start; });
  for (const std::size_t i : order) {
    Drawn& drawn = drawn_[i];
    drawn.track = {run_process, lane_for(barriers_, drawn.start, drawn.end)};
    events_.slice(drawn.track, drawn.start, drawn.end, "barrier", "barrier", fmt::format("\"block\":{},\"task\":{}", trace.index, i));
  }
}

void PerfettoWriter::draw_arrows(const BlockTrace& trace) {
  for (std::size_t i = 0; i < trace.block.tasks.size(); ++i) {
    for (const std::int32_t d : trace.block.tasks[i].dependencies) {
      const Drawn& from = drawn_[static_cast<std::size_t>(d)];
      events_.arrow(++arrows_, from.track, from.start, from.end, drawn_[i].track, drawn_[i].start);
    }
  }
}

// ---- Counters -------------------------------------------------------------------------------------------------------------

Attojoules PerfettoWriter::energy_of(const Block& block, const TaskRow& row) const {
  return total_of(row_energy(system_, energy_, block, row));
}

void PerfettoWriter::draw_counters(const BlockTrace& trace) {
  for (const TaskRow& row : trace.rows) {
    if (!row.of_channel() || row.start == row.end) continue;
    const Picoseconds length = row.end - row.start;
    const RowBytes bytes = row_bytes(system_, trace.block, row);
    const int process = channel_process(row.channel());
    const double bus = gbps(bytes.all - bytes.hb, length);
    if (system_.has_pes(row.channel())) {
      events_.counter(process, row.start, "GB/s", {{"bus", bus}, {"HB", gbps(bytes.hb, length)}});
    } else {
      events_.counter(process, row.start, "GB/s", {{"bus", bus}});
    }
    draw_channel_power(trace, row);
  }
}

/// Power of a channel over a row, as a whole, by part, and by supply rail in A.
void PerfettoWriter::draw_channel_power(const BlockTrace& trace, const TaskRow& row) {
  using C = EnergyComponent;
  const Picoseconds length = row.end - row.start;
  const int process = channel_process(row.channel());
  const EnergyModel& model = energy_.of(row.channel());
  const EnergyCounts counts = row_counts(system_, trace.block, row);
  const EnergyByComponent energy = model.energy(counts);
  const auto of = [&](std::initializer_list<C> components) {
    Attojoules sum;
    for (const C component : components) sum += energy[static_cast<std::size_t>(component)];
    return watts(sum, length);
  };
  events_.counter(process, row.start, "W", {{"channel", watts(total_of(energy), length)}});
  const double banks = of({C::dram_activate, C::dram_array, C::dram_refresh}), standby = of({C::dram_background});
  if (system_.has_pes(row.channel())) {
    events_.counter(process, row.start, "W of parts",
                    {{"banks", banks},
                     {"ports", of({C::hb_io})},
                     {"PEs", of({C::pe_mac, C::static_power})},
                     {"buffers", of({C::pe_sram})},
                     {"bus", of({C::offchip_io})},
                     {"standby", standby}});
  } else {
    events_.counter(process, row.start, "W of parts", {{"banks", banks}, {"bus", of({C::offchip_io})}, {"standby", standby}});
  }
  const auto& currents = system_.energy_of(row.channel()).currents;
  const std::vector<Attojoules> rails = model.by_rail(counts);
  for (std::size_t i = 0; currents && i < rails.size(); ++i) {
    events_.counter(process, row.start, ("A of " + model.rails()[i]).c_str(),
                    {{"current", watts(rails[i], length) / currents->rails[i].voltage_v}});
  }
}

/// Power of the whole system: the energy of every row spread evenly over it, and what the NPU takes at rest.
void PerfettoWriter::draw_power(const BlockTrace& trace) {
  if (trace.start == trace.end) return;
  EnergyCounts rest;
  rest.npu_time_ps = (trace.end - trace.start).value;
  Attojoules at_rest;
  for (const Attojoules part : energy_.of_npu().energy(rest)) at_rest += part;
  std::map<Picoseconds, double> changes;
  changes[trace.start] += watts(at_rest, trace.end - trace.start);
  for (const TaskRow& row : trace.rows) {
    if (row.start == row.end) continue;
    const double power = watts(energy_of(trace.block, row), row.end - row.start);
    changes[row.start] += power;
    changes[row.end] -= power;
  }
  double power = 0;
  for (const auto& [at, change] : changes) {
    power += change;
    if (at != trace.end) events_.counter(run_process, at, "system W", {{"power", power}});
  }
}

/// Power of each bank, port, PE and buffer of a channel over the rows that reach into the window.
void PerfettoWriter::draw_unit_power(const BlockTrace& trace) {
  if (!divider_) return;
  const std::vector<CellEnergies> shares = divider_->divide(trace);
  for (std::size_t i = 0; i < trace.rows.size(); ++i) {
    const TaskRow& row = trace.rows[i];
    if (!row.of_channel() || row.start == row.end || row.end <= window_->from || window_->to <= row.start) continue;
    std::map<std::string, std::map<int, double>> units;  // kind of unit, number
    for (const auto& [number, energy] : shares[i].cells) {
      const PowerCell& cell = divider_->cells()[number];
      const std::size_t digits = cell.unit.find_first_of("0123456789");
      if (digits == std::string::npos) continue;
      units[cell.unit.substr(0, digits)][cell.place] += watts(Attojoules(energy), row.end - row.start);
    }
    for (const auto& [kind, powers] : units) {
      std::vector<std::pair<std::string, double>> values;
      for (const auto& [place, power] : powers) values.emplace_back(fmt::format("{}{}", kind, place), power);
      events_.counter(channel_process(row.channel()), row.start, "W of each " + kind, values);
    }
  }
}

/// Power of the NPU's arrays, vector units and scratchpad.
void PerfettoWriter::draw_npu_power(const BlockTrace& trace) {
  using C = EnergyComponent;
  constexpr std::array<C, 3> parts = {C::npu_mac, C::vector, C::npu_sram};
  std::map<Picoseconds, std::array<double, parts.size()>> changes;
  changes[trace.start];
  for (const TaskRow& row : trace.rows) {
    if (row.of_channel() || row.start == row.end) continue;
    const EnergyByComponent energy = row_energy(system_, energy_, trace.block, row);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const double power = watts(energy[static_cast<std::size_t>(parts[i])], row.end - row.start);
      changes[row.start][i] += power;
      changes[row.end][i] -= power;
    }
  }
  std::array<double, parts.size()> power{};
  for (const auto& [at, change] : changes) {
    for (std::size_t i = 0; i < parts.size(); ++i) power[i] += change[i];
    if (at != trace.end) {
      events_.counter(npu_process, at, "W of parts", {{"arrays", power[0]}, {"vector", power[1]}, {"scratchpad", power[2]}});
    }
  }
}

// ---- Modes and commands ---------------------------------------------------------------------------------------------------

void PerfettoWriter::draw_mode(int channel, Picoseconds t) {
  Mode& mode = modes_[static_cast<std::size_t>(channel)];
  if (t > mode.since) {
    const bool nmp = mode.state.mode == ChannelMode::nmp;
    const char* name = mode.state.changing ? (nmp ? "to NMP" : "to normal") : (nmp ? "NMP" : "normal");
    events_.slice({channel_process(channel), mode_thread}, mode.since, t, name, "mode", "");
  }
  mode.since = t;
}

void PerfettoWriter::nmp_changed(int channel, const NmpState& state) {
  const Picoseconds t(static_cast<std::int64_t>(sc_core::sc_time_stamp().value()));
  Mode& mode = modes_[static_cast<std::size_t>(channel)];
  if (mode.state.mode != state.mode || mode.state.changing != state.changing) draw_mode(channel, t);
  mode.state = state;
  if (commands_) commands_->nmp_changed(channel, state, t);
}

void PerfettoWriter::command(int channel, const CommandRecord& record) {
  if (commands_) commands_->command(channel, record);
}

void PerfettoWriter::finish() { events_.finish(); }

}  // namespace bondsim
