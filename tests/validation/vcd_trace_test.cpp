#include <gtest/gtest.h>

#include <map>
#include <sstream>

#include "tests/support/task_trace.hpp"

namespace bondsim::test {
namespace {

const std::string run =
    "run configs/experiment/h2llm-llama3-8b-sharegpt.yaml --set workload.prompt_tokens=8 --set workload.generated_tokens=2"
    " --set model.hidden=256 --set model.vocab=512 --set model.intermediate=256";

using Wave = std::vector<std::pair<std::int64_t, std::int64_t>>;  ///< (time, value) where it changes

/// The waves of a VCD file by `scope.name`.
std::map<std::string, Wave> read_vcd(const std::string& path) {
  std::map<std::string, std::string> names;  // by identifier
  std::map<std::string, Wave> waves;
  std::vector<std::string> scopes;
  std::istringstream in(file_text(path));
  std::string word;
  std::int64_t time = 0;
  bool definitions = true;
  while (in >> word) {
    if (definitions && word == "$scope") {
      in >> word >> word;
      scopes.push_back(word);
    } else if (definitions && word == "$upscope") {
      scopes.pop_back();
    } else if (definitions && word == "$var") {
      std::string width, id, name, all;
      in >> word >> width >> id >> name;
      for (const auto& scope : scopes) all += scope == "SystemC" ? "" : scope + ".";
      names[id] = all + name;
    } else if (word == "$comment") {
      while (in >> word && word != "$end") {
      }
    } else if (word == "$enddefinitions") {
      definitions = false;
    } else if (!definitions && word[0] == '#') {
      time = std::stoll(word.substr(1));
    } else if (!definitions && word[0] == 'b') {
      std::string id;
      in >> id;
      waves[names.at(id)].emplace_back(time, static_cast<std::int64_t>(std::stoull(word.substr(1), nullptr, 2)));
    } else if (!definitions && (word[0] == '0' || word[0] == '1')) {
      waves[names.at(word.substr(1))].emplace_back(time, word[0] - '0');
    }
  }
  return waves;
}

std::int64_t time_high(const Wave& wave) {
  std::int64_t sum = 0;
  for (std::size_t i = 0; i + 1 < wave.size(); ++i) sum += wave[i].second != 0 ? wave[i + 1].first - wave[i].first : 0;
  return sum;
}

TEST(VcdTrace, waves_are_the_commands_of_the_window) {
  const ScratchDirectory scratch;
  const auto made = bondsim_command(run + " --trace vcd,commands --trace-window 60000:100000 --out " + scratch.file("out"));
  ASSERT_EQ(made.status, 0) << made.output;
  // Commands come one by one for the waves, and in trains without them: they are the same.
  const auto trains = bondsim_command(run + " --trace commands --trace-window 60000:100000 --out " + scratch.file("trains"));
  ASSERT_EQ(trains.status, 0) << trains.output;
  const auto waves = read_vcd(scratch.file("out/waves.vcd"));
  for (const int c : {0, 5, 7}) {
    const std::string channel = (c < 6 ? "nmp.channel" : "normal.channel") + std::to_string(c);
    const std::string text = file_text(scratch.file("out/" + channel + ".commands.csv"));
    EXPECT_EQ(text, file_text(scratch.file("trains/" + channel + ".commands.csv")));
    std::int64_t bursts = 0;
    std::map<int, std::int64_t> accesses;  // by bank, through its port
    std::map<int, Wave> activates;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
      if (line[0] < '0' || line[0] > '9') continue;
      const auto cells = split_cells(line);
      const int bank = std::stoi(cells[2]);
      if (cells[1] == "RD" || cells[1] == "WR") ++bursts;
      if (cells[1] == "NRD" || cells[1] == "NWR") ++accesses[bank];
      if (cells[1] == "ACT1") activates[bank].emplace_back(std::stoll(cells[0]), std::stoll(cells[3]));
    }
    ASSERT_GT(bursts, 0);
    EXPECT_EQ(time_high(waves.at(channel + ".bus_busy")), bursts * 2500);  // BL16: 2 tCK of 1.25 ns
    for (const auto& [bank, opened] : activates) {
      const std::string name = channel + ".bank_" + std::to_string(bank);
      if (c < 6) {
        EXPECT_EQ(time_high(waves.at(name + ".hb_busy")), accesses[bank] * 2500) << name;
      }
      // Each ACT1 shows its row at its time; a row that is the one shown before opens again without a change of `row`.
      std::map<std::int64_t, std::int64_t> rows, opens;
      for (const auto& [t, row] : waves.at(name + ".row")) rows[t] = row;
      for (const auto& [t, open] : waves.at(name + ".open")) opens[t] = open;
      for (const auto& [t, row] : opened) {
        EXPECT_EQ(std::prev(rows.upper_bound(t))->second, row) << name << " at " << t;
        EXPECT_EQ(std::prev(opens.upper_bound(t))->second, 1) << name << " at " << t;
      }
    }
  }
  // Into NMP mode and back: to NMP, NMP, to normal, normal.
  std::vector<std::int64_t> modes;
  for (const auto& change : waves.at("nmp.channel0.mode")) modes.push_back(change.second);
  ASSERT_GE(modes.size(), 5u);
  for (std::size_t i = 0; i < modes.size(); ++i) EXPECT_EQ(modes[i], static_cast<std::int64_t>(i % 4)) << "change " << i;
  EXPECT_GT(time_high(waves.at("nmp.channel0.pes_busy")), 0);
}

TEST(VcdTrace, tracing_changes_no_result_and_a_whole_run_is_refused) {
  const ScratchDirectory scratch;
  ASSERT_EQ(bondsim_command(run + " --out " + scratch.file("plain")).status, 0);
  ASSERT_EQ(bondsim_command(run + " --trace vcd,perfetto,tasks --trace-window 60000:100000 --out " + scratch.file("traced")).status, 0);
  for (const char* file : {"/channels.csv", "/operators.csv"})
    EXPECT_EQ(file_text(scratch.file("plain") + file), file_text(scratch.file("traced") + file));
  const auto printed = bondsim_command(run + " --trace vcd --trace-window 60000:100000 --json --out " + scratch.file("json"));
  EXPECT_EQ(printed.output.substr(0, 1), "{") << "nothing but results.json";
  const auto refused = bondsim_command(run + " --trace vcd --out " + scratch.file("x"));
  EXPECT_EQ(refused.status, 2);
  EXPECT_NE(refused.output.find("--trace-window or --trace-steps"), std::string::npos) << refused.output;
  const auto late = bondsim_command(run + " --trace commands --trace-window 9e9: --out " + scratch.file("late"));
  EXPECT_EQ(late.status, 0);
  EXPECT_NE(late.output.find("no command is in it"), std::string::npos) << late.output;
}

}  // namespace
}  // namespace bondsim::test
