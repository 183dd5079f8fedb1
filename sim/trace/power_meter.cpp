#include "sim/trace/power_meter.hpp"

#include <algorithm>
#include <cmath>

#include "models/base/error.hpp"
#include "models/system/energy_counts.hpp"

namespace bondsim {

EnergyCounts row_counts(const System& system, const Block& block, const TaskRow& row) {
  EnergyCounts counts;
  if (row.of_channel()) counts = energy_counts(row.channel(), row.counts, system);
  if (row.task >= 0) {
    const Task& task = block.tasks[static_cast<std::size_t>(row.task)];
    if (task.op >= 0 && row.of_channel() == task.beside_banks()) counts += energy_counts(task, system);
  }
  const Picoseconds length = row.end - row.start;
  if (row.of_channel()) {
    counts.channel_time_ps = length.value;
    counts.rows_open_ps = row.rows_open.value;
    counts.pe_time_ps = length.value * system.pes_of(row.channel());
  }
  return counts;
}

EnergyByComponent row_energy(const System& system, const MachineEnergy& energy, const Block& block, const TaskRow& row) {
  return (row.of_channel() ? energy.of(row.channel()) : energy.of_npu()).energy(row_counts(system, block, row));
}

namespace {

/// Bytes that a row's task has in each bank of the row's channel.
std::vector<std::int64_t> bank_bytes(const Block& block, const TaskRow& row, int banks) {
  std::vector<std::int64_t> bytes(static_cast<std::size_t>(banks));
  if (row.task < 0) return bytes;
  const Task& task = block.tasks[static_cast<std::size_t>(row.task)];
  const auto add = [&](const std::vector<Extent>& extents) {
    for (const Extent& extent : extents) {
      if (extent.channel != row.channel()) continue;
      for (int i = 0; i < extent.banks; ++i) bytes.at(static_cast<std::size_t>(extent.first_bank + i)) += extent.bytes_of_bank(i);
    }
  };
  if (task.beside_banks()) {
    for (const auto* extents : {&task.nmp.input, &task.nmp.stationary, &task.nmp.output, &task.nmp.partials}) add(*extents);
  } else {
    for (const auto* extents : {&task.extents, &task.npu.stationary}) add(*extents);
  }
  return bytes;
}

/// Sums over the banks that share a PE.
std::vector<std::int64_t> pe_bytes(const std::vector<std::int64_t>& banks, int pes) {
  std::vector<std::int64_t> bytes(static_cast<std::size_t>(std::max(pes, 1)));
  for (std::size_t bank = 0; bank < banks.size(); ++bank) bytes[bank * bytes.size() / banks.size()] += banks[bank];
  return bytes;
}

/// What the NPU's side of the bus takes of offchip_io: the part that no rail of the DRAM pays.
WideInt phy_energy(const EnergyTable& table, const EnergyCounts& counts) {
  return static_cast<WideInt>(std::llround(table.offchip_io.value * 1e6)) * counts.host_bits();
}

void append(std::vector<WideInt>& sums, const std::vector<std::pair<std::size_t, WideInt>>& energies, WideInt times) {
  for (const auto& [place, energy] : energies) sums[place] += energy * times;
}

}  // namespace

RowDivider::RowDivider(const System& system, EnergyColumn column) : system_(system), cells_(system), energy_(system, column) {}

void RowDivider::put(CellEnergies& out, std::size_t executor, EnergyComponent component, WideInt energy,
                     const std::vector<std::int64_t>& weights) const {
  if (energy == 0) return;
  const auto places = static_cast<std::size_t>(cells_.places(executor, component));
  check(places == weights.size(), "{} of executor {} has {} places, not {}", enum_name(component), executor, places, weights.size());
  const std::vector<WideInt> parts = split_energy(energy, weights);
  for (std::size_t i = 0; i < places; ++i) {
    if (parts[i] != 0) out.cells.emplace_back(cells_.first(executor, component) + i, parts[i]);
  }
}

CellEnergies RowDivider::of_row(const BlockTrace& trace, const TaskRow& row) const {
  using C = EnergyComponent;
  CellEnergies out{row.start - trace.start, row.end - trace.start, {}, {}};
  const std::vector<std::int64_t> whole(1);
  if (!row.of_channel()) {
    const EnergyByComponent energy = row_energy(system_, energy_, trace.block, row);
    for (const auto& named : enum_names<EnergyComponent>)
      put(out, 0, named.second, energy[static_cast<std::size_t>(named.second)].value, whole);
    return out;
  }
  const int channel = row.channel();
  const std::size_t executor = row.place();
  const EnergyCounts counts = row_counts(system_, trace.block, row);
  const EnergyModel& model = energy_.of(channel);
  const EnergyByComponent energy = model.energy(counts);
  const auto of = [&](C component) { return energy[static_cast<std::size_t>(component)].value; };
  const std::vector<std::int64_t> banks = bank_bytes(trace.block, row, system_.dram_of(channel).organization.banks());
  const std::vector<std::int64_t> pes = pe_bytes(banks, system_.pes_of(channel));
  for (const C component : {C::dram_activate, C::dram_array}) put(out, executor, component, of(component), banks);
  put(out, executor, C::dram_refresh, of(C::dram_refresh), std::vector<std::int64_t>(banks.size()));
  for (const C component : {C::hb_io, C::pe_mac, C::pe_sram, C::vector}) put(out, executor, component, of(component), pes);
  put(out, executor, C::static_power, of(C::static_power), std::vector<std::int64_t>(pes.size()));
  put(out, executor, C::dram_background, of(C::dram_background), whole);
  const WideInt bus = of(C::offchip_io), phy = phy_energy(system_.energy_of(channel), counts);
  const std::size_t pins = cells_.first(executor, C::offchip_io);
  if (bus != phy) out.cells.emplace_back(pins, bus - phy);
  if (phy != 0) out.cells.emplace_back(pins + 1, phy);
  const std::vector<Attojoules> rails = model.by_rail(counts);
  for (std::size_t i = 0; i < rails.size(); ++i) {
    const auto rail = std::find(energy_.rails().begin(), energy_.rails().end(), model.rails()[i]) - energy_.rails().begin();
    out.rails.emplace_back(static_cast<std::size_t>(channel) * energy_.rails().size() + static_cast<std::size_t>(rail), rails[i].value);
  }
  return out;
}

std::vector<CellEnergies> RowDivider::divide(const BlockTrace& trace) const {
  std::vector<CellEnergies> shares;
  for (const TaskRow& row : trace.rows) shares.push_back(of_row(trace, row));
  const Picoseconds length = trace.end - trace.start;
  EnergyCounts npu;
  npu.npu_time_ps = length.value;
  CellEnergies rest{Picoseconds(), length, {}, {}};
  put(rest, 0, EnergyComponent::static_power, energy_.of_npu().energy(npu)[static_cast<std::size_t>(EnergyComponent::static_power)].value,
      std::vector<std::int64_t>(1));
  shares.push_back(std::move(rest));
  return shares;
}

PowerMeter::PowerMeter(const System& system, Picoseconds interval, EnergyColumn column)
    : divider_(system, column), interval_ps_(interval.value) {
  check(interval_ps_ > 0, "power over intervals of {} ps", interval_ps_);
}

PowerInterval PowerMeter::empty() const {
  PowerInterval interval;
  interval.cells.resize(divider_.cells().size());
  interval.rails.resize(static_cast<std::size_t>(divider_.system().channel_count()) * divider_.rails().size());
  return interval;
}

/// A block that falls into one interval as a whole is added at once.
void PowerMeter::block_ended(const BlockTrace& trace) {
  const Picoseconds length = trace.end - trace.start;
  require_room(length);
  const std::vector<CellEnergies> shares = divider_.divide(trace);
  PowerInterval whole = empty();
  for (const CellEnergies& share : shares) {
    append(whole.cells, share.cells, 1);
    append(whole.rails, share.rails, 1);
  }
  for (std::int64_t copy = 0; copy < trace.block.executions(); ++copy) {
    const std::int64_t start = run_time_.value, end = start + length.value;
    if (length.value > 0 && start / interval_ps_ == (end - 1) / interval_ps_) {
      add_whole(whole);
    } else {
      for (const CellEnergies& share : shares) spread(share, run_time_);
    }
    run_time_ += length;
    write_until(run_time_.value / interval_ps_);
  }
}

void PowerMeter::require_room(Picoseconds length) const {
  const std::int64_t cells =
      static_cast<std::int64_t>(divider_.cells().size()) +
      static_cast<std::int64_t>(divider_.system().channel_count()) * static_cast<std::int64_t>(divider_.rails().size());
  const std::int64_t most = most_block_bytes / (cells * static_cast<std::int64_t>(sizeof(WideInt)));
  const std::int64_t intervals = length.value / interval_ps_;
  if (intervals <= most) return;
  throw ConfigError(
      fmt::format("--power {:g}: a block of {:g} us has {} such intervals of {} figures each, allowed: up to {}, {:g} ns or more",
                  static_cast<double>(interval_ps_) * 1e-3, static_cast<double>(length.value) * 1e-6, intervals, cells, most,
                  std::ceil(static_cast<double>(length.value) * 1e-3 / static_cast<double>(most))));
}

void PowerMeter::add_whole(const PowerInterval& whole) {
  PowerInterval& interval = at(run_time_.value / interval_ps_);
  for (std::size_t i = 0; i < whole.cells.size(); ++i) interval.cells[i] += whole.cells[i];
  for (std::size_t i = 0; i < whole.rails.size(); ++i) interval.rails[i] += whole.rails[i];
}

/// Attojoules until a time are rounded down, so that those of the intervals sum to the whole.
void PowerMeter::spread(const CellEnergies& share, Picoseconds offset) {
  const std::int64_t start = (share.start + offset).value, end = (share.end + offset).value;
  if (start == end) {
    PowerInterval& interval = at(std::max<std::int64_t>(start - 1, 0) / interval_ps_);
    append(interval.cells, share.cells, 1);
    append(interval.rails, share.rails, 1);
    return;
  }
  const auto part = [&](WideInt energy, std::int64_t from, std::int64_t until) {
    return energy * (until - start) / (end - start) - energy * (from - start) / (end - start);
  };
  for (std::int64_t index = start / interval_ps_; index * interval_ps_ < end; ++index) {
    PowerInterval& interval = at(index);
    const std::int64_t from = std::max(start, index * interval_ps_), until = std::min(end, (index + 1) * interval_ps_);
    for (const auto& [cell, energy] : share.cells) interval.cells[cell] += part(energy, from, until);
    for (const auto& [rail, energy] : share.rails) interval.rails[rail] += part(energy, from, until);
  }
}

PowerInterval& PowerMeter::at(std::int64_t index) {
  const auto place = static_cast<std::size_t>(std::max(index, first_) - first_);
  while (intervals_.size() <= place) intervals_.push_back(empty());
  return intervals_[place];
}

/// Intervals before number `index` are complete.
void PowerMeter::write_until(std::int64_t index) {
  while (first_ < index) {
    at(first_);
    write_interval();
  }
}

void PowerMeter::write_interval() {
  PowerInterval& interval = intervals_.front();
  const std::int64_t start = first_ * interval_ps_;
  interval.start = Picoseconds(start);
  interval.end = Picoseconds(std::min((first_ + 1) * interval_ps_, std::max(run_time_.value, start + 1)));
  interval_ended(interval);
  intervals_.pop_front();
  ++first_;
}

void PowerMeter::finish_intervals() {
  while (!intervals_.empty()) write_interval();
}

PowerTotals::PowerTotals(const System& system, EnergyColumn column) : divider_(system, column) {
  prefill_.cells.resize(cells().size());
  decode_.cells.resize(cells().size());
}

void PowerTotals::block_ended(const BlockTrace& trace) {
  PhaseTotal& total = trace.block.phase == Phase::prefill ? prefill_ : decode_;
  const std::int64_t times = trace.block.executions();
  total.time += (trace.end - trace.start) * times;
  for (const CellEnergies& share : divider_.divide(trace)) append(total.cells, share.cells, times);
}

}  // namespace bondsim
