#include "sim/trace/power.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "models/system/energy_counts.hpp"

namespace bondsim {

EnergyCounts row_counts(const System& system, const Block& block, const TaskRow& row) {
  EnergyCounts counts;
  if (row.of_channel()) counts = energy_counts(row.channel(), row.counts, system);
  if (row.task >= 0) {
    const Task& task = block.tasks[static_cast<std::size_t>(row.task)];
    if (task.op >= 0 && row.of_channel() == (task.kind == TaskKind::nmp_gemm)) counts += energy_counts(task, system);
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

PowerWriter::PowerWriter(const System& system, const std::string& directory, Picoseconds interval, bool gzip)
    : system_(system),
      executors_(traced_executors(system)),
      energy_(system),
      file_(directory + "/power.csv", gzip),
      interval_ps_(interval.value) {
  check(interval_ps_ > 0, "power over intervals of {} ps", interval_ps_);
  file_.text() = fmt::format("{}\nstart_ps,end_ps,executor,component,energy_aj,power_w\n", power_trace_schema);
}

void PowerWriter::block_ended(const BlockTrace& trace) {
  const Picoseconds length = trace.end - trace.start;
  std::vector<Spread> shares;
  for (const TaskRow& row : trace.rows) {
    shares.push_back({row.place(), row.start - trace.start, row.end - trace.start, row_energy(system_, energy_, trace.block, row)});
  }
  EnergyCounts npu;
  npu.npu_time_ps = length.value;
  shares.push_back({0, Picoseconds(), length, energy_.of_npu().energy(npu)});
  for (std::int64_t copy = 0; copy < trace.block.executions(); ++copy) {
    for (const Spread& share : shares) spread(share, run_time_);
    run_time_ += length;
    write_until(run_time_.value / interval_ps_);
  }
}

/// Attojoules until a time are rounded down, so that those of the intervals sum to the whole.
void PowerWriter::spread(const Spread& share, Picoseconds offset) {
  const std::int64_t start = (share.start + offset).value, end = (share.end + offset).value;
  for (std::size_t c = 0; c < energy_components; ++c) {
    const WideInt energy = share.energy[c].value;
    if (energy == 0) continue;
    if (start == end) {
      at(std::max<std::int64_t>(start - 1, 0) / interval_ps_)[share.executor][c] += Attojoules(energy);
      continue;
    }
    WideInt given = 0;
    for (std::int64_t index = start / interval_ps_; index * interval_ps_ < end; ++index) {
      const std::int64_t until = std::min(end, (index + 1) * interval_ps_);
      const WideInt sum = energy * (until - start) / (end - start);
      at(index)[share.executor][c] += Attojoules(sum - given);
      given = sum;
    }
  }
}

PowerWriter::Interval& PowerWriter::at(std::int64_t index) {
  const auto place = static_cast<std::size_t>(std::max(index, first_) - first_);
  while (intervals_.size() <= place) intervals_.emplace_back(executors_.size());
  return intervals_[place];
}

/// Intervals before number `index` are complete.
void PowerWriter::write_until(std::int64_t index) {
  while (first_ < index) {
    at(first_);
    write_interval();
  }
}

void PowerWriter::write_interval() {
  const std::int64_t start = first_ * interval_ps_;
  const std::int64_t end = std::min((first_ + 1) * interval_ps_, std::max(run_time_.value, start + 1));
  const Interval& interval = intervals_.front();
  for (std::size_t executor = 0; executor < interval.size(); ++executor) {
    for (const auto& [name, component] : enum_names<EnergyComponent>) {
      const Attojoules energy = interval[executor][static_cast<std::size_t>(component)];
      if (energy.value == 0) continue;
      fmt::format_to(std::back_inserter(file_.text()), "{},{},{},{},{},{:.9g}\n", start, end, executors_[executor], name, energy.value,
                     to_joules(energy) / to_seconds(Picoseconds(end - start)));
    }
  }
  file_.flush_if_full();
  intervals_.pop_front();
  ++first_;
}

void PowerWriter::finish() {
  while (!intervals_.empty()) write_interval();
  file_.finish();
}

}  // namespace bondsim
