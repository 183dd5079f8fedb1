#include <gtest/gtest.h>

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "tests/support/command.hpp"

namespace bondsim {
namespace {

using test::bondsim_command;
using test::file_text;

const char* const channel = "configs/system/lpddr5-8gb-channel.yaml";

TEST(DramCommand, writes_results_and_a_trace_that_passes_the_checker) {
  const test::ScratchDirectory scratch;
  const std::string out = scratch.file("out");
  const auto run =
      bondsim_command(fmt::format("dram {} --requests traces/mixed.requests --out {} --trace commands --trace-gzip", channel, out));
  ASSERT_EQ(run.status, 0) << run.output;
  const auto json = nlohmann::json::parse(file_text(out + "/dram.json"));
  EXPECT_EQ(json["requests"], 9);
  EXPECT_EQ(json["writes"], 2);
  EXPECT_EQ(json["time_ns"], 2516.25);  // at the first edge from 2500.5 ns on CAS, then WR to an open row: CWL and burst
  EXPECT_EQ(bondsim_command(fmt::format("check-trace {} {}/normal.channel0.commands.csv.gz", channel, out)).status, 0);
}

TEST(DramCommand, a_window_of_a_trace_is_checked_as_far_as_it_can_be) {
  const test::ScratchDirectory scratch;
  std::string requests;
  for (int i = 0; i < 3000; ++i) requests += fmt::format("{} 0x{:x}\n", i % 3 == 0 ? "W" : "R", (i * 7919 % 30011) * 32);
  const std::string out = scratch.file("out");
  const auto run = bondsim_command(fmt::format("dram {} --requests {} --out {} --trace commands --trace-window 3000:9000", channel,
                                               scratch.write("r.txt", requests), out));
  ASSERT_EQ(run.status, 0) << run.output;
  const std::string trace = out + "/normal.channel0.commands.csv";
  const auto good = bondsim_command(fmt::format("check-trace {} {}", channel, trace));
  EXPECT_EQ(good.status, 0) << good.output;
  EXPECT_NE(good.output.find("a window from 3000000 ps on"), std::string::npos) << good.output;
  // A refresh left out for more than nine intervals is seen, counted from the window's begin.
  const auto late = scratch.write("late.csv",
                                  "# bondsim.commands/1\n# from_ps 3000000\ntime_ps,command,bank,row,column,requester\n"
                                  "3000000,ACT1,0,1,,0\n3002500,ACT2,0,1,,0\n60000000,RD,0,1,0,0\n");
  const auto bad = bondsim_command(fmt::format("check-trace {} {}", channel, late));
  EXPECT_EQ(bad.status, 1);
  EXPECT_NE(bad.output.find("tREFI"), std::string::npos) << bad.output;
}

TEST(DramCommand, checker_exits_1_and_names_the_rule) {
  const test::ScratchDirectory scratch;
  const auto trace = scratch.write("t.csv",
                                   "# bondsim.commands/1\ntime_ps,command,bank,row,column,requester\n"
                                   "0,ACT1,0,1,,0\n2500,ACT2,0,1,,0\n17500,RD,0,1,0,0\n");
  const auto result = bondsim_command(fmt::format("check-trace {} {}", channel, trace));
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.output.find("tRCD"), std::string::npos) << result.output;
}

TEST(DramCommand, bad_lines_are_named_with_what_is_allowed) {
  const test::ScratchDirectory scratch;
  const auto error = [&](const std::string& text) {
    const auto result = bondsim_command(fmt::format("dram {} --requests {}", channel, scratch.write("r.txt", text)));
    EXPECT_EQ(result.status, 2) << text;
    return result.output;
  };
  EXPECT_NE(error("R 0x0\nX 0x20\n").find("r.txt:2: 'X' is neither R, W nor an arrival time"), std::string::npos);
  EXPECT_NE(error("R 0x40000000\n").find("r.txt:1: 0x40000000 is outside the channel"), std::string::npos);
  EXPECT_NE(error("R 0x11\n").find("r.txt:1: 0x11 is not a whole burst"), std::string::npos);
  EXPECT_NE(error("20 R 0x0\n10 R 0x0\n").find("r.txt:2: arrival at 10 ns goes back"), std::string::npos);
}

}  // namespace
}  // namespace bondsim
