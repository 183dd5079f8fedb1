#include <gtest/gtest.h>

#include <memory>

#include "models/dram/channel/channel_module.hpp"
#include "tests/support/dram_setup.hpp"
#include "tests/support/scale.hpp"

/// Streams long enough for their states to come again, and long idle times: fast-forward gives what deciding every command gives. Pairs of
/// channels side by side in one simulation, each pair with a configuration and a workload of its own.
namespace bondsim {
namespace {

using test::pick;

constexpr std::int64_t run_ps = 900'000'000;

/// A few transfers of megabytes at random times, now and then a look at counts and times in between.
class Streams : public sc_core::sc_module, public ChannelListener {
 public:
  Streams(sc_core::sc_module_name name, DramChannel& channel, const DramOrganization& shape, std::uint64_t seed)
      : sc_module(name), channel_(channel), shape_(shape), random_(seed) {
    SC_HAS_PROCESS(Streams);
    SC_METHOD(act);
    sensitive << timer_;
    channel.bind_listener(*this, nullptr);
  }

  void act() {
    if (random_() % 2 == 0) note_times();
    const bool same_direction = random_() % 2 == 0;
    const bool write = random_() % 2 == 0;
    for (std::int64_t n = submitted_ < 5 ? pick(random_, 0, 2) : 0; n > 0; --n) submit(same_direction ? write : random_() % 2 == 0);
    const std::int64_t wait = random_() % 3 == 0 ? pick(random_, 1, 200'000'000) : pick(random_, 1, 20'000'000);
    timer_.notify(sc_core::sc_time::from_value(static_cast<std::uint64_t>(wait)));
  }
  void host_transfer_done(int, std::uint64_t tag) override {
    seen.push_back(static_cast<std::int64_t>(sc_core::sc_time_stamp().value()));
    seen.push_back(static_cast<std::int64_t>(tag));
    note_times();
  }
  void hb_transfer_done(int, std::uint64_t) override {}
  void mode_reached(int, ChannelMode) override {}

  void note_times() {
    const ChannelTimes t = channel_.times_until_now();
    for (const Picoseconds part : {t.host_transfer, t.host_row, t.refresh, t.free, t.rows_open}) seen.push_back(part.value);
    for (int op = -1; op < 3; ++op) {
      const ChannelCounts c = channel_.counts_until_now(op);
      for (const std::int64_t count : {c.activates, c.precharges, c.reads, c.writes, c.refreshes_all_bank, c.refreshes_per_bank}) {
        seen.push_back(count);
      }
    }
  }

  std::vector<std::int64_t> seen;

 private:
  void submit(bool write) {
    HostTransfer transfer;
    transfer.extent = test::random_extent(random_, shape_, 100'000);
    if (random_() % 3 != 0) {  // as weights lie: all banks, rows of one shape but for the first and the last
      transfer.extent = test::extent_of(0, shape_.banks(), pick(random_, 0, 4000) * 32, pick(random_, 1, 4000) * 32);
    }
    transfer.write = write;
    transfer.op = static_cast<std::int32_t>(pick(random_, -1, 2));
    transfer.tag = ++submitted_;
    channel_.submit(transfer);
  }

  DramChannel& channel_;
  const DramOrganization& shape_;
  test::Random random_;
  sc_core::sc_event timer_;
  std::uint64_t submitted_ = 0;
};

struct Pair {
  DramConfig dram;
  ControllerConfig controller;
  std::shared_ptr<FastForwardTable> fast_forward = std::make_shared<FastForwardTable>();
  std::unique_ptr<DramChannel> channels[2];  ///< trains off; on
  std::unique_ptr<Streams> streams[2];

  explicit Pair(std::uint64_t seed) {
    test::Random random(seed * 104'729);
    const char* parts[] = {"lpddr5-6400-8gb", "lpddr5-6400-16gb", "lpddr5-6400-32gb", "hbm3-like-16gb", "lpddr5x-8533-16gb"};
    dram = test::dram_part(parts[random() % 5]);
    if (random() % 3 == 0 && dram.timing.n_wckpst < 0 && dram.organization.banks() <= 32) {
      dram.organization.ranks = 2;
      dram.timing.n_rtrs = 2;
    } else if (random() % 3 == 0 && dram.timing.n_wckpst < 0) {
      dram.organization.pseudo_channels = 2;
    }
    if (random() % 2 == 0) {
      controller.read_queue = static_cast<int>(pick(random, 1, 40));
      controller.write_queue = static_cast<int>(pick(random, 1, 40));
    }
    controller.page_policy = random() % 3 != 0 ? PagePolicy::open : PagePolicy::closed;
    controller.refresh = static_cast<RefreshKind>(random() % 3);
    controller.refresh_postpone = random() % 3 != 0 ? 0 : static_cast<int>(random() % 9);
    controller.write_wait_ns = random() % 2 == 0 ? 500 : static_cast<double>(pick(random, 0, 3000));
    ChannelSwitches switches;
    switches.row_timing = random() % 8 != 0;
    for (const std::size_t i : {0U, 1U}) {
      switches.column_trains = i == 1;
      const std::string id = std::to_string(seed) + "_" + std::to_string(i);
      channels[i] = std::make_unique<DramChannel>(("channel_" + id).c_str(), 0, dram, controller, nullptr, switches, nullptr, fast_forward);
      streams[i] = std::make_unique<Streams>(("streams_" + id).c_str(), *channels[i], dram.organization, seed);
    }
  }
};

TEST(FastForward, gives_what_deciding_each_command_gives) {
  int pairs = test::scaled(30);
  if (const char* more = std::getenv("BONDSIM_TRAIN_PAIRS")) pairs = std::atoi(more);
  std::uint64_t first_seed = 1;
  if (const char* seed = std::getenv("BONDSIM_TRAIN_SEED")) first_seed = std::strtoull(seed, nullptr, 10);
  std::vector<std::unique_ptr<Pair>> all;
  for (int i = 0; i < pairs; ++i) all.push_back(std::make_unique<Pair>(first_seed + static_cast<std::uint64_t>(i)));
  sc_core::sc_start(sc_core::sc_time::from_value(run_ps));
  std::int64_t taken = 0, bursts = 0;
  for (int i = 0; i < pairs; ++i) {
    Pair& pair = *all[static_cast<std::size_t>(i)];
    for (auto& streams : pair.streams) streams->note_times();
    EXPECT_EQ(pair.streams[1]->seen, pair.streams[0]->seen) << "seed " << first_seed + static_cast<std::uint64_t>(i);
    taken += pair.fast_forward->taken();
    for (int op = -1; op < 3; ++op) bursts += pair.channels[1]->counts_until_now(op).reads + pair.channels[1]->counts_until_now(op).writes;
  }
  EXPECT_GT(bursts, pairs * 20'000);
  EXPECT_GT(taken, pairs * 100) << "steps are taken";
}

}  // namespace
}  // namespace bondsim
