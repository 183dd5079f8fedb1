#include <gtest/gtest.h>

#include "tests/support/chrome_trace.hpp"
#include "tests/support/task_trace.hpp"

namespace bondsim::test {
namespace {

const std::string run =
    "run configs/experiment/h2llm-llama3-8b-sharegpt.yaml --dataflow fc_offloading --set workload.prompt_tokens=8 --set "
    "workload.generated_tokens=1"
    " --set model.hidden=256 --set model.vocab=512 --set model.intermediate=256 --trace perfetto,tasks,commands --trace-window "
    "90000:98000 ";

std::string line_with(const std::string& text, const std::string& word) {
  const std::size_t at = text.find(word);
  if (at == std::string::npos) return "";
  const std::size_t begin = text.rfind('\n', at) + 1;
  return text.substr(begin, text.find('\n', at) - begin);
}

std::int64_t lines_with(const std::string& text, const std::string& word) {
  std::int64_t count = 0;
  for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; ++at) ++count;
  return count;
}

TEST(TraceTools, summary_counts_what_the_files_hold) {
  const ScratchDirectory scratch;
  ASSERT_EQ(bondsim_command(run + "--out " + scratch.file("out")).status, 0);
  const std::string commands = file_text(scratch.file("out/nmp.channel0.commands.csv"));
  const auto of_commands = bondsim_command("trace summary " + scratch.file("out/nmp.channel0.commands.csv"));
  ASSERT_EQ(of_commands.status, 0) << of_commands.output;
  for (const std::string command : {"ACT1", "NRD", "REFab", "RD"}) {
    const std::string line = line_with(of_commands.output, "  " + command + " ");
    ASSERT_FALSE(line.empty()) << of_commands.output;
    EXPECT_EQ(std::stoll(line.substr(line.find(command) + command.size())), lines_with(commands, "," + command + ",")) << line;
  }
  const auto of_tasks = bondsim_command("trace summary " + scratch.file("out/nmp.channel0.tasks.csv"));
  const std::string gemms = line_with(of_tasks.output, "  nmp_gemm");
  ASSERT_FALSE(gemms.empty()) << of_tasks.output;
  EXPECT_EQ(std::stoll(gemms.substr(gemms.find("nmp_gemm") + 8)),
            lines_with(file_text(scratch.file("out/nmp.channel0.tasks.csv")), ",nmp_gemm,"));
  const auto of_perfetto = bondsim_command("trace summary " + scratch.file("out/trace.json"));
  const std::string events = file_text(scratch.file("out/trace.json"));
  EXPECT_NE(of_perfetto.output.find(std::to_string(lines_with(events, "\"ph\":\"X\"")) + " slices"), std::string::npos)
      << of_perfetto.output;
  EXPECT_NE(of_perfetto.output.find("systolic arrays"), std::string::npos);
  // The channel that the table shows busiest is the straggler of its kind.
  std::string busiest;
  double most = 0;
  for (int c = 0; c < 6; ++c) {
    const std::string name = "nmp.channel" + std::to_string(c), line = line_with(of_perfetto.output, "  " + name + " ");
    std::istringstream cells(line);
    std::string process, track;
    double slices = 0, busy = 0;
    cells >> process >> track >> slices >> busy;
    ASSERT_EQ(track, "tasks") << line;
    if (busy > most) busiest = name;
    most = std::max(most, busy);
  }
  EXPECT_NE(of_perfetto.output.find("straggler: " + busiest + ", tasks busy"), std::string::npos) << of_perfetto.output;
  const auto wrong = bondsim_command("trace summary configs/system/h2llm.yaml");
  EXPECT_EQ(wrong.status, 2);
  EXPECT_NE(wrong.output.find("h2llm.yaml:1: no trace of bondsim, allowed: a first line '# bondsim.commands/1'"), std::string::npos);
}

TEST(TraceTools, a_slice_holds_what_lies_in_the_window_and_is_a_trace_again) {
  const ScratchDirectory scratch;
  ASSERT_EQ(bondsim_command(run + "--out " + scratch.file("out")).status, 0);
  for (const char* name : {"nmp.channel0.commands.csv", "nmp.channel0.tasks.csv", "trace.json"}) {
    const std::string part = scratch.file(std::string("part-") + name);
    const auto cut = bondsim_command("trace slice " + scratch.file("out/") + name + " --window 92000:96000 --out " + part);
    ASSERT_EQ(cut.status, 0) << cut.output;
    EXPECT_EQ(bondsim_command("trace summary " + part).status, 0);
  }
  std::int64_t in_window = 0;
  std::istringstream in(file_text(scratch.file("out/nmp.channel0.commands.csv")));
  for (std::string line; std::getline(in, line);) {
    in_window += line[0] >= '0' && line[0] <= '9' && std::stoll(line) >= 92'000'000 && std::stoll(line) < 96'000'000 ? 1 : 0;
  }
  const std::string part = file_text(scratch.file("part-nmp.channel0.commands.csv"));
  EXPECT_GT(in_window, 0);
  EXPECT_EQ(lines_with(part, "\n"), in_window + 3);
  EXPECT_NE(part.find("# from_ps 92000000\n"), std::string::npos);
  for (const auto& row : read_task_csv(scratch.file("part-nmp.channel0.tasks.csv"))) {
    EXPECT_LT(number(row, "start_ps"), 96'000'000);
    EXPECT_GE(number(row, "end_ps"), 92'000'000);
  }
  const ChromeTrace events = read_chrome_trace(scratch.file("part-trace.json"));
  EXPECT_FALSE(events.slices.empty());
  for (const auto& slice : events.slices) EXPECT_TRUE(slice.start < 96'000'000 && slice.end >= 92'000'000) << slice.name;
  EXPECT_EQ(events.tails.size(), events.heads.size());
}

TEST(TraceTools, diff_shows_the_first_difference_and_exits_1) {
  const ScratchDirectory scratch;
  ASSERT_EQ(bondsim_command(run + "--out " + scratch.file("a")).status, 0);
  ASSERT_EQ(bondsim_command(run + "--trace-gzip --out " + scratch.file("b")).status, 0);
  const auto same =
      bondsim_command("trace diff " + scratch.file("a/nmp.channel0.commands.csv ") + scratch.file("b/nmp.channel0.commands.csv.gz"));
  EXPECT_EQ(same.status, 0) << same.output;
  EXPECT_EQ(bondsim_command("trace diff " + scratch.file("a/trace.json ") + scratch.file("b/trace.json.gz")).status, 0);
  ASSERT_EQ(bondsim_command(run + "--set system.nmp.mode_change_ns=101 --out " + scratch.file("c")).status, 0);
  const auto other = bondsim_command("trace diff --context 1 " + scratch.file("a/nmp.channel0.commands.csv ") +
                                     scratch.file("c/nmp.channel0.commands.csv"));
  EXPECT_EQ(other.status, 1);
  // The change to NMP mode takes longer; what was issued before is equal.
  EXPECT_NE(other.output.find("MODE_N"), std::string::npos) << other.output;
  EXPECT_NE(other.output.find("\n- "), std::string::npos);
  EXPECT_NE(other.output.find("\n+ "), std::string::npos);
  EXPECT_EQ(bondsim_command("trace diff " + scratch.file("a/trace.json ") + scratch.file("a/npu.tasks.csv")).status, 2);
}

}  // namespace
}  // namespace bondsim::test
