#include "sim/trace/perfetto_commands.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/support/command.hpp"
#include "tests/support/mapping_setup.hpp"

/// Commands written by hand on LPDDR5-6400 of 800 MHz: a burst takes 2.5 ns, as an access through an HB port; reads have their data 21.25
/// ns after the command, writes 11.25 ns.
namespace bondsim {
namespace {

constexpr int bus = 3, refreshes = 4, pes = 5, bank_0 = 10;

/// One line an event: "PROCESS/THREAD START+LENGTH NAME {ARGUMENTS}" in ps, of names "PROCESS/THREAD = NAME".
std::string line_of(const nlohmann::json& event) {
  const auto ps = [&](const char* key) { return std::llround(event.at(key).get<double>() * 1e6); };
  const std::string kind = event.at("ph"), name = event.at("name");
  if (kind == "M")
    return fmt::format("{}/{} = {}", event.at("pid").get<int>(), event.at("tid").get<int>(), event["args"]["name"].get<std::string>());
  const std::string thread = kind == "C" ? "" : fmt::format("/{}", event.at("tid").get<int>());
  const std::string length = kind == "X" ? fmt::format("+{}", ps("dur")) : "";
  return fmt::format("{}{} {}{} {} {}", event.at("pid").get<int>(), thread, ps("ts"), length, name,
                     event.value("args", nlohmann::json{}).dump());
}

class PerfettoCommandsTest : public ::testing::Test {
 protected:
  PerfettoCommands& trace(TraceWindow window = {}) {
    window_ = window;
    return commands_.emplace(system_, events_, window_);
  }
  /// The events so far; names of tracks too if `named`.
  std::vector<std::string> lines(bool named = false) {
    events_.finish();
    const auto file = nlohmann::json::parse(test::file_text(path_));
    std::vector<std::string> list;
    for (const auto& event : file.at("traceEvents")) {
      const bool names = event.at("ph") == "M";
      if (names ? named && event.at("name") == "thread_name" : true) list.push_back(line_of(event));
    }
    return list;
  }
  static CommandRecord at(std::int64_t ps, DramCommand command, std::int32_t bank, std::int32_t row = -1, std::int32_t column = -1,
                          std::int32_t op = -1) {
    return {Picoseconds(ps), command, bank, row, column, op};
  }

  System system_ = testing::h2llm_system(1, 1);

 private:
  test::ScratchDirectory scratch_;
  std::string path_ = scratch_.file("trace.json");
  ChromeEvents events_{path_, false, "{}"};
  TraceWindow window_;
  std::optional<PerfettoCommands> commands_;
};

using Lines = std::vector<std::string>;

TEST_F(PerfettoCommandsTest, tracks_have_names_even_where_pes_alone_work) {
  PerfettoCommands& t = trace();
  NmpState state;
  state.computing = true;
  t.nmp_changed(0, state, Picoseconds(1000));
  state.computing = false;
  t.nmp_changed(0, state, Picoseconds(3000));
  EXPECT_EQ(lines(true), (Lines{"10/3 = bus data", "10/4 = refresh and mode commands", "10/5 = PEs", "10/5 1000+2000 compute null"}));
}

TEST_F(PerfettoCommandsTest, tracks_are_named_once_and_pes_only_where_there_are_some) {
  PerfettoCommands& t = trace();
  t.command(1, at(0, DramCommand::refab, -1));
  t.command(1, at(5000, DramCommand::refpb, 3));
  EXPECT_EQ(lines(true), (Lines{"11/3 = bus data", "11/4 = refresh and mode commands", "11/4 0 REFab {}", "11/4 5000 REFpb {\"bank\":3}"}));
}

TEST_F(PerfettoCommandsTest, buffers_are_counted_when_they_change_and_in_the_window) {
  PerfettoCommands& t = trace({Picoseconds(1000), Picoseconds(5000), {}});
  NmpState state;
  state.inputs = 1;
  t.nmp_changed(0, state, Picoseconds(999));
  state.computing = true;
  t.nmp_changed(0, state, Picoseconds(1000));
  state.weights = 2;
  t.nmp_changed(0, state, Picoseconds(2000));
  t.nmp_changed(0, state, Picoseconds(3000));
  state.outputs = 3;
  t.nmp_changed(0, state, Picoseconds(4000));
  state.computing = false;
  state.outputs = 0;
  t.nmp_changed(0, state, Picoseconds(6000));
  EXPECT_EQ(lines(), (Lines{"10 2000 buffers in use {\"input\":1,\"output\":0,\"weight\":2}",
                            "10 4000 buffers in use {\"input\":1,\"output\":3,\"weight\":2}", "10/5 1000+5000 compute null"}));
}

TEST_F(PerfettoCommandsTest, accesses_without_a_gap_are_one_slice_of_the_bank_and_of_the_bus) {
  PerfettoCommands& t = trace();
  t.command(0, at(0, DramCommand::act1, 0, 7));
  t.command(0, at(1250, DramCommand::act2, 0, 7));
  t.command(0, at(18750, DramCommand::rd, 0, 7, 0, 4));
  t.command(0, at(21250, DramCommand::rd, 0, 7, 16, 4));
  t.command(0, at(30000, DramCommand::rd, 0, 7, 32, 4));
  t.command(0, at(32500, DramCommand::rd, 0, 7, 48, 5));
  t.command(0, at(80000, DramCommand::pre, 0));
  t.run_ended(Picoseconds(90000));
  const auto args = [](int count, int column, int op) {
    return fmt::format("{{\"column\":{},\"count\":{},\"operator\":{},\"row\":7}}", column, count, op);
  };
  EXPECT_EQ(lines(), (Lines{"10/10 18750+5000 RD x2 " + args(2, 0, 4), "10/3 40000+5000 RD x2 " + args(2, 0, 4),
                            "10/10 30000+2500 RD x1 " + args(1, 32, 4), "10/3 51250+2500 RD x1 " + args(1, 32, 4),
                            "10/10 32500+2500 RD x1 " + args(1, 48, 5), "10/10 0+80000 row 7 {\"row\":7}",
                            "10/3 53750+2500 RD x1 " + args(1, 48, 5)}));
}

TEST_F(PerfettoCommandsTest, accesses_through_hb_ports_leave_the_bus_alone) {
  PerfettoCommands& t = trace();
  t.command(0, at(0, DramCommand::act1, 2, 1));
  t.command(0, at(20000, DramCommand::nrd, 2, 1, 0, 0));
  t.command(0, at(22500, DramCommand::nrd, 2, 1, 32, 0));
  t.command(0, at(25000, DramCommand::nwr, 2, 1, 64, 0));
  t.command(0, at(40000, DramCommand::wr, 2, 1, 0, 0));
  t.command(0, at(60000, DramCommand::prea, -1));
  t.run_ended(Picoseconds(60000));
  EXPECT_EQ(lines(), (Lines{"10/12 20000+5000 NRD x2 {\"column\":0,\"count\":2,\"operator\":0,\"row\":1}",
                            "10/12 25000+2500 NWR x1 {\"column\":64,\"count\":1,\"operator\":0,\"row\":1}",
                            "10/12 40000+2500 WR x1 {\"column\":0,\"count\":1,\"operator\":0,\"row\":1}", "10/12 0+60000 row 1 {\"row\":1}",
                            "10/3 51250+2500 WR x1 {\"column\":0,\"count\":1,\"operator\":0,\"row\":1}"}));
}

TEST_F(PerfettoCommandsTest, a_precharge_closes_the_row_of_its_bank_alone) {
  PerfettoCommands& t = trace();
  t.command(0, at(0, DramCommand::act1, 0, 1));
  t.command(0, at(5000, DramCommand::act1, 1, 2));
  t.command(0, at(50000, DramCommand::pre, 1));
  t.command(0, at(60000, DramCommand::act1, 1, 3));
  t.command(0, at(70000, DramCommand::prea, -1));
  EXPECT_EQ(lines(),
            (Lines{"10/11 5000+45000 row 2 {\"row\":2}", "10/10 0+70000 row 1 {\"row\":1}", "10/11 60000+10000 row 3 {\"row\":3}"}));
}

/// Its row is drawn from the first access on, and no further than the window or the last command.
TEST_F(PerfettoCommandsTest, a_row_opened_before_the_window_is_drawn_in_it) {
  PerfettoCommands& t = trace({Picoseconds(100000), Picoseconds(200000), {}});
  t.command(0, at(150000, DramCommand::rd, 0, 9, 0, 2));
  t.run_ended(Picoseconds(900000));
  EXPECT_EQ(lines(),
            (Lines{"10/10 150000+2500 RD x1 {\"column\":0,\"count\":1,\"operator\":2,\"row\":9}", "10/10 150000+50000 row 9 {\"row\":9}",
                   "10/3 171250+2500 RD x1 {\"column\":0,\"count\":1,\"operator\":2,\"row\":9}"}));
}

TEST_F(PerfettoCommandsTest, with_subarrays_a_bank_has_a_track_for_each) {
  system_.set_channels(1, 0);
  system_.nmp.subarray_overlap = true;
  PerfettoCommands& t = trace();
  t.command(0, at(0, DramCommand::act1, 1, 4));
  t.command(0, at(10000, DramCommand::act1, 1, 5));
  t.command(0, at(40000, DramCommand::pre, 1, 4));
  t.command(0, at(50000, DramCommand::pre, 1, 5));
  EXPECT_EQ(lines(true), (Lines{"10/3 = bus data", "10/4 = refresh and mode commands", "10/5 = PEs", "10/12 = bank 1 subarray 0",
                                "10/13 = bank 1 subarray 1", "10/12 0+40000 row 4 {\"row\":4}", "10/13 10000+40000 row 5 {\"row\":5}"}));
}

}  // namespace
}  // namespace bondsim
