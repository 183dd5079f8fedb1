#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "models/base/csv_table.hpp"
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

/// Cells of a printed line of choices: names in 40 and 28 characters, then numbers.
std::vector<std::string> printed_cells(const std::string& line) {
  std::vector<std::string> cells;
  std::size_t at = 1;
  for (const std::size_t width : {41, 29, 6, 7, 8, 11, 11}) {
    const std::string cell = at < line.size() ? line.substr(at, width) : "";
    const std::size_t first = cell.find_first_not_of(' '), last = cell.find_last_not_of(' ');
    cells.push_back(first == std::string::npos ? "" : cell.substr(first, last + 1 - first));
    at += width;
  }
  return cells;
}

/// With drafts: what is printed is what is written, and a run of the best choice takes as long for a round as was simulated.
TEST(Dataflows, with_drafts_the_table_the_files_and_a_run_of_the_best_agree) {
  const std::string experiment =
      "configs/experiment/speculation-llama3-8b-first-layers.yaml --set model.hidden=1024 --set model.intermediate=2048 "
      "--set model.query_heads=8 --set model.kv_heads=2 --set model.layers=3 --set model.vocab=512 --set workload.speculation.layers=1 "
      "--set workload.prompt_tokens=16 --set workload.generated_tokens=20 ";
  const ScratchDirectory scratch;
  const CommandResult found = bondsim_command("dataflows " + experiment + "--confirm 1 --out " + scratch.file("d"));
  ASSERT_EQ(found.status, 0) << found.output;
  const CsvTable csv = CsvTable::load(scratch.file("d/speculations.csv"));
  std::istringstream printed(found.output);
  std::string line;
  std::getline(printed, line);
  EXPECT_EQ(line, std::to_string(csv.rows()) + " combinations of dataflows, depth and width, ms of an accepted token");
  std::getline(printed, line);
  std::size_t row = 0;
  const auto ms = [&](const char* column) {
    return csv.has(row, column) ? fmt::format("{:.4f}", 1e3 * csv.number(row, column, 0, 1e9)) : "";
  };
  for (; std::getline(printed, line) && line.rfind("written to ", 0) != 0; ++row) {
    EXPECT_EQ(csv.text(row, "width") == "plain", csv.text(row, "depth") == "0") << line;
    EXPECT_EQ(printed_cells(line),
              (std::vector<std::string>{csv.text(row, "dataflow"), csv.text(row, "draft_dataflow"), csv.text(row, "depth"),
                                        csv.text(row, "width"), fmt::format("{:.3f}", csv.number(row, "tokens_per_verification", 1, 100)),
                                        ms("estimated_token_s"), ms("simulated_token_s")}));
  }
  EXPECT_EQ(row, 12U);
  EXPECT_EQ(line, "written to " + scratch.file("d") + ": best.yaml, speculations.csv");
  const std::string best = scratch.file("d/best.yaml");
  EXPECT_EQ(decode_dataflow(load_yaml_file(best)).name, csv.text(0, "dataflow"));
  const double token_s = csv.number(0, "simulated_token_s", 1e-9, 1);
  EXPECT_NE(file_text(best).find(fmt::format("# The fastest of {} choices of dataflows, depth and width of Llama-3-8B on h2llm, by cycles: "
                                             "{:.6g} s a token.\n",
                                             csv.rows(), token_s)),
            std::string::npos)
      << file_text(best);
  std::string width = csv.text(0, "width") == "chain" ? "1" : csv.text(0, "width");
  std::replace(width.begin(), width.end(), ' ', ',');
  const std::string run = experiment + "--dataflow " + best + " --set workload.speculation.depth=" + csv.text(0, "depth") +
                          " --set workload.speculation.width=[" + width + "]";
  const CommandResult ran = bondsim_command("run " + run + " --out " + scratch.file("r"));
  ASSERT_EQ(ran.status, 0) << ran.output;
  const auto results = nlohmann::json::parse(file_text(scratch.file("r/results.json")));
  const auto& speculation = results["speculation"];
  const double tokens = csv.number(0, "tokens_per_verification", 1, 100);
  EXPECT_NEAR(speculation["expected_tokens"].get<double>(), tokens, 1e-6);
  const double round_s = results["latency_s"]["decode"].get<double>() / speculation["rounds"].get<double>();
  EXPECT_NEAR(token_s * tokens / round_s, 1, 0.05) << ran.output;
}

}  // namespace
}  // namespace bondsim::test
