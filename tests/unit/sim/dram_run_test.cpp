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

System one_channel() { return tools::load_system(bondsim::tests::source_dir() + "/configs/system/lpddr5-8gb-channel.yaml", {}); }

/// dram.json, and in "said" the lines for the terminal.
nlohmann::json run_of(const System& system, const std::vector<ListedRequest>& requests = reads_of_known_latency()) {
  return nlohmann::json::parse(test::in_own_process([&] {
    const DramRunResult r = run_dram(system, 0, requests, nullptr);
    auto json = nlohmann::json::parse(dram_json(r));
    json["said"] = dram_summary(r);
    return json.dump();
  }));
}

TEST(DramRun, latencies_are_those_of_reads_alone_by_nearest_rank) {
  System system = one_channel();
  system.fidelity.refresh = false;
  const auto figures = run_of(system);
  EXPECT_EQ(figures["row_misses"], 1);
  EXPECT_EQ(figures["row_conflicts"], 97 + 2 + 1);
  EXPECT_EQ(figures["reads"], 200);
  EXPECT_EQ(figures["writes"], 1);
  const auto& latency = figures["read_latency_ns"];
  EXPECT_EQ(latency["p50"], hit_ns) << "rank 100 of 200";
  EXPECT_EQ(latency["p99"], conflict_ns) << "rank 198 of 200; the two above take 0.75 ns more";
  EXPECT_NEAR(latency["mean"].get<double>(), (100 * hit_ns + miss_ns + 97 * conflict_ns + 2 * (conflict_ns + 0.75)) / 200, 1e-9);
  const auto said = figures["said"].get<std::string>();
  EXPECT_NE(said.find("\nread latency mean 43.66 ns, p50 25.00 ns, p99 62.50 ns\n"), std::string::npos) << said;
}

/// Requests alone: what a channel has is data, the rest of their latencies, and nothing to do. The write's data end nRP, nRCD, CAS, nCWL 9
/// and a burst after it comes.
TEST(DramRun, time_is_data_rows_and_nothing_and_bandwidth_is_bytes_over_all_of_it) {
  System system = one_channel();
  system.fidelity.refresh = false;
  const auto figures = run_of(system);
  const double write_ns = (15 + 15 + 1 + 9 + 2) * 1.25, end_ns = 201 * 200 + write_ns, data_ns = 201 * 2.5;
  const double waits_ns = 100 * hit_ns + miss_ns + 97 * conflict_ns + 2 * (conflict_ns + 0.75) + write_ns;
  EXPECT_EQ(figures["time_ns"], end_ns);
  EXPECT_EQ(figures["accepted_ns"], 201 * 200);
  EXPECT_EQ(figures["times_ns"]["data"], data_ns);
  EXPECT_NEAR(figures["times_ns"]["row"].get<double>(), waits_ns - data_ns, 1e-9);
  EXPECT_EQ(figures["times_ns"]["refresh"], 0);
  EXPECT_NEAR(figures["times_ns"]["free"].get<double>(), end_ns - waits_ns, 1e-9);
  EXPECT_NEAR(figures["bandwidth_gbps"].get<double>(), 201 * 32 / end_ns, 1e-12);
  EXPECT_EQ(figures["peak_gbps"], 12.8) << "16 pins at 6.4 Gb/s";
  EXPECT_NEAR(figures["share_of_peak"].get<double>(), 201 * 32 / end_ns / 12.8, 1e-12);
}

/// Plain prices: 201 bursts of 256 bit, ten refreshes (40.25 us at 3.906 us) of 32768 x 16 / 8192 rows, 101 rows opened for requests and
/// five again because a refresh had closed them; earlier refreshes closed rows that the next request would have closed.
TEST(DramRun, energy_is_the_commands_at_their_prices) {
  System system = one_channel();
  system.energy = EnergyTable();
  system.energy.activate = {1000, "pJ", "", "", Confidence::paper};
  system.energy.array_host = {2, "pJ/bit", "", "", Confidence::estimate};
  system.energy.refresh_row = {5, "pJ", "", "", Confidence::paper};
  system.energy.background = {10, "mW", "", "", Confidence::paper};
  system.energy.offchip_io = {3, "pJ/bit", "", "", Confidence::paper};
  const auto figures = run_of(system);
  const auto& pj = figures["energy_pj"];
  const double act = 106 * 1000, rd = 200 * 256 * 2, wr = 256 * 2, ref = 10 * 64 * 5, background = 40252.5 * 10, io = 201 * 256 * 3;
  const double total = act + rd + wr + ref + background + io;
  EXPECT_EQ(figures["commands"]["ACT"], 106);
  EXPECT_EQ(figures["refreshes"], 10);
  EXPECT_NEAR(pj["ACT"].get<double>(), act, 1e-3);
  EXPECT_NEAR(pj["RD"].get<double>(), rd, 1e-3);
  EXPECT_NEAR(pj["WR"].get<double>(), wr, 1e-3);
  EXPECT_NEAR(pj["REF"].get<double>(), ref, 1e-3);
  EXPECT_NEAR(pj["background"].get<double>(), background, 1e-3);
  EXPECT_NEAR(pj["IO"].get<double>(), io, 1e-3);
  EXPECT_NEAR(pj["total"].get<double>(), total, 1e-3);
  EXPECT_NEAR(pj["share_on_estimates"].get<double>(), (rd + wr) / total, 1e-9);
  const std::string line = "energy      0.769 uJ: ACT 13.8 % RD 13.3 % WR 0.1 % REF 0.4 % background 52.3 % IO 20.1 % (13 % of it rests";
  EXPECT_NE(figures["said"].get<std::string>().find(line), std::string::npos) << figures["said"];
}

/// The channel is a die: IDD2N of its rails takes 36.825 mW, IDD3N 10.515 mW more while a row is open. One is from the first ACT on, but
/// for nRP before each of 100 others.
TEST(DramRun, background_is_standby_and_more_while_a_row_is_open) {
  System system = one_channel();
  system.fidelity.refresh = false;
  const double open_ns = 40252.5 - 200 - 100 * 18.75;
  const double background = 36.825 * 40252.5 + 10.515 * open_ns;
  EXPECT_NEAR(run_of(system)["energy_pj"]["background"].get<double>(), background, 1e-6 * background);
}

/// The page policy closes each row, that of the last read nRTP (8 CK) after its RD and before its data have come.
TEST(DramRun, commands_are_those_of_requests_and_of_the_page_policy) {
  System system = one_channel();
  system.fidelity.refresh = false;
  system.controller.page_policy = PagePolicy::closed;
  auto reads = reads_of_known_latency();
  reads.pop_back();
  const auto figures = run_of(system, reads);
  EXPECT_EQ(figures["row_misses"], 200);
  EXPECT_EQ(figures["commands"]["ACT"], 200);
  EXPECT_EQ(figures["commands"]["PRE"], 200);
  EXPECT_NEAR(figures["read_latency_ns"]["mean"].get<double>(), (198 * miss_ns + 2 * (miss_ns + 0.75)) / 200, 1e-9);
}

}  // namespace
}  // namespace bondsim
