#include "sim/trace/vcd.hpp"

#include "models/base/io_error.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <systemc>
#include <utility>

#include "models/base/clock.hpp"
#include "models/dram/spec/bank_mask.hpp"

namespace bondsim {
namespace {

constexpr int row_bits = 32;
constexpr int count_bits = 16;

Picoseconds now() { return Picoseconds(static_cast<std::int64_t>(sc_core::sc_time_stamp().value())); }

}  // namespace

/// Does things at later times of the kernel.
class VcdWriter::Timer : public sc_core::sc_module {
 public:
  explicit Timer(sc_core::sc_module_name name) : sc_module(name) {
    SC_HAS_PROCESS(Timer);
    SC_METHOD(wake);
    sensitive << due_;
    dont_initialize();
  }

  void at(Picoseconds t, std::function<void()> action) {
    actions_.emplace(t, std::move(action));
    schedule();
  }

 private:
  void wake() {
    while (!actions_.empty() && actions_.begin()->first <= now()) {
      actions_.begin()->second();
      actions_.erase(actions_.begin());
    }
    schedule();
  }
  void schedule() {
    if (actions_.empty()) return;
    const std::int64_t wait = std::max<std::int64_t>(actions_.begin()->first.value - now().value, 0);
    due_.notify(sc_core::sc_time::from_value(static_cast<std::uint64_t>(wait)));
  }

  std::multimap<Picoseconds, std::function<void()>> actions_;
  sc_core::sc_event due_;
};

VcdWriter::VcdWriter(const System& system, const std::string& directory, const TraceWindow& window)
    : system_(system), window_(window), path_(directory + "/waves") {
  for (int c = 0; c < system.channel_count(); ++c) {
    channels_.emplace_back();
    for (int b = 0; b < system.dram_of(c).organization.banks(); ++b) channels_.back().banks.emplace_back();
  }
}

VcdWriter::~VcdWriter() {
  if (file_ != nullptr) sc_core::sc_close_vcd_trace_file(file_);
}

void VcdWriter::elaborated() {
  timer_ = std::make_unique<Timer>("vcd_timer");
  file_ = sc_core::sc_create_vcd_trace_file(path_.c_str());
  file_->set_time_unit(1, sc_core::SC_PS);
  trace_signals(*file_);
}

void VcdWriter::trace_signals(sc_core::sc_trace_file& file) {
  sc_core::sc_trace(&file, arrays_busy_, "npu.arrays_busy");
  sc_core::sc_trace(&file, vector_tasks_, "npu.vector_tasks", count_bits);
  sc_core::sc_trace(&file, dma_transfers_, "npu.dma_transfers", count_bits);
  const std::vector<std::string> names = system_.channel_names();
  for (std::size_t c = 0; c < channels_.size(); ++c) {
    Channel& channel = channels_[c];
    const bool nmp = system_.has_pes(static_cast<int>(c));
    const std::string prefix = names[c] + ".";
    if (nmp) sc_core::sc_trace(&file, channel.mode, prefix + "mode", 2);
    if (nmp) sc_core::sc_trace(&file, channel.pes_busy, prefix + "pes_busy");
    sc_core::sc_trace(&file, channel.bus_busy, prefix + "bus_busy");
    for (std::size_t b = 0; b < channel.banks.size(); ++b) {
      Bank& bank = channel.banks[b];
      const std::string name = fmt::format("{}bank_{}.", prefix, b);
      sc_core::sc_trace(&file, bank.open, name + "open");
      sc_core::sc_trace(&file, bank.row, name + "row", row_bits);
      if (nmp) sc_core::sc_trace(&file, bank.hb_busy, name + "hb_busy");
    }
  }
}

void VcdWriter::span(bool& flag, int& count, Picoseconds start, Picoseconds end) {
  timer_->at(start, [&flag, &count] { flag = ++count > 0; });
  timer_->at(end, [&flag, &count] { flag = --count > 0; });
}

void VcdWriter::command(int c, const CommandRecord& record) {
  Channel& channel = channels_[static_cast<std::size_t>(c)];
  const DramTiming& timing = system_.dram_of(c).timing;
  const Clock clock = Clock::from_khz(std::llround(timing.ck_mhz * 1000.0));
  Bank* bank = record.bank < 0 ? nullptr : &channel.banks[static_cast<std::size_t>(record.bank)];
  const auto open = [&] {
    bank->open = true;
    bank->row = static_cast<unsigned>(record.row);
  };
  const auto burst = [&](int latency) {
    const Picoseconds start = record.time + clock.edge(latency);
    span(channel.bus_busy, channel.bursts, start, start + clock.edge(timing.n_bl_min));
  };
  switch (record.command) {
    case DramCommand::act1:
      open();
      break;
    case DramCommand::pre:
      // With two subarrays open, the row shown is the one opened last.
      if (record.row < 0 || record.row == static_cast<std::int32_t>(bank->row)) bank->open = false;
      break;
    case DramCommand::prea:
      for_each_bank(bank_mask(std::max(record.bank, 0), system_.dram_of(c).organization.banks_per_rank()),
                    [&](std::size_t b) { channel.banks[b].open = false; });
      break;
    case DramCommand::rd:
    case DramCommand::wr:
      open();
      burst(record.command == DramCommand::rd ? timing.n_cl : timing.n_cwl);
      break;
    case DramCommand::rdb:
      burst(timing.n_cl);
      break;
    case DramCommand::wrb:
      burst(timing.n_cwl);
      break;
    case DramCommand::nrd:
    case DramCommand::nwr:
      if (!bank->open) open();
      span(bank->hb_busy, bank->hb_accesses, record.time, record.time + Picoseconds(system_.nmp_of(c).hb.access_ps()));
      break;
    default:
      break;
  }
}

void VcdWriter::nmp_changed(int c, const NmpState& state) {
  if (!window_.holds(now())) return;
  const bool nmp = state.mode == ChannelMode::nmp;
  Channel& channel = channels_[static_cast<std::size_t>(c)];
  channel.mode = state.changing ? (nmp ? 1 : 3) : (nmp ? 2 : 0);
  channel.pes_busy = state.computing;
}

void VcdWriter::npu_changed(const NpuState& state) {
  if (!window_.holds(now())) return;
  arrays_busy_ = state.computing;
  vector_tasks_ = static_cast<unsigned>(state.vector_tasks);
  dma_transfers_ = static_cast<unsigned>(state.transfers_queued);
}

void VcdWriter::finish() {
  if (file_ != nullptr) sc_core::sc_close_vcd_trace_file(std::exchange(file_, nullptr));
  std::error_code ec;
  if (std::filesystem::file_size(path_ + ".vcd", ec) == 0 || ec) throw_unwritable(path_ + ".vcd");
}

}  // namespace bondsim
