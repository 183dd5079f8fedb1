#pragma once
#include <cstdint>
#include <functional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "models/dram/channel/channel_core.hpp"
#include "models/dram/check/trace_checker.hpp"
#include "models/nmp/config.hpp"
#include "tests/support/paths.hpp"

/// Channels for tests: shipped parts, random extents and configurations, and a driver without a kernel.
namespace bondsim::test {

inline DramConfig dram_part(const std::string& name = "lpddr5-6400-16gb") {
  return decode_document<DramConfig>(load_yaml_file(bondsim::tests::source_dir() + "/configs/dram/" + name + ".yaml"), "",
                                     "bondsim.dram/1");
}

inline NmpConfig nmp_side(double gbps = 25.6, int access_bytes = 64) {
  NmpConfig nmp;
  nmp.hb.bandwidth_gbps = gbps;
  nmp.hb.access_bytes = access_bytes;
  nmp.mode_change_ns = 100;
  return nmp;
}

inline Extent extent_of(int first_bank, int banks, std::int64_t offset, std::int64_t bytes_per_bank) {
  Extent e;
  e.first_bank = first_bank;
  e.banks = banks;
  e.bank_offset = offset;
  e.bytes_per_bank = bytes_per_bank;
  return e;
}

using Random = std::mt19937_64;

inline std::int64_t pick(Random& random, std::int64_t low, std::int64_t high) {
  return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
}

/// An extent anywhere in the channel, of at most `most` bytes a bank, sometimes with longer banks; rarely aligned to anything.
inline Extent random_extent(Random& random, const DramOrganization& shape, std::int64_t most) {
  Extent e;
  e.first_bank = static_cast<std::int32_t>(pick(random, 0, shape.banks() - 1));
  e.banks = static_cast<std::int32_t>(pick(random, 1, shape.banks() - e.first_bank));
  e.bytes_per_bank = pick(random, 1, most);
  if (e.banks > 1 && pick(random, 0, 2) == 0) {
    e.longer_banks = static_cast<std::int32_t>(pick(random, 1, e.banks - 1));
    e.extra_bytes = pick(random, 1, most);
    if (e.banks % 2 == 0 && e.longer_banks < e.banks / 2) e.groups = 2;  // GEMMs side by side, each with longer banks of its own
  }
  const std::int64_t rows = pick(random, 0, 1) == 0 ? 8 : shape.rows;  // few rows: transfers meet each other's open rows
  e.bank_offset = std::max<std::int64_t>(pick(random, 0, rows * shape.page_bytes()) - e.max_bytes_per_bank(), 0);
  return e;
}

/// A channel and its rules, driven without a kernel: calls come at times that do not go back; commands are checked as they come.
class CoreRun {
 public:
  CoreRun(const DramConfig& dram, const ControllerConfig& controller, const NmpConfig* nmp, const ChannelSwitches& switches,
          const std::vector<TimingRule>& rules)
      : core(dram, controller, nmp, switches, rules), checker(dram, controller, nmp, {switches.refresh, switches.mode_switch}) {
    core.keep_log(true);
  }

  /// Runs until the next event, or `limit`. @return the events of that time.
  std::vector<ChannelEvent> to_event(Picoseconds limit) {
    now = core.run_to_event(limit);
    drain();
    return core.take_events(now);
  }
  void to(Picoseconds t) {
    core.run(now = t);
    drain();
    core.take_events(t);
  }
  /// Runs until everything submitted has ended.
  void to_end() {
    while (core.busy()) to_event(now + Picoseconds(1'000'000'000));
  }
  Picoseconds mode(ChannelMode mode) {
    core.request_mode(mode, now);
    to_end();
    return now;
  }
  void host(const Extent& extent, bool write, std::int32_t op = 0) {
    HostTransfer transfer;
    transfer.extent = extent;
    transfer.write = write;
    transfer.op = op;
    transfer.tag = tag++;
    core.submit(transfer, now);
  }
  void hb(const Extent& extent, bool write, std::int32_t op = 0) {
    HbTransfer transfer;
    transfer.extent = extent;
    transfer.write = write;
    transfer.op = op;
    transfer.tag = tag++;
    core.submit(transfer, now);
  }

  void bus(std::int64_t bytes, bool write, std::int32_t op = 0) {
    HbTransfer transfer;
    transfer.bus_bytes = bytes;
    transfer.write = write;
    transfer.op = op;
    transfer.tag = tag++;
    core.submit(transfer, now);
  }

  ChannelCore core;
  TraceChecker checker;
  std::vector<CommandRecord> commands;  ///< kept when `keep`
  bool keep = false;
  Picoseconds now;
  std::uint64_t tag = 1;

 private:
  void drain() {
    auto& log = core.output().log;
    sort_commands(log);
    for (const CommandRecord& record : log) checker.command(record);
    if (keep) commands.insert(commands.end(), log.begin(), log.end());
    log.clear();
  }
};

inline std::string describe(const CommandRecord& c) {
  return fmt::format("{} ps {} bank {} row {} column {}", c.time.value, command_name(c.command), c.bank, c.row, c.column);
}

inline std::string describe(const TraceChecker& checker) {
  std::string text = fmt::format("{} violations in {} commands\n", checker.violations(), checker.commands());
  for (const auto& [rule, count] : checker.by_rule()) text += fmt::format("  {}: {}\n", rule, count);
  for (const TraceViolation& v : checker.first()) {
    text += fmt::format("  {} ({}): {}\n", v.rule, v.detail, describe(v.command));
    if (v.has_earlier) text += fmt::format("    after {}\n", describe(v.earlier));
  }
  return text;
}

/// Random work in both modes for about `rounds` rounds.
inline void random_work(CoreRun& run, std::uint64_t seed, int rounds, const DramOrganization& shape, bool nmp, std::int64_t most = 8192) {
  Random random(seed);
  std::vector<std::vector<ListedRequest>> lists(static_cast<std::size_t>(rounds));
  for (int round = 0; round < rounds; ++round) {
    for (std::int64_t n = pick(random, 1, 4); n > 0; --n) {
      run.host(random_extent(random, shape, most), pick(random, 0, 1) == 1);
      if (pick(random, 0, 2) == 0) run.to(run.now + Picoseconds(pick(random, 1, 3'000'000)));
    }
    auto& list = lists[static_cast<std::size_t>(round)];
    for (std::int64_t n = pick(random, 1, 400); n > 0; --n) {
      ListedRequest request;
      request.at = {static_cast<std::int32_t>(pick(random, 0, shape.banks() - 1)), static_cast<std::int32_t>(pick(random, 0, 40)),
                    static_cast<std::int32_t>(pick(random, 0, shape.page_bytes() / shape.access_bytes() - 1))};
      request.write = pick(random, 0, 2) == 0;
      list.push_back(request);
    }
    run.core.submit({list.data(), list.size()}, 1, run.tag++, run.now);
    run.to_end();
    if (pick(random, 0, 3) == 0) run.to(run.now + Picoseconds(pick(random, 1, 20'000'000)));
    if (!nmp || pick(random, 0, 1) == 0) continue;
    run.mode(ChannelMode::nmp);
    for (std::int64_t n = pick(random, 1, 6); n > 0; --n) {
      run.hb(random_extent(random, shape, 2 * most), pick(random, 0, 2) == 0);
      if (seed % 3 == 0 && pick(random, 0, 2) == 0) run.bus(pick(random, 1, 4096), pick(random, 0, 1) == 0);
      if (pick(random, 0, 2) == 0) run.to(run.now + Picoseconds(pick(random, 1, 5'000'000)));
    }
    run.to_end();
    if (pick(random, 0, 3) == 0) run.to(run.now + Picoseconds(pick(random, 1, 20'000'000)));
    run.mode(ChannelMode::normal);
  }
}

}  // namespace bondsim::test
