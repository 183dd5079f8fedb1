#include "sim/dram_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "models/base/percentile.hpp"
#include "models/dram/channel/channel_module.hpp"
#include "models/system/energy_counts.hpp"
#include "models/system/peaks.hpp"

namespace bondsim {
namespace {

/// Starts the requests at time 0 and collects what becomes of them.
class Driver : public sc_core::sc_module, public ChannelListener, public RequestObserver {
 public:
  Driver(sc_core::sc_module_name name, DramChannel& channel, const std::vector<ListedRequest>& requests, DramRunResult& result)
      : sc_module(name), channel_(channel), requests_(requests), result_(result) {
    SC_HAS_PROCESS(Driver);
    SC_METHOD(begin);
  }
  void begin() {
    if (!requests_.empty()) channel_.submit({requests_.data(), requests_.size()}, 0, 0);
  }
  void host_transfer_done(int, std::uint64_t) override {}
  void hb_transfer_done(int, std::uint64_t) override {}
  void mode_reached(int, ChannelMode) override {}
  void request_served(const RequestOutcome& o) override {
    using Row = RequestOutcome::Row;
    ++(o.write ? result_.writes : result_.reads);
    result_.row_hits += o.row == Row::hit;
    result_.row_misses += o.row == Row::miss;
    result_.row_conflicts += o.row == Row::conflict;
    result_.forwarded += o.row == Row::forwarded;
    accepted = std::max(accepted, o.accepted);
    end = std::max(end, o.end);
    if (!o.write) latencies.push_back(o.end.value - o.arrival.value);
  }

  Picoseconds accepted;
  Picoseconds end;
  std::vector<std::int64_t> latencies;  ///< of reads, in ps

 private:
  DramChannel& channel_;
  const std::vector<ListedRequest>& requests_;
  DramRunResult& result_;
};

void add_energy(const System& system, int channel, Picoseconds length, DramRunResult& result) {
  const EnergyModel model(system.energy_of(channel), energy_context(system, channel, EnergyColumn::maximum));
  const auto of = [&](const EnergyCounts& counts, EnergyComponent component) {
    return model.energy(counts)[static_cast<std::size_t>(component)];
  };
  EnergyCounts all = energy_counts(channel, result.counts, system), reads, writes;
  reads.host_read_bits = all.host_read_bits;
  writes.host_write_bits = all.host_write_bits;
  all.channel_time_ps = length.value;
  all.rows_open_ps = result.times.rows_open.value;
  result.act = of(all, EnergyComponent::dram_activate);
  result.rd = of(reads, EnergyComponent::dram_array);
  result.wr = of(writes, EnergyComponent::dram_array);
  result.ref = of(all, EnergyComponent::dram_refresh);
  result.background = of(all, EnergyComponent::dram_background);
  result.io = of(all, EnergyComponent::offchip_io);
  result.estimated = model.estimated(all);
}

}  // namespace

DramRunResult run_dram(const System& system, int index, const std::vector<ListedRequest>& requests, SimulationListener* sink) {
  DramRunResult result;
  result.system = system.name;
  result.requests = static_cast<std::int64_t>(requests.size());
  ChannelSwitches switches;
  switches.row_timing = system.fidelity.row_timing;
  switches.refresh = system.fidelity.refresh;
  switches.mode_switch = system.fidelity.mode_switch;
  switches.column_trains = system.kernel.column_trains;
  DramChannel channel("channel", index, system.dram_of(index), system.controller_of(index), nullptr, switches, sink);
  Driver driver("driver", channel, requests, result);
  channel.bind_listener(driver, nullptr);
  channel.bind_observer(&driver);
  sc_core::sc_start();
  channel.flush();
  check(result.reads + result.writes == result.requests, "{} requests were served of {}", result.reads + result.writes, result.requests);
  const Picoseconds end(static_cast<std::int64_t>(sc_core::sc_time_stamp().value()));
  result.times = channel.times_until_now();
  for (const int op : {-1, 0}) result.counts += channel.counts_until_now(op);
  const DramOrganization& shape = system.dram_of(index).organization;
  result.time_ns = static_cast<double>(end.value) / 1000.0;
  result.accepted_ns = static_cast<double>(driver.accepted.value) / 1000.0;
  result.peak_gbps = bus_gbps(system.dram_of(index));
  const double bytes = static_cast<double>(result.requests) * shape.access_bytes();
  result.bandwidth_gbps = end.value > 0 ? bytes / result.time_ns : 0;
  if (!driver.latencies.empty()) {
    double sum = 0;
    for (const std::int64_t l : driver.latencies) sum += static_cast<double>(l);
    result.read_latency_mean_ns = sum / 1000.0 / static_cast<double>(driver.latencies.size());
    result.read_latency_p50_ns = static_cast<double>(nearest_rank(driver.latencies, 0.50)) / 1000.0;
    result.read_latency_p99_ns = static_cast<double>(nearest_rank(driver.latencies, 0.99)) / 1000.0;
  }
  add_energy(system, index, end, result);
  result.kernel_events = channel.kernel_events();
  return result;
}

// ---- Output ---------------------------------------------------------------------------------------------------------------

namespace {

double picojoules(Attojoules e) { return static_cast<double>(e.value) * 1e-6; }
double nanoseconds(Picoseconds t) { return static_cast<double>(t.value) / 1000.0; }

Attojoules total_energy(const DramRunResult& r) { return r.act + r.rd + r.wr + r.ref + r.background + r.io; }

double share(Attojoules part, Attojoules all) {
  return all.value > 0 ? static_cast<double>(part.value) / static_cast<double>(all.value) : 0;
}

}  // namespace

std::string dram_json(const DramRunResult& r) {
  nlohmann::ordered_json j;
  j["schema"] = "bondsim.dram/1";
  j["system"] = r.system;
  j["requests"] = r.requests;
  j["reads"] = r.reads;
  j["writes"] = r.writes;
  j["forwarded_reads"] = r.forwarded;
  j["time_ns"] = r.time_ns;
  j["accepted_ns"] = r.accepted_ns;
  j["bandwidth_gbps"] = r.bandwidth_gbps;
  j["peak_gbps"] = r.peak_gbps;
  j["share_of_peak"] = r.bandwidth_gbps / r.peak_gbps;
  j["row_hits"] = r.row_hits;
  j["row_misses"] = r.row_misses;
  j["row_conflicts"] = r.row_conflicts;
  j["read_latency_ns"] = {{"mean", r.read_latency_mean_ns}, {"p50", r.read_latency_p50_ns}, {"p99", r.read_latency_p99_ns}};
  j["refreshes"] = r.counts.refreshes_all_bank + r.counts.refreshes_per_bank;
  j["commands"] = {{"ACT", r.counts.activates}, {"PRE", r.counts.precharges},           {"RD", r.counts.reads},
                   {"WR", r.counts.writes},     {"REFab", r.counts.refreshes_all_bank}, {"REFpb", r.counts.refreshes_per_bank}};
  const std::int64_t managements = r.counts.managements_all_bank + r.counts.managements_per_bank;
  if (managements > 0) j["commands"]["RFM"] = managements;
  j["times_ns"] = {{"data", nanoseconds(r.times.host_transfer)},
                   {"row", nanoseconds(r.times.host_row)},
                   {"refresh", nanoseconds(r.times.refresh)},
                   {"free", nanoseconds(r.times.free)}};
  j["energy_pj"] = {{"ACT", picojoules(r.act)},
                    {"RD", picojoules(r.rd)},
                    {"WR", picojoules(r.wr)},
                    {"REF", picojoules(r.ref)},
                    {"background", picojoules(r.background)},
                    {"IO", picojoules(r.io)},
                    {"total", picojoules(total_energy(r))},
                    {"share_on_estimates", share(r.estimated, total_energy(r))}};
  return j.dump(2) + "\n";
}

std::string dram_summary(const DramRunResult& r) {
  const Attojoules total = total_energy(r);
  std::string text = fmt::format("requests    {} ({} reads, {} writes, {} reads served from the write queue)\n", r.requests, r.reads,
                                 r.writes, r.forwarded);
  text += fmt::format("time        {:.2f} ns (last request accepted at {:.2f} ns)\n", r.time_ns, r.accepted_ns);
  text += fmt::format("bandwidth   {:.3f} GB/s, {:.1f} % of {:.1f} GB/s\n", r.bandwidth_gbps, 100 * r.bandwidth_gbps / r.peak_gbps,
                      r.peak_gbps);
  text += fmt::format("rows        {} hits, {} misses, {} conflicts\n", r.row_hits, r.row_misses, r.row_conflicts);
  text += fmt::format("read latency mean {:.2f} ns, p50 {:.2f} ns, p99 {:.2f} ns\n", r.read_latency_mean_ns, r.read_latency_p50_ns,
                      r.read_latency_p99_ns);
  text += fmt::format("refreshes   {} REFab, {} REFpb", r.counts.refreshes_all_bank, r.counts.refreshes_per_bank);
  const std::int64_t managements = r.counts.managements_all_bank + r.counts.managements_per_bank;
  text += managements > 0 ? fmt::format(", {} RFM\n", managements) : "\n";
  text += fmt::format("time parts  data {:.2f} ns, rows and turnarounds {:.2f} ns, refresh {:.2f} ns, free {:.2f} ns\n",
                      nanoseconds(r.times.host_transfer), nanoseconds(r.times.host_row), nanoseconds(r.times.refresh),
                      nanoseconds(r.times.free));
  text += fmt::format("energy      {:.3f} uJ:", picojoules(total) * 1e-6);
  const std::pair<const char*, Attojoules> kinds[] = {
      {"ACT", r.act}, {"RD", r.rd}, {"WR", r.wr}, {"REF", r.ref}, {"background", r.background}, {"IO", r.io}};
  for (const auto& [name, energy] : kinds) text += fmt::format(" {} {:.1f} %", name, 100 * share(energy, total));
  text += fmt::format(" ({:.0f} % of it rests on estimates)\n", 100 * share(r.estimated, total));
  return text;
}

}  // namespace bondsim
