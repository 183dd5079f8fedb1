#include <gtest/gtest.h>
#include <signal.h>
#include <sqlite3.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>

#include "models/base/csv_table.hpp"
#include "tests/support/command.hpp"
#include "tests/support/paths.hpp"

namespace bondsim {
namespace {

std::string space_file(const test::ScratchDirectory& scratch, int generations = 12) {
  const std::string configs = bondsim::tests::source_dir() + "/configs/";
  return scratch.write("space.yaml", "schema: bondsim.space/1\nname: t\nsystem: " + configs +
                                         "system/h2llm.yaml\nworkloads:\n  - {model: " + configs +
                                         "model/opt-6.7b.yaml, workload: " + configs +
                                         "workload/humaneval.yaml}\nobjectives: [latency_s, energy_j, pe_area_mm2]\n"
                                         "search: {method: nsga2, population: 64, generations: " +
                                         std::to_string(generations) +
                                         ", seed: 5}\nparameters:\n"
                                         "  - {keys: [channels.nmp, channels.normal], rows: [[4, 4], [5, 3], [6, 2], [7, 1]]}\n"
                                         "  - {key: nmp.pe.fpus, values: [1, 2, 4, 8]}\n"
                                         "  - {key: nmp.pe.clock_mhz, range: {from: 400, to: 1000, step: 50}}\n"
                                         "  - {key: nmp.input_buffer_kib, range: {from: 4, to: 128, factor: 2}}\n");
}

/// Rows of a query, one a line.
std::string sql(const std::string& file, const char* query) {
  std::string text;
  sqlite3* database = nullptr;
  char* error = nullptr;
  const auto append = [](void* out, int columns, char** values, char**) {
    for (int i = 0; i < columns; ++i) *static_cast<std::string*>(out) += std::string(values[i]) + "\n";
    return 0;
  };
  if (sqlite3_open(file.c_str(), &database) != SQLITE_OK || sqlite3_busy_timeout(database, 10000) != SQLITE_OK ||
      sqlite3_exec(database, query, append, &text, &error) != SQLITE_OK) {
    text += std::string("error: ") + sqlite3_errmsg(database);
  }
  sqlite3_free(error);
  sqlite3_close(database);
  return text;
}

TEST(Dse, killed_at_random_moments_and_resumed_ends_as_if_undisturbed) {
  const test::ScratchDirectory scratch;
  const std::string space = space_file(scratch);
  const test::CommandResult undisturbed =
      test::bondsim_command("dse --form h2llm-roofline " + space + " -j 2 --out " + scratch.file("whole"));
  ASSERT_EQ(undisturbed.status, 0) << undisturbed.output;
  const std::string disturbed = " -j 2 --out " + scratch.file("parts");
  std::mt19937 random(11);
  int kills = 0;
  for (bool first = true;; first = false) {
    // A later kill each time, so that the end is reached however slow the machine is.
    const double after_s = undisturbed.seconds * (0.02 + 0.03 * kills) * (0.5 + static_cast<double>(random() % 1000) / 1000);
    const std::string store = scratch.file("parts") + "/search.sqlite";
    const bool resume = !first && std::filesystem::exists(store);
    const std::string command = "cd '" + bondsim::tests::source_dir() + "' && timeout -s KILL " + std::to_string(after_s) + " '" +
                                bondsim::tests::binary() + "' dse --form h2llm-roofline " + space + disturbed +
                                (resume ? " --resume" : "") + " > " + scratch.file("log") + " 2>&1";
    const int status = std::system(command.c_str());
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) break;
    ASSERT_TRUE(!WIFEXITED(status) || WEXITSTATUS(status) == 137) << test::file_text(scratch.file("log"));
    if (std::filesystem::exists(store)) {
      ASSERT_EQ(sql(store, "pragma integrity_check"), "ok\n");
    }
    ++kills;
  }
  EXPECT_GE(kills, 5);
  EXPECT_EQ(test::file_text(scratch.file("parts") + "/front.csv"), test::file_text(scratch.file("whole") + "/front.csv"));
  const char* all = "select candidate, tier, metrics from evaluation order by candidate";
  EXPECT_EQ(sql(scratch.file("parts") + "/search.sqlite", all), sql(scratch.file("whole") + "/search.sqlite", all));
}

/// A model so small that a device simulates in a blink.
std::string small_space(const test::ScratchDirectory& scratch, const std::string& search) {
  scratch.write("model.yaml",
                "schema: bondsim.model/1\nname: small\nlayers: 2\nhidden: 256\nintermediate: 512\nquery_heads: 4\nkv_heads: 2\n"
                "head_dim: 64\nvocab: 1000\nmax_context: 2048\ngated_ffn: true\nactivation: silu\nnorm: rms_norm\nposition: rotary\n");
  scratch.write("workload.yaml", "schema: bondsim.workload/1\nname: short\nprompt_tokens: 8\ngenerated_tokens: 6\n");
  return scratch.write("small.yaml", "schema: bondsim.space/1\nname: t\nsystem: " + bondsim::tests::source_dir() +
                                         "/configs/system/h2llm.yaml\nworkloads:\n  - {model: model.yaml, workload: workload.yaml}\n"
                                         "objectives: [latency_s, energy_j, pe_area_mm2]\nsearch: " +
                                         search +
                                         "\ncycles: {decode_samples: 2, confirm_best: 3, confirm_front: 5}\nparameters:\n"
                                         "  - {keys: [channels.nmp, channels.normal], rows: [[2, 2], [3, 1], [4, 0]]}\n"
                                         "  - {key: nmp.pe.fpus, values: [1, 8]}\n"
                                         "  - {key: nmp.input_buffer_kib, values: [4, 32]}\n");
}

const char* const all_evaluations = "select candidate, tier, metrics from evaluation order by candidate, tier";

TEST(DseCycles, confirmation_killed_at_random_moments_and_resumed_ends_as_if_undisturbed) {
  const test::ScratchDirectory scratch;
  const std::string space = small_space(scratch, "{method: exhaustive}");
  const auto run = [&](const std::string& rest) {
    return test::bondsim_command("dse --form h2llm-roofline " + space + " --tier both -j 2 --out " + rest);
  };
  const test::CommandResult whole = run(scratch.file("whole"));
  ASSERT_EQ(whole.status, 0) << whole.output;
  EXPECT_NE(whole.output.find("Kendall tau"), std::string::npos) << whole.output;
  const std::string store = scratch.file("parts") + "/search.sqlite";
  int kills = 0;
  for (int round = 1; round < 40; ++round) {
    const bool resume = std::filesystem::exists(store);
    const double after_s = whole.seconds * 0.06 * round;
    const std::string command = "cd '" + bondsim::tests::source_dir() + "' && timeout -s KILL " + std::to_string(after_s) + " '" +
                                bondsim::tests::binary() + "' dse --form h2llm-roofline " + space + " --tier both -j 2 --out " +
                                scratch.file("parts") + (resume ? " --resume" : "") + " > " + scratch.file("log") + " 2>&1";
    const int status = std::system(command.c_str());
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) break;
    ASSERT_TRUE(!WIFEXITED(status) || WEXITSTATUS(status) == 137) << test::file_text(scratch.file("log"));
    ++kills;
  }
  EXPECT_GE(kills, 2);
  for (const char* file : {"/front.csv", "/analytical_front.csv", "/confirmed.csv", "/dataflows/row-1-workload-1.yaml"}) {
    EXPECT_EQ(test::file_text(scratch.file("parts") + file), test::file_text(scratch.file("whole") + file)) << file;
    EXPECT_NE(test::file_text(scratch.file("whole") + file), "") << file;
  }
  EXPECT_EQ(sql(store, all_evaluations), sql(scratch.file("whole") + "/search.sqlite", all_evaluations));
  const std::string front = "select value from search where key = 'front'";
  EXPECT_EQ(sql(store, front.c_str()), sql(store, "select 'cycle ' || count(*) from evaluation where tier = 'cycle'"));
  const std::string noted = "select metric, candidates from agreement where tier_a = 'analytical' and metric = 'latency_s'";
  EXPECT_EQ(sql(store, noted.c_str()).rfind("latency_s\n", 0), 0u) << sql(store, noted.c_str());
}

/// The cycle tier, sampled, gives the figures of a whole run of the device.
TEST(DseCycles, a_search_by_cycles_gives_the_latency_of_a_run_with_the_same_dataflow) {
  const test::ScratchDirectory scratch;
  const std::string space = small_space(scratch, "{method: exhaustive}");
  const auto found = test::bondsim_command("dse --form h2llm-roofline " + space + " --tier cycle --out " + scratch.file("cycle"));
  ASSERT_EQ(found.status, 0) << found.output;
  EXPECT_EQ(sql(scratch.file("cycle") + "/search.sqlite", "select count(*) from evaluation where tier = 'cycle'"), "12\n");
  // Row 1 of the front as a run of its own, all decode steps.
  const CsvTable front = CsvTable::load(scratch.file("cycle") + "/front.csv");
  const std::string sets = " --set system.channels.nmp=" + front.text(0, "channels.nmp") +
                           " --set system.channels.normal=" + front.text(0, "channels.normal") +
                           " --set system.nmp.pe.fpus=" + front.text(0, "nmp.pe.fpus") +
                           " --set system.nmp.input_buffer_kib=" + front.text(0, "nmp.input_buffer_kib");
  const auto run = test::bondsim_command("run configs/system/h2llm.yaml --model " + scratch.file("model.yaml") + " --workload " +
                                         scratch.file("workload.yaml") + " --dataflow " + scratch.file("cycle") +
                                         "/dataflows/row-1-workload-1.yaml" + sets + " --out " + scratch.file("run"));
  ASSERT_EQ(run.status, 0) << run.output;
  const auto results = nlohmann::json::parse(test::file_text(scratch.file("run") + "/results.json"));
  EXPECT_NEAR(front.number(0, "latency_s", 0, 1) / results.at("latency_s").at("total").get<double>(), 1, 0.02);
}

/// mpirun on this host. Open MPI keeps memory until the process ends: what a leak sanitizer would say of ranks is not about bondsim.
const std::string rank_start =
    "cd '" + bondsim::tests::source_dir() + "' && ASAN_OPTIONS=detect_leaks=0 mpirun --oversubscribe --allow-run-as-root ";

/// Ranks of an MPI job find what one process finds; without mpirun there is nothing to try.
TEST(DseRanks, one_two_and_four_ranks_find_the_same_front) {
  if (std::system("command -v mpirun > /dev/null 2>&1") != 0) GTEST_SKIP() << "no mpirun";
  const test::ScratchDirectory scratch;
  const std::string space = small_space(scratch, "{method: nsga2, population: 8, generations: 2, seed: 4}");
  const auto alone = test::bondsim_command("dse --form h2llm-roofline " + space + " --tier both -j 1 --out " + scratch.file("alone"));
  ASSERT_EQ(alone.status, 0) << alone.output;
  for (const int ranks : {1, 2, 4}) {
    const std::string out = scratch.file("ranks-" + std::to_string(ranks));
    const std::string command = rank_start + "-n " + std::to_string(ranks) + " '" + bondsim::tests::binary() +
                                "' dse --form h2llm-roofline " + space + " --tier both --out " + out + " > " + scratch.file("log") +
                                " 2>&1";
    ASSERT_EQ(std::system(command.c_str()), 0) << test::file_text(scratch.file("log"));
    EXPECT_EQ(test::file_text(out + "/front.csv"), test::file_text(scratch.file("alone") + "/front.csv")) << ranks;
    EXPECT_EQ(sql(out + "/search.sqlite", all_evaluations), sql(scratch.file("alone") + "/search.sqlite", all_evaluations)) << ranks;
  }
}

/// Processes whose command line has `text`, by how many ancestors of theirs have it too.
std::map<int, std::vector<pid_t>> processes_with(const std::string& text) {
  std::map<pid_t, pid_t> parents;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    if (test::file_text(entry.path().string() + "/cmdline").find(text) == std::string::npos) continue;
    const std::string stat = test::file_text(entry.path().string() + "/stat");
    const std::size_t after_name = stat.rfind(')');
    if (after_name != std::string::npos) parents[std::stoi(name)] = std::stoi(stat.substr(after_name + 4));
  }
  std::map<int, std::vector<pid_t>> by_depth;
  for (const auto& entry : parents) {
    int depth = 0;
    for (auto at = parents.find(entry.second); at != parents.end(); at = parents.find(at->second)) ++depth;
    by_depth[depth].push_back(entry.first);
  }
  return by_depth;
}

/// Of two ranks, one loses a worker (from the bottom: 0) or the process that leads its workers (1) while they search.
void lose_a_process_of_a_rank(int from_bottom, const std::string& report) {
  if (std::system("command -v mpirun > /dev/null 2>&1") != 0) GTEST_SKIP() << "no mpirun";
  const test::ScratchDirectory scratch;
  const std::string space = space_file(scratch, 3);
  const std::string out = scratch.file("ranks");
  int status = -1;
  std::thread job([&] {
    const std::string command = rank_start + "-n 2 '" + bondsim::tests::binary() + "' dse --form h2llm-roofline " + space + " --out " +
                                out + " > " + scratch.file("log") + " 2>&1";
    status = std::system(command.c_str());
  });
  bool killed = false;
  // mpirun, two ranks, a leader each and a worker each; the search has begun when its store is there.
  for (int i = 0; i < 20000 && !killed; ++i) {
    const auto processes = processes_with(out);
    const bool complete = processes.size() >= 4 && processes.rbegin()->second.size() == 2;
    if (complete && std::filesystem::exists(out + "/search.sqlite")) {
      killed = ::kill(std::next(processes.rbegin(), from_bottom)->second.back(), SIGKILL) == 0;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  job.join();
  EXPECT_TRUE(killed);
  EXPECT_EQ(status, 0) << test::file_text(scratch.file("log"));
  EXPECT_NE(test::file_text(scratch.file("log")).find(report), std::string::npos) << test::file_text(scratch.file("log"));
  const auto alone = test::bondsim_command("dse --form h2llm-roofline " + space + " -j 2 --out " + scratch.file("alone"));
  ASSERT_EQ(alone.status, 0) << alone.output;
  EXPECT_EQ(test::file_text(out + "/front.csv"), test::file_text(scratch.file("alone") + "/front.csv"));
}

TEST(DseRanks, a_worker_that_dies_in_a_rank_is_reported_and_nothing_is_lost) { lose_a_process_of_a_rank(0, "ended with signal 9"); }

TEST(DseRanks, a_rank_whose_leader_of_workers_dies_leaves_its_work_to_the_others) {
  lose_a_process_of_a_rank(1, "the process that leads its workers ended with signal 9");
}

TEST(Dse, store_of_another_search_is_refused) {
  const test::ScratchDirectory scratch;
  const std::string rows = "dse --fixed tests/data/dse_best.csv " + std::string("configs/space/h2llm.yaml --out ") + scratch.file("x");
  EXPECT_EQ(test::bondsim_command(rows).status, 2);
  EXPECT_EQ(test::bondsim_command("dse configs/system/h2llm.yaml --out " + scratch.file("x")).status, 2);
  EXPECT_EQ(test::bondsim_command("dse configs/space/h2llm.yaml --tier cycles --out " + scratch.file("x")).status, 2);
}

}  // namespace
}  // namespace bondsim
