#include "sim/trace/power.hpp"

#include <fmt/format.h>

#include <iterator>

namespace bondsim {
namespace {

double watts(WideInt attojoules, Picoseconds length) { return to_joules(Attojoules(attojoules)) / to_seconds(length); }

/// Volts of a channel's rail; 0 where its table has none of that name.
double voltage(const System& system, int channel, const std::string& rail) {
  const auto& currents = system.energy_of(channel).currents;
  if (!currents) return 0;
  for (const RailCurrents& r : currents->rails) {
    if (r.rail == rail) return r.voltage_v;
  }
  return 0;
}

}  // namespace

PowerWriter::PowerWriter(const System& system, const std::string& directory, Picoseconds interval, bool gzip, PowerDetail detail)
    : PowerMeter(system, interval),
      executors_(traced_executors(system)),
      file_(directory + "/power.csv", gzip),
      currents_(directory + "/currents.csv", gzip),
      detail_(detail),
      rails_(static_cast<std::size_t>(system.channel_count()) * divider().rails().size()) {
  file_.text() = fmt::format("{}\nstart_ps,end_ps,executor,unit,component,energy_aj,power_w\n", power_trace_schema);
  currents_.text() = fmt::format("{}\nchannel,rail,voltage_v,energy_aj,average_ma,peak_ma,peak_start_ps\n", currents_schema);
}

void PowerWriter::write(const PowerInterval& interval, std::size_t cell, const std::string& unit, WideInt energy) {
  if (energy == 0) return;
  const PowerCell& c = divider().cells()[cell];
  fmt::format_to(std::back_inserter(file_.text()), "{},{},{},{},{},{},{:.9g}\n", interval.start.value, interval.end.value,
                 executors_[c.executor], unit, enum_name(c.component), energy, watts(energy, interval.end - interval.start));
}

void PowerWriter::interval_ended(const PowerInterval& interval) {
  const PowerCells& cells = divider().cells();
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (detail_ == PowerDetail::unit) {
      write(interval, i, cells[i].unit, interval.cells[i]);
      continue;
    }
    if (cells[i].place != 0) continue;
    WideInt sum = 0;
    for (int place = 0; place < cells.places(cells[i].executor, cells[i].component); ++place) sum += interval.cells[i + place];
    write(interval, i, "", sum);
  }
  note_rails(interval);
  file_.flush_if_full();
}

void PowerWriter::note_rails(const PowerInterval& interval) {
  end_ = interval.end;
  for (std::size_t i = 0; i < rails_.size(); ++i) {
    rails_[i].energy += interval.rails[i];
    const double power = watts(interval.rails[i], interval.end - interval.start);
    if (power <= rails_[i].peak_w) continue;
    rails_[i].peak_w = power;
    rails_[i].peak_start = interval.start;
  }
}

void PowerWriter::write_currents() {
  const std::vector<std::string>& names = divider().rails();
  for (std::size_t i = 0; i < rails_.size(); ++i) {
    const std::size_t channel = i / names.size();
    const std::string& rail = names[i % names.size()];
    const double volts = voltage(divider().system(), static_cast<int>(channel), rail);
    if (volts == 0) continue;
    fmt::format_to(std::back_inserter(currents_.text()), "{},{},{:g},{},{:.9g},{:.9g},{}\n", executors_[channel + 1], rail, volts,
                   rails_[i].energy, watts(rails_[i].energy, end_) / volts * 1e3, rails_[i].peak_w / volts * 1e3,
                   rails_[i].peak_start.value);
  }
}

void PowerWriter::finish() {
  finish_intervals();
  if (end_.value > 0) write_currents();
  file_.finish();
  currents_.finish();
}

}  // namespace bondsim
