#include <gtest/gtest.h>
#include <sqlite3.h>

#include <algorithm>
#include <random>

#include "tests/support/command.hpp"

namespace bondsim {
namespace {

std::string space_file(const test::ScratchDirectory& scratch) {
  const std::string configs = std::string(BONDSIM_SOURCE_DIR) + "/configs/";
  return scratch.write("space.yaml", "schema: bondsim.space/1\nname: t\nsystem: " + configs +
                                         "system/h2llm.yaml\nworkloads:\n  - {model: " + configs +
                                         "model/opt-6.7b.yaml, workload: " + configs +
                                         "workload/humaneval.yaml}\nobjectives: [latency_s, energy_j, pe_area_mm2]\n"
                                         "search: {method: nsga2, population: 64, generations: 12, seed: 5}\nparameters:\n"
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
  const test::CommandResult undisturbed = test::bondsim_command("dse " + space + " -j 2 --out " + scratch.file("whole"));
  ASSERT_EQ(undisturbed.status, 0) << undisturbed.output;
  const std::string disturbed = " -j 2 --out " + scratch.file("parts");
  std::mt19937 random(11);
  int kills = 0;
  for (bool first = true;; first = false) {
    // A later kill each time, so that the end is reached however slow the machine is.
    const double after_s = undisturbed.seconds * (0.02 + 0.03 * kills) * (0.5 + static_cast<double>(random() % 1000) / 1000);
    const std::string store = scratch.file("parts") + "/search.sqlite";
    const bool resume = !first && std::filesystem::exists(store);
    const std::string command = "cd '" + std::string(BONDSIM_SOURCE_DIR) + "' && timeout -s KILL " + std::to_string(after_s) + " '" +
                                std::string(BONDSIM_BINARY) + "' dse " + space + disturbed + (resume ? " --resume" : "") + " > " +
                                scratch.file("log") + " 2>&1";
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

TEST(Dse, store_of_another_search_is_refused) {
  const test::ScratchDirectory scratch;
  const std::string rows = "dse --fixed tests/data/dse_best.csv " + std::string("configs/space/h2llm.yaml --out ") + scratch.file("x");
  EXPECT_EQ(test::bondsim_command(rows).status, 2);
  EXPECT_EQ(test::bondsim_command("dse configs/system/h2llm.yaml --out " + scratch.file("x")).status, 2);
  EXPECT_EQ(test::bondsim_command("dse configs/space/h2llm.yaml --tier cycles --out " + scratch.file("x")).status, 2);
}

}  // namespace
}  // namespace bondsim
