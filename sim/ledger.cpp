#include "sim/ledger.hpp"

#include <initializer_list>

#include "models/system/energy_counts.hpp"

namespace bondsim {
namespace {

const char* phase_name(Phase phase) { return phase == Phase::prefill ? "prefill" : "decode"; }

}  // namespace

Ledger::Ledger(const System& system, const ScheduleHeader& header)
    : system_(system), energy_(system), typical_(system, EnergyColumn::typical) {
  for (const OperatorInfo& info : header.operators) {
    OperatorResult op;
    op.name = info.name;
    op.phase = phase_name(info.phase);
    op.executor = info.executor;
    operators_.push_back(op);
  }
  for (const Phase phase : {Phase::prefill, Phase::decode}) {
    OperatorResult op;
    op.name = "(background)";
    op.phase = phase_name(phase);
    op.executor = "system";
    operators_.push_back(op);
  }
  const std::vector<std::string> names = system.channel_names();
  for (int i = 0; i < system.channel_count(); ++i) {
    ChannelResult channel;
    channel.id = i;
    channel.kind = system.has_pes(i) ? "nmp" : "normal";
    channel.name = names[static_cast<std::size_t>(i)];
    channels_.push_back(channel);
    pes_.push_back(system.pes_of(i));
    executors_.push_back({channel.name, {}});
  }
  executors_.push_back({"npu.arrays", {}});
  executors_.push_back({"npu.vector", {}});
  for (ExecutorResult& executor : executors_) executor.busy.resize(operators_.size());
  block_.resize(channels_.size() + 1);
  counts_.assign(operators_.size(), std::vector<EnergyCounts>(energy_.classes()));
}

std::size_t Ledger::background(Phase phase) const { return operators_.size() - (phase == Phase::prefill ? 2 : 1); }

void Ledger::add_task(const Task& task, std::int64_t repeat) {
  if (task.op < 0) return;
  const auto row = static_cast<std::size_t>(task.op);
  const bool in_channel = task.beside_banks();
  EnergyCounts counts = energy_counts(task, system_);
  block_.at(in_channel ? static_cast<std::size_t>(task.channel()) : channels_.size()) += counts;
  counts *= repeat;
  operators_.at(row).macs += counts.pe_macs + counts.npu_macs;
  (in_channel ? counts_of(row, task.channel()) : npu_counts_of(row)) += counts;
}

void Ledger::add_commands(int channel, int op, Phase phase, const ChannelCounts& c, std::int64_t repeat) {
  const std::size_t row = op < 0 ? background(phase) : static_cast<std::size_t>(op);
  const std::int64_t host = system_.dram_of(channel).organization.access_bytes();
  const std::int64_t hb = system_.nmp_of(channel).hb.access_bytes;
  EnergyCounts e = energy_counts(channel, c, system_);
  block_.at(static_cast<std::size_t>(channel)) += e;
  e *= repeat;
  counts_.at(row)[energy_.class_of(channel)] += e;
  operators_[row].bytes += (e.host_bits() + e.hb_bits()) / 8;
  ChannelResult& ch = channels_.at(static_cast<std::size_t>(channel));
  ch.hb_bytes_read += c.hb_reads * hb * repeat;
  ch.hb_bytes_written += c.hb_writes * hb * repeat;
  ch.bytes_read += ((c.reads + c.buffer_reads) * host + c.hb_reads * hb) * repeat;
  ch.bytes_written += ((c.writes + c.buffer_writes) * host + c.hb_writes * hb) * repeat;
}

void Ledger::add_time(Phase phase, Picoseconds length, std::int64_t repeat) {
  const std::size_t row = background(phase);
  npu_counts_of(row).npu_time_ps += length.value * repeat;
  for (int channel = 0; channel < static_cast<int>(channels_.size()); ++channel) {
    EnergyCounts& counts = counts_of(row, channel);
    counts.channel_time_ps += length.value * repeat;
    counts.pe_time_ps += length.value * repeat * pes_[static_cast<std::size_t>(channel)];
  }
}

/// The block's energy by channel, for average and highest power.
Attojoules Ledger::end_block(Picoseconds length, std::int64_t repeat) {
  const auto of = [](const EnergyByComponent& energy, std::initializer_list<EnergyComponent> parts) {
    Attojoules sum;
    for (const EnergyComponent part : parts) sum += energy[static_cast<std::size_t>(part)];
    return sum;
  };
  using C = EnergyComponent;
  Attojoules all;
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    EnergyCounts& counts = block_[c];
    counts.channel_time_ps = length.value;
    counts.pe_time_ps = length.value * pes_[c];
    const EnergyByComponent energy = energy_.of(static_cast<int>(c)).energy(counts);
    all += total_of(energy);
    channels_[c].power.add(total_of(energy), length, repeat);
    channels_[c].banks.add(of(energy, {C::dram_activate, C::dram_array, C::dram_refresh}), length, repeat);
    channels_[c].pes.add(of(energy, {C::hb_io, C::pe_mac, C::pe_sram, C::vector, C::static_power}), length, repeat);
    counts = {};
  }
  EnergyCounts& npu = block_.back();
  npu.npu_time_ps = length.value;
  const Attojoules of_npu = total_of(energy_.of_npu().energy(npu));
  npu_power_.add(of_npu, length, repeat);
  npu = {};
  return all + of_npu;
}

void Ledger::add_rows_open(int channel, Phase phase, Picoseconds length, std::int64_t repeat) {
  block_.at(static_cast<std::size_t>(channel)).rows_open_ps += length.value;
  counts_of(background(phase), channel).rows_open_ps += length.value * repeat;
}

void Ledger::add_span(int op, Picoseconds span, std::int64_t repeat) {
  OperatorResult& result = operators_.at(static_cast<std::size_t>(op));
  result.count += repeat;
  result.span += span * repeat;
}

void Ledger::add_busy(Phase phase, const BusyTimes& times, std::int64_t repeat) {
  for (std::size_t op = 0; op < times.by_operator.size(); ++op) operators_.at(op).busy += times.by_operator[op] * repeat;
  operators_.at(background(phase)).busy += times.waiting * repeat;
}

void Ledger::add_executor_busy(std::size_t executor, Phase phase, const BusyTimes& times, std::int64_t repeat) {
  std::vector<Picoseconds>& busy = executors_.at(executor).busy;
  for (std::size_t op = 0; op < times.by_operator.size(); ++op) busy[op] += times.by_operator[op] * repeat;
  busy[background(phase)] += times.waiting * repeat;
}

void Ledger::add_channel_time(Phase phase, int channel, const TimeParts& parts, std::int64_t repeat) {
  ChannelResult& result = channels_.at(static_cast<std::size_t>(channel));
  result.time.add_scaled(parts, repeat);
  if (phase == Phase::prefill) result.prefill.add_scaled(parts, repeat);
}

void Ledger::add_npu_time(Phase phase, const TimeParts& parts, std::int64_t repeat) {
  npu_.add_scaled(parts, repeat);
  if (phase == Phase::prefill) npu_prefill_.add_scaled(parts, repeat);
}

void Ledger::finish(Results& results) const {
  std::vector<EnergyCounts> all(energy_.classes());
  Attojoules by_operator, by_channel = npu_power_.energy;
  for (std::size_t row = 0; row < operators_.size(); ++row) {
    OperatorResult op = operators_[row];
    op.energy = energy_.energy(counts_[row]);
    by_operator += total_of(op.energy);
    for (std::size_t k = 0; k < all.size(); ++k) {
      op.counts += counts_[row][k];
      all[k] += counts_[row][k];
    }
    results.operators.push_back(op);
  }
  results.energy = energy_.energy(all);
  results.energy_total = total_of(results.energy);
  results.energy_estimated = energy_.estimated(all);
  results.typical = typical_.energy(all);
  results.typical_total = total_of(results.typical);
  results.typical_estimated = typical_.estimated(all);
  const std::vector<Attojoules> maximum = energy_.by_rail(all), typical = typical_.by_rail(all);
  for (std::size_t i = 0; i < maximum.size(); ++i) results.rails.push_back({energy_.rails()[i], maximum[i], typical[i]});
  for (const ChannelResult& channel : channels_) by_channel += channel.power.energy;
  check(results.energy_total == by_operator, "energy by component and by operator differ");
  check(results.energy_total == by_channel, "energy by component and by channel differ");
  results.npu_power = npu_power_;
  results.channels = channels_;
  results.executors = executors_;
  results.npu = npu_;
  results.npu_prefill = npu_prefill_;
  results.npu_peak_macs = system_.npu.peak_macs();
}

}  // namespace bondsim
