#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/support/command.hpp"
#include "tests/support/inputs.hpp"

/// The command that ranks dataflows, against runs of the dataflows it ranks.
namespace bondsim::test {
namespace {

/// Lines of a table by its first column.
std::map<std::string, std::vector<std::string>> csv_rows(const std::string& text) {
  std::map<std::string, std::vector<std::string>> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream cells(line);
    std::vector<std::string> row;
    for (std::string cell; std::getline(cells, cell, ',');) row.push_back(cell);
    if (!row.empty()) rows[row.front()] = row;
  }
  return rows;
}

double total_s(const std::string& arguments, const ScratchDirectory& scratch, int& status) {
  const CommandResult run = bondsim_command("run " + arguments + "--force --out " + scratch.file("r"));
  status = run.status;
  if (run.status != 0) return 0;
  const auto results = nlohmann::json::parse(file_text(scratch.file("r/results.json")));
  return results["latency_s"]["total"].get<double>();
}

/// Its file adapts to the machine, what the search writes does not: as fast is enough.
TEST(Dataflows, the_default_experiment_runs_what_is_recommended) {
  const std::string experiment = "configs/experiment/h2llm-llama3-8b-sharegpt.yaml";
  const ScratchDirectory scratch;
  const CommandResult found = bondsim_command("dataflows " + experiment + " --out " + scratch.file("d"));
  ASSERT_EQ(found.status, 0) << found.output;
  int status = 0;
  const double runs = total_s(experiment + " ", scratch, status);
  const double best = total_s(experiment + " --dataflow " + scratch.file("d/best.yaml") + " ", scratch, status);
  ASSERT_EQ(status, 0);
  EXPECT_LE(runs, 1.001 * best) << found.output;
}

/// Every step is simulated on both sides, so the two have to agree to the last digit of the table.
TEST(Dataflows, winner_is_as_fast_as_every_shipped_file_that_runs_and_slower_than_the_bound) {
  const std::string small =
      "configs/experiment/h2llm-llama3-8b-sharegpt.yaml --set model.hidden=1024 --set model.intermediate=3584 "
      "--set model.query_heads=8 --set model.kv_heads=2 --set model.layers=2 --set model.vocab=4096 "
      "--set workload.prompt_tokens=64 --set workload.generated_tokens=3 ";
  for (const char* batch : {"1", "4", "16"}) {
    const std::string experiment = small + "--set workload.batch=" + batch + " ";
    const ScratchDirectory scratch;
    const CommandResult found = bondsim_command("dataflows " + experiment + "--samples 0 --refine 60 --out " + scratch.file("d"));
    ASSERT_EQ(found.status, 0) << found.output;
    EXPECT_NE(found.output.find("lower bound of the machine"), std::string::npos) << found.output;
    int status = 0;
    const double best = total_s(experiment + "--dataflow " + scratch.file("d/best.yaml") + " ", scratch, status);
    ASSERT_EQ(status, 0);
    int ran = 0;
    for (const auto& file : std::filesystem::directory_iterator(bondsim::tests::source_dir() + "/configs/dataflow")) {
      const double shipped = total_s(experiment + "--dataflow " + file.path().string() + " ", scratch, status);
      if (status != 0) continue;
      ++ran;
      EXPECT_LE(best, shipped * 1.005) << file.path() << "\n" << found.output;
    }
    EXPECT_GE(ran, 6);
    const auto rows = csv_rows(file_text(scratch.file("d/dataflows.csv")));
    int simulated = 0;
    for (const auto& [name, row] : rows) simulated += row.size() >= 10 && row[1] == "shipped" && !row[6].empty();
    EXPECT_EQ(simulated, ran) << "every shipped file that runs is judged by cycles";
    for (const auto& [name, row] : rows) {
      if (name == "dataflow" || row.size() < 10 || row[6].empty()) continue;
      EXPECT_GE(std::stod(row[6]), std::stod(row[8]) + std::stod(row[9])) << name << " beats the bound";
      EXPECT_GE(std::stod(row[6]), best * (1 - 1e-6)) << name << " is faster than the winner";
    }
    EXPECT_EQ(rows.count("data_centric_experts"), 1u) << "what does not run is listed with its reason";
  }
}

}  // namespace
}  // namespace bondsim::test
