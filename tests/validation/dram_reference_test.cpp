#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tests/support/dram_setup.hpp"
#include "tests/support/memory_traces.hpp"
#include "tests/support/paths.hpp"

/// tests/data/lpddr5_traces.csv: what Ramulator 2.1 makes of seven memory traces under two address maps.
namespace bondsim {
namespace {

struct ReferenceRow {
  std::string trace;
  std::string map;
  double ticks = 0;
  std::int64_t hits = 0;
};

std::vector<ReferenceRow> reference_rows() {
  std::ifstream in(bondsim::tests::source_dir() + "/tests/data/lpddr5_traces.csv");
  std::string line;
  std::getline(in, line);
  std::vector<ReferenceRow> rows;
  while (std::getline(in, line)) {
    std::stringstream cells(line);
    std::string cell[9];
    for (std::string& c : cell) std::getline(cells, c, ',');
    rows.push_back({cell[0], cell[1], std::stod(cell[3]), std::stoll(cell[4])});
  }
  return rows;
}

/// The policy of configs/system/lpddr5-8gb-channel.yaml under the reference's address maps.
ControllerConfig reference_controller(const std::string& map) {
  ControllerConfig controller;
  controller.write_wait_ns = 0;
  controller.act2 = Act2Order::last;
  controller.address_map.fields = {"row", "bank", "bank_group", "column"};
  if (map == "mop4_xor") {
    controller.address_map.fields = {"row", "column:4", "bank", "bank_group", "column:2"};
    controller.address_map.xors = {"bank_group ^= column[1:0]", "bank ^= column[3:2]", "row ^= column[5:4]"};
  }
  return controller;
}

TEST(DramReference, fourteen_traces_take_the_time_of_an_open_lpddr5_model_within_3_percent) {
  const DramConfig dram = test::dram_part("lpddr5-6400-8gb");
  const auto rows = reference_rows();
  ASSERT_EQ(rows.size(), 14U);
  for (const ReferenceRow& row : rows) {
    const ControllerConfig controller = reference_controller(row.map);
    const AddressMap map(controller.address_map, dram.organization);
    std::vector<ListedRequest> list;
    for (const auto& request : test::memory_trace(row.trace)) {
      list.push_back({map.decode(request.address), request.write, Picoseconds(0), list.size()});
    }
    test::CoreRun run(dram, controller, nullptr, {}, timing_rules(dram));
    run.core.submit({list.data(), list.size()}, 0, 1, run.now);
    run.to_end();
    Picoseconds accepted;
    std::int64_t hits = 0;
    for (const RequestOutcome& o : run.core.output().outcomes) {
      accepted = std::max(accepted, o.accepted);
      hits += o.row == RequestOutcome::Row::hit;
    }
    const double ticks = static_cast<double>(accepted.value) / 1250.0;
    EXPECT_NEAR(ticks / row.ticks, 1.0, 0.03) << row.trace << ", " << row.map;
    EXPECT_NEAR(static_cast<double>(hits), static_cast<double>(row.hits), 0.03 * static_cast<double>(row.hits) + 30)
        << row.trace << ", " << row.map;
    EXPECT_EQ(run.checker.violations(), 0) << row.trace << ", " << row.map << "\n" << test::describe(run.checker);
  }
}

TEST(DramReference, ten_million_commands_break_no_rule) {
  std::int64_t commands = 0;
  for (std::uint64_t seed = 1; commands < 10'000'000; ++seed) {
    test::Random random(seed * 104729);
    const char* parts[] = {"lpddr5-6400-8gb", "lpddr5-6400-16gb", "lpddr5-6400-32gb", "lpddr5x-8533-16gb", "hbm3-like-16gb"};
    const DramConfig dram = test::dram_part(parts[seed % 5]);
    ControllerConfig controller;
    controller.page_policy = seed % 3 == 0 ? PagePolicy::open : PagePolicy::closed;
    controller.refresh = seed % 2 == 0 ? RefreshKind::per_bank : RefreshKind::all_bank;
    controller.refresh_postpone = seed % 4 == 0 ? 8 : 0;
    controller.refresh_pull_in = seed % 8 < 2 ? 8 : 0;
    controller.refresh_management = dram.refresh_management && seed % 4 == 1;
    NmpConfig nmp = test::nmp_side(25.6, seed % 5 == 4 ? 32 : 64);
    nmp.activate_policy = seed % 7 < 4 ? ActivatePolicy::all_bank : ActivatePolicy::staggered;
    nmp.subarray_overlap = seed % 5 == 0;
    test::CoreRun run(dram, controller, &nmp, {}, timing_rules(dram));
    test::random_work(run, seed, 20, dram.organization, true, seed % 4 == 0 ? 100'000 : 8192);
    run.checker.finish(run.now);
    ASSERT_EQ(run.checker.violations(), 0) << "seed " << seed << "\n" << test::describe(run.checker);
    commands += run.checker.commands();
  }
}

/// Parts of other command sets and bursts are data: what is read and written, and every command, is as their files say.
TEST(DramParts, every_shipped_part_moves_all_bytes_and_breaks_no_rule) {
  int parts = 0;
  for (const auto& entry : std::filesystem::directory_iterator(bondsim::tests::source_dir() + "/configs/dram")) {
    const std::string name = entry.path().stem().string();
    const DramConfig dram = test::dram_part(name);
    const NmpConfig nmp = test::nmp_side(12.8, dram.organization.access_bytes());
    for (const RefreshKind refresh : {RefreshKind::all_bank, RefreshKind::per_bank}) {
      ControllerConfig controller;
      controller.refresh = refresh;
      // A system refuses refresh in turns beside PEs that reach several ranks or pseudo channels at once.
      const bool pes = refresh == RefreshKind::all_bank || dram.organization.all_ranks() == 1;
      test::CoreRun run(dram, controller, pes ? &nmp : nullptr, {}, timing_rules(dram));
      test::random_work(run, 3, 12, dram.organization, pes);
      EXPECT_EQ(run.checker.violations(), 0) << name << "\n" << test::describe(run.checker);
    }
    test::CoreRun stream(dram, ControllerConfig(), nullptr, {}, timing_rules(dram));
    const DramOrganization& shape = dram.organization;
    stream.host(test::extent_of(0, shape.banks(), 0, 4 * shape.page_bytes()), false);
    stream.to_end();
    const ChannelCounts& counts = stream.core.counts(0);
    EXPECT_EQ(counts.reads * shape.access_bytes(), 4LL * shape.page_bytes() * shape.banks()) << name;
    EXPECT_EQ(stream.checker.violations(), 0) << name << "\n" << test::describe(stream.checker);
    ++parts;
  }
  EXPECT_GE(parts, 10);
}

}  // namespace
}  // namespace bondsim
