#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "models/dram/channel/channel_module.hpp"
#include "tests/support/channel_times.hpp"
#include "tests/support/dram_setup.hpp"
#include "tests/support/scale.hpp"

/// Column trains on and off give the same commands, times and counts: many pairs of channels side by side in one simulation, each pair with
/// a configuration and a random workload of its own.
namespace bondsim {
namespace {

using test::pick;

struct Trace : SimulationListener {
  std::vector<CommandRecord> commands;
  void command(int, const CommandRecord& record) override { commands.push_back(record); }
};

/// Submits work at random times and as a reaction to ended work; the same calls at the same times for the same seed, as long as the channel
/// answers at the same times.
class Workload : public sc_core::sc_module, public ChannelListener {
 public:
  Workload(sc_core::sc_module_name name, DramChannel& channel, const DramOrganization& shape, bool nmp, std::uint64_t seed)
      : sc_module(name), channel_(channel), shape_(shape), nmp_(nmp), random_(seed) {
    SC_HAS_PROCESS(Workload);
    SC_METHOD(act);
    sensitive << timer_;
    channel.bind_listener(*this, this);
  }

  void act() {
    if (actions_++ >= 12) return;
    if (pick(random_, 0, 3) == 0) probes.push_back(channel_.times_until_now().host_row.value + channel_.counts_until_now(0).activates);
    if (mode_ == ChannelMode::normal && nmp_ && !changing_ && pick(random_, 0, 3) == 0) {
      changing_ = true;
      channel_.request_mode(ChannelMode::nmp);
    }
    for (std::int64_t n = pick(random_, 0, 2); n > 0; --n) host();
    if (mode_ == ChannelMode::nmp && !changing_) {
      for (std::int64_t n = pick(random_, 1, 3); n > 0; --n) hb();
    }
    const std::int64_t wait = pick(random_, 0, 2) == 0 ? pick(random_, 1, 20'000'000) : pick(random_, 0, 900) * 1250;
    timer_.notify(sc_core::sc_time::from_value(static_cast<std::uint64_t>(wait)));
  }
  void host_transfer_done(int, std::uint64_t tag) override {
    note(tag);
    if (pick(random_, 0, 2) == 0 && actions_ < 12) host();
  }
  void hb_transfer_done(int, std::uint64_t tag) override {
    note(tag);
    if (--hb_left_ > 0 || changing_) return;
    if (pick(random_, 0, 2) == 0 && actions_ < 12) return hb();
    changing_ = true;
    channel_.request_mode(ChannelMode::normal);
  }
  void mode_reached(int, ChannelMode mode) override {
    note(mode == ChannelMode::nmp ? 1'000'000 : 2'000'000);
    mode_ = mode;
    changing_ = false;
    if (mode == ChannelMode::nmp) hb();
  }

  std::vector<std::int64_t> answers;  ///< times and tags of what was answered
  std::vector<std::int64_t> probes;

 private:
  void host() {
    HostTransfer transfer;
    transfer.extent = test::random_extent(random_, shape_, pick(random_, 0, 3) == 0 ? 9000 : 900);
    transfer.write = pick(random_, 0, 1) == 0;
    transfer.op = static_cast<std::int32_t>(pick(random_, -1, 2));
    transfer.tag = ++tag_;
    channel_.submit(transfer);
  }
  void hb() {
    HbTransfer transfer;
    transfer.extent = test::random_extent(random_, shape_, pick(random_, 0, 3) == 0 ? 60'000 : 9000);
    transfer.write = pick(random_, 0, 2) == 0;
    transfer.passes = transfer.write ? 1 : pick(random_, 1, 3);
    transfer.pace_ps = pick(random_, 0, 1) * pick(random_, 0, 6000);
    if (pick(random_, 0, 4) == 0) transfer.bus_bytes = pick(random_, 1, 5000);
    transfer.tag = ++tag_;
    ++hb_left_;
    channel_.submit(transfer);
  }
  void note(std::uint64_t tag) {
    answers.push_back(static_cast<std::int64_t>(sc_core::sc_time_stamp().value()));
    answers.push_back(static_cast<std::int64_t>(tag));
  }

  DramChannel& channel_;
  const DramOrganization& shape_;
  bool nmp_;
  test::Random random_;
  sc_core::sc_event timer_;
  ChannelMode mode_ = ChannelMode::normal;
  bool changing_ = false;
  int actions_ = 0;
  int hb_left_ = 0;
  std::uint64_t tag_ = 0;
};

struct Pair {
  DramConfig dram;
  ControllerConfig controller;
  NmpConfig nmp;
  bool has_nmp = true;
  Trace traces[2];
  std::unique_ptr<DramChannel> channels[3];  ///< trains off; on; on and nobody reads the commands
  std::unique_ptr<Workload> workloads[3];

  explicit Pair(std::uint64_t seed) {
    test::Random random(seed * 7919);
    const char* parts[] = {"lpddr5-6400-8gb", "lpddr5-6400-16gb", "lpddr5-6400-32gb"};
    dram = test::dram_part(parts[random() % 3]);
    controller.read_queue = static_cast<int>(pick(random, 1, 40));
    controller.write_queue = static_cast<int>(pick(random, 1, 40));
    controller.page_policy = random() % 2 == 0 ? PagePolicy::open : PagePolicy::closed;
    controller.refresh = static_cast<RefreshKind>(random() % 3);
    controller.refresh_postpone = random() % 2 == 0 ? 0 : static_cast<int>(random() % 9);
    controller.refresh_pull_in = random() % 2 == 0 ? 0 : static_cast<int>(random() % 9);
    controller.refresh_management = random() % 4 == 0;
    dram.refresh_management->raa_initial = 4;
    if (random() % 4 == 0) dram.temperature_c = 95;
    const double gbps[] = {6.4, 12.8, 25.6, 51.2};
    nmp = test::nmp_side(gbps[random() % 4], 1 << (4 + random() % 4));
    nmp.mode_change_ns = static_cast<double>(pick(random, 0, 200));
    nmp.activate_policy = random() % 2 == 0 ? ActivatePolicy::all_bank : ActivatePolicy::staggered;
    nmp.subarray_overlap = random() % 3 == 0;
    has_nmp = random() % 4 != 0;
    ChannelSwitches switches;
    switches.row_timing = random() % 8 != 0;
    switches.refresh = random() % 8 != 0;
    switches.mode_switch = random() % 8 != 0;
    for (const std::size_t i : {0U, 1U, 2U}) {
      switches.column_trains = i > 0;
      const std::string id = std::to_string(seed) + "_" + std::to_string(i);
      channels[i] = std::make_unique<DramChannel>(("channel_" + id).c_str(), 0, dram, controller, has_nmp ? &nmp : nullptr, switches,
                                                  i < 2 ? &traces[i] : nullptr);
      workloads[i] = std::make_unique<Workload>(("work_" + id).c_str(), *channels[i], dram.organization, has_nmp, seed);
    }
    row_timing = switches.row_timing;
    options = {switches.refresh, switches.mode_switch};
  }
  bool row_timing = true;
  TraceCheckerOptions options;
};

/// Time until `end` with a row open, from nothing but the commands: ACT1 opens a row, PRE closes it (or its bank), PREA closes all.
std::int64_t rows_open_ps(const std::vector<CommandRecord>& commands, std::int64_t end) {
  std::set<std::pair<std::int32_t, std::int32_t>> open;
  std::int64_t sum = 0, at = 0;
  for (const CommandRecord& c : commands) {
    if (!open.empty()) sum += c.time.value - at;
    at = c.time.value;
    if (c.command == DramCommand::act1) open.emplace(c.bank, c.row);
    if (c.command == DramCommand::prea) open.clear();
    if (c.command != DramCommand::pre) continue;
    if (c.row >= 0) {
      open.erase({c.bank, c.row});
    } else {
      open.erase(open.lower_bound({c.bank, 0}), open.lower_bound({c.bank + 1, 0}));
    }
  }
  return open.empty() ? sum : sum + end - at;
}

/// Every observable of a channel, against the one with trains off.
void expect_same(Pair& pair, std::size_t other, const std::string& where) {
  ASSERT_EQ(pair.workloads[other]->answers, pair.workloads[0]->answers) << where;
  ASSERT_EQ(pair.workloads[other]->probes, pair.workloads[0]->probes) << where;
  for (int op = -1; op < 3; ++op) {
    const ChannelCounts a = pair.channels[other]->counts_until_now(op);
    const ChannelCounts b = pair.channels[0]->counts_until_now(op);
    EXPECT_EQ(a.activates, b.activates) << where;
    EXPECT_EQ(a.precharges, b.precharges) << where;
    EXPECT_EQ(a.reads + a.writes, b.reads + b.writes) << where;
    EXPECT_EQ(a.hb_reads, b.hb_reads) << where;
    EXPECT_EQ(a.hb_writes, b.hb_writes) << where;
    EXPECT_EQ(a.refreshes_all_bank + a.refreshes_per_bank, b.refreshes_all_bank + b.refreshes_per_bank) << where;
  }
  const ChannelTimes a = pair.channels[other]->times_until_now();
  const ChannelTimes b = pair.channels[0]->times_until_now();
  test::expect_same_parts(a, b, where);
  EXPECT_EQ(a.rows_open, b.rows_open) << where;
  EXPECT_EQ((a.host_transfer + a.host_row + a.column + a.row + a.refresh + a.mode_switch + a.free).value, 400'000'000) << where;
}

/// @param pairs more of them with BONDSIM_TRAIN_PAIRS.
void expect_equivalence(int pairs, std::uint64_t first_seed) {
  if (const char* more = std::getenv("BONDSIM_TRAIN_PAIRS")) pairs = std::atoi(more);
  std::vector<std::unique_ptr<Pair>> all;
  for (int i = 0; i < pairs; ++i) all.push_back(std::make_unique<Pair>(first_seed + static_cast<std::uint64_t>(i)));
  sc_core::sc_start(sc_core::sc_time(400, sc_core::SC_US));
  std::int64_t commands = 0;
  std::uint64_t events[2] = {0, 0};
  for (int i = 0; i < pairs; ++i) {
    Pair& pair = *all[static_cast<std::size_t>(i)];
    const std::string where = fmt::format("seed {}", first_seed + static_cast<std::uint64_t>(i));
    for (auto& channel : pair.channels) channel->flush();
    // Commands of one time to different banks may have been handed out in two parts: a transfer submitted at that time decides a PRE for
    // it.
    for (Trace& trace : pair.traces) sort_commands(trace.commands);
    const auto& off = pair.traces[0].commands;
    const auto& on = pair.traces[1].commands;
    for (std::size_t c = 0; c < std::min(off.size(), on.size()); ++c) {
      ASSERT_EQ(test::describe(on[c]), test::describe(off[c])) << where << ", command " << c;
      ASSERT_EQ(on[c].requester, off[c].requester) << where << ", command " << c;
    }
    ASSERT_EQ(on.size(), off.size()) << where;
    for (const std::size_t other : {1U, 2U}) expect_same(pair, other, where);
    EXPECT_EQ(pair.channels[0]->times_until_now().rows_open.value, rows_open_ps(off, 400'000'000)) << where;
    if (pair.row_timing) {
      TraceChecker checker(pair.dram, pair.controller, pair.has_nmp ? &pair.nmp : nullptr, pair.options);
      for (const CommandRecord& record : on) checker.command(record);
      ASSERT_EQ(checker.violations(), 0) << where << "\n" << test::describe(checker);
    }
    commands += static_cast<std::int64_t>(on.size());
    for (const int trains : {0, 1}) events[trains] += pair.channels[trains]->kernel_events();
  }
  EXPECT_GT(commands, pairs * 1000);
  EXPECT_LT(events[1] * 5, events[0]) << "trains save kernel events";
}

TEST(ColumnTrains, on_and_off_give_the_same_commands_for_random_work) { expect_equivalence(test::scaled(250), 1); }

}  // namespace
}  // namespace bondsim
