#include "sim/dram_run.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/own_process.hpp"
#include "tests/support/paths.hpp"
#include "tools/app/experiment/experiment.hpp"

namespace bondsim {
namespace {

/// A read that finds the channel idle: CAS starts WCK, RD follows, data ends nCL and a burst later, (1 + 17 + 2) CK of 1.25 ns. A closed
/// row takes nRCD (15 CK) more, and nRP (15 CK) beside it where another one is open.
constexpr double hit_ns = 25, miss_ns = 43.75, conflict_ns = 62.5;

ListedRequest request(std::int64_t at_ps, int row, bool write = false) {
  ListedRequest r;
  r.arrival = Picoseconds(at_ps);
  r.at = {0, row, 0};
  r.write = write;
  return r;
}

/// One read alone at a time, of one bank: a miss, 97 conflicts, 100 hits, and 2 conflicts that come 0.5 ns after an edge and wait for the
/// next. Last a write, which is no read.
std::vector<ListedRequest> reads_of_known_latency() {
  std::vector<ListedRequest> list;
  const auto add = [&](std::int64_t after_edge_ps, int row, bool write = false) {
    list.push_back(request((static_cast<std::int64_t>(list.size()) + 1) * 200'000 + after_edge_ps, row, write));
  };
  for (int i = 0; i < 98; ++i) add(0, i % 2);
  for (int i = 0; i < 2; ++i) add(500, i % 2);
  for (int i = 0; i < 100; ++i) add(0, 1);
  add(0, 7, true);
  return list;
}

TEST(DramRun, latencies_are_those_of_reads_alone_by_nearest_rank) {
  System system = tools::load_system(bondsim::tests::source_dir() + "/configs/system/lpddr5-8gb-channel.yaml", {});
  system.fidelity.refresh = false;
  const std::string said = test::in_own_process([&] {
    const DramRunResult r = run_dram(system, 0, reads_of_known_latency(), nullptr);
    return dram_json(r) + dram_summary(r);
  });
  const std::size_t json_end = said.find("\n}\n") + 2;
  const auto figures = nlohmann::json::parse(said.substr(0, json_end));
  EXPECT_EQ(figures["row_misses"], 1);
  EXPECT_EQ(figures["row_conflicts"], 97 + 2 + 1);
  EXPECT_EQ(figures["reads"], 200);
  EXPECT_EQ(figures["writes"], 1);
  const auto& latency = figures["read_latency_ns"];
  EXPECT_EQ(latency["p50"], hit_ns) << "rank 100 of 200";
  EXPECT_EQ(latency["p99"], conflict_ns) << "rank 198 of 200; the two above take 0.75 ns more";
  EXPECT_NEAR(latency["mean"].get<double>(), (100 * hit_ns + miss_ns + 97 * conflict_ns + 2 * (conflict_ns + 0.75)) / 200, 1e-9);
  EXPECT_NE(said.find("\nread latency mean 43.66 ns, p50 25.00 ns, p99 62.50 ns\n"), std::string::npos) << said;
}

}  // namespace
}  // namespace bondsim
