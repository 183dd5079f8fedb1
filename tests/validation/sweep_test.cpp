#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "models/base/csv_table.hpp"
#include "tests/support/command.hpp"

namespace bondsim::test {
namespace {

const std::string experiment = "configs/experiment/h2llm-llama3-8b-sharegpt.yaml --workload ";

std::string short_workload(const ScratchDirectory& scratch) {
  return scratch.write("w.yaml", "schema: bondsim.workload/1\nname: short\nprompt_tokens: 8\ngenerated_tokens: 2\n");
}

TEST(Sweep, rows_are_the_runs_to_the_last_digit) {
  const ScratchDirectory scratch;
  const std::string what = experiment + short_workload(scratch);
  const auto sweep =
      bondsim_command("sweep " + what + " --set system.nmp.pe.fpus=4,8 --set workload.batch=1,2 -j 2 --out " + scratch.file("s"));
  ASSERT_EQ(sweep.status, 0) << sweep.output;
  const CsvTable table = CsvTable::load(scratch.file("s/sweep.csv"));
  ASSERT_EQ(table.rows(), 4u);
  EXPECT_FALSE(std::filesystem::exists(scratch.file("s.answers")));
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const auto run = bondsim_command("run " + what + " --json --set system.nmp.pe.fpus=" + table.text(row, "system.nmp.pe.fpus") +
                                     " --set workload.batch=" + table.text(row, "workload.batch"));
    ASSERT_EQ(run.status, 0) << run.output;
    const auto json = nlohmann::json::parse(run.output);
    EXPECT_EQ(table.number(row, "total_s", 0, 1e3), json["latency_s"]["total"].get<double>());
    EXPECT_EQ(table.number(row, "decode_tokens_per_s", 0, 1e9), json["phases"]["decode"]["tokens_per_s"].get<double>());
    EXPECT_EQ(table.number(row, "energy_hb_io_j", 0, 1e9), json["energy_j"]["components"]["hb_io"].get<double>());
  }
}

TEST(Sweep, goes_on_from_its_answers_and_ends_with_the_same_table) {
  const ScratchDirectory scratch;
  const std::string command = "sweep " + experiment + short_workload(scratch) + " --set workload.batch=1,2,3,4 -j 1 --out ";
  const auto whole = bondsim_command(command + scratch.file("whole"));
  ASSERT_EQ(whole.status, 0) << whole.output;
  // Killed when the first answer is there.
  const std::string line = "cd '" + bondsim::tests::source_dir() + "' && ('" + bondsim::tests::binary() + "' " + command +
                           scratch.file("parts") + " > /dev/null 2>&1 & pid=$!; until [ $(cat " + scratch.file("parts.answers") +
                           " 2>/dev/null | wc -l) -ge 2 ] || ! kill -0 $pid; do sleep 0.01; done; kill -KILL $pid; wait $pid 2>/dev/null)";
  const int status = std::system(("{ " + line + "; } 2>/dev/null").c_str());
  EXPECT_NE(status, -1);
  EXPECT_FALSE(std::filesystem::exists(scratch.file("parts/sweep.csv")));
  EXPECT_TRUE(std::filesystem::exists(scratch.file("parts.answers")));
  const auto rest = bondsim_command(command + scratch.file("parts"));
  ASSERT_EQ(rest.status, 0) << rest.output;
  EXPECT_EQ(file_text(scratch.file("parts/sweep.csv")), file_text(scratch.file("whole/sweep.csv")));
}

TEST(Sweep, an_infeasible_point_is_a_row_with_its_problem_and_a_wrong_value_an_error_before_any_run) {
  const ScratchDirectory scratch;
  const std::string what = experiment + short_workload(scratch);
  const auto sweep = bondsim_command(
      "sweep " + what + " --dataflow all_on_pes --set system.channels.nmp=1,6 --set system.channels.normal=0 --out " + scratch.file("s"));
  ASSERT_EQ(sweep.status, 0) << sweep.output;
  const CsvTable table = CsvTable::load(scratch.file("s/sweep.csv"));
  EXPECT_TRUE(table.has(0, "problem"));
  EXPECT_FALSE(table.has(0, "total_s"));
  EXPECT_FALSE(table.has(1, "problem"));
  const auto wrong = bondsim_command("sweep " + what + " --set system.nmp.pe.fpus=4,0 --out " + scratch.file("t"));
  EXPECT_EQ(wrong.status, 2) << wrong.output;
  EXPECT_FALSE(std::filesystem::exists(scratch.file("t")));
}

}  // namespace
}  // namespace bondsim::test
