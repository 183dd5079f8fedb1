#include <gtest/gtest.h>

#include <set>
#include <tuple>

#include "tests/support/chrome_trace.hpp"
#include "tests/support/task_trace.hpp"

namespace bondsim::test {
namespace {

using nlohmann::json;

const std::string experiment = "configs/experiment/h2llm-llama3-8b-sharegpt.yaml";
const std::string narrow =
    " --set workload.prompt_tokens=8 --set workload.generated_tokens=2 --set model.hidden=512 --set model.vocab=2048"
    " --set model.intermediate=1024";

/// Six channels with PEs come first in h2llm.yaml, two without after them.
std::string channel_name(int c) { return (c < 6 ? "nmp.channel" : "normal.channel") + std::to_string(c); }

/// One traced run that several tests look at; it is made once.
const std::string& traced_run() {
  static const ScratchDirectory scratch;
  static const std::string out = scratch.file("perfetto");
  static const auto run = bondsim_command("run " + experiment + narrow + " --dataflow configs/dataflow/data_centric.yaml" +
                                          " --trace tasks,perfetto --out " + out);
  EXPECT_EQ(run.status, 0) << run.output;
  return out;
}

const ChromeTrace& trace() {
  static const ChromeTrace read = read_chrome_trace(traced_run() + "/trace.json");
  return read;
}

using TaskSlice = std::tuple<std::int64_t, std::int64_t, std::int64_t, std::int64_t, std::string>;  ///< start, end, block, task, kind

std::multiset<TaskSlice> slices_of(const std::string& process, bool with_waits) {
  static const std::set<std::string> kinds = {"host_scatter", "nmp_gemm",  "host_load", "npu_gemm",
                                              "npu_vector",   "kv_append", "wait",      "idle"};
  std::multiset<TaskSlice> found;
  for (const auto& slice : trace().slices) {
    if (trace().processes.at(slice.where.first) != process || kinds.count(slice.category) == 0) continue;
    const std::int64_t task = slice.args.value("task", std::int64_t{-1});
    if (task >= 0 || with_waits) found.insert({slice.start, slice.end, slice.args.at("block"), task, slice.category});
  }
  return found;
}

std::multiset<TaskSlice> rows_of(const std::string& name, bool with_waits) {
  std::multiset<TaskSlice> found;
  for (const auto& row : read_task_csv(traced_run() + "/" + name + ".tasks.csv")) {
    const bool task = !row.at("task").empty();
    if (task || with_waits)
      found.insert({number(row, "start_ps"), number(row, "end_ps"), number(row, "block"), task ? number(row, "task") : -1, row.at("kind")});
  }
  return found;
}

TEST(PerfettoTrace, slices_of_a_track_nest_or_follow_one_another) {
  EXPECT_GT(trace().slices.size(), 100U);
  EXPECT_EQ(illegal_overlap(trace()), "");
}

TEST(PerfettoTrace, slices_are_the_rows_of_the_task_traces) {
  for (int c = 0; c < 8; ++c) {
    const auto slices = slices_of(channel_name(c), true);
    EXPECT_FALSE(slices.empty());
    EXPECT_EQ(slices, rows_of(channel_name(c), true)) << channel_name(c);
  }
  EXPECT_EQ(slices_of("npu", false), rows_of("npu", false));
}

/// Executions that each block stands for, by its number.
std::map<std::int64_t, std::int64_t> repeats() {
  std::map<std::int64_t, std::int64_t> found;
  for (const auto& slice : trace().slices) {
    if (slice.category == "block")
      found[slice.args.at("block")] = slice.args.at("layers").get<std::int64_t>() * slice.args.at("steps").get<std::int64_t>();
  }
  return found;
}

TEST(PerfettoTrace, slices_of_a_channel_sum_to_the_results) {
  const auto results = json::parse(file_text(traced_run() + "/results.json"));
  const auto repeat = repeats();
  for (const auto& channel : results.at("channels")) {
    const int process = 10 + channel.at("id").get<int>();
    for (const auto& [part, ps] : channel.at("time_ps").items()) {
      std::int64_t sum = 0;
      for (const auto& slice : trace().slices) {
        if (slice.where.first == process) sum += slice.args.value(part + "_ps", std::int64_t{0}) * repeat.at(slice.args.value("block", 0));
      }
      EXPECT_EQ(sum, ps.get<std::int64_t>()) << trace().processes.at(process) << " " << part;
    }
  }
}

TEST(PerfettoTrace, an_arrow_leads_from_each_task_to_every_task_that_waits_for_it) {
  const ScratchDirectory scratch;
  const auto map =
      bondsim_command("map " + experiment + narrow + " --dataflow configs/dataflow/data_centric.yaml --out " + scratch.file("s.schedule"));
  ASSERT_EQ(map.status, 0) << map.output;
  std::multiset<std::tuple<std::int64_t, std::int64_t, std::int64_t>> wanted;  // block, from, to
  std::istringstream lines(file_text(scratch.file("s.schedule")));
  std::string line;
  std::getline(lines, line);
  for (std::int64_t block = 0; std::getline(lines, line); ++block) {
    const json object = json::parse(line);
    if (object.contains("blocks")) break;  // the end
    const auto tasks = object.at("tasks");
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      for (const auto& d : tasks[i].value("after", json::array()))
        wanted.insert({block, d.get<std::int64_t>(), static_cast<std::int64_t>(i)});
    }
  }
  ASSERT_GT(wanted.size(), 100U);
  EXPECT_EQ(trace().tails.size(), wanted.size());
  ASSERT_EQ(trace().heads.size(), wanted.size());
  for (const auto& [id, head] : trace().heads) {
    const auto& tail = trace().tails.at(id);
    EXPECT_LE(tail.at, head.at);
    // A slice without length may share its place with another: one of the pairs that fit is the dependency.
    bool found = false;
    for (const auto& to : trace().slices) {
      if (to.where != head.where || to.start != head.at || to.args.count("task") == 0) continue;
      for (const auto& from : trace().slices) {
        if (found || from.where != tail.where || from.start > tail.at || from.end < tail.at || from.args.count("task") == 0) continue;
        const auto match = wanted.find({to.args.at("block"), from.args.at("task"), to.args.at("task")});
        if (match == wanted.end() || from.args.at("block") != to.args.at("block")) continue;
        wanted.erase(match);
        found = true;
      }
    }
    EXPECT_TRUE(found) << "arrow " << id << " joins no task to one that waits for it";
  }
  EXPECT_TRUE(wanted.empty());
}

/// J of a value of a counter, each block as often as it stands for.
double integral(const std::vector<ChromeTrace::Sample>& samples, const std::string& value) {
  double joules = 0;
  for (const auto& block : trace().slices) {
    if (block.category != "block") continue;
    for (std::size_t i = 0; i < samples.size(); ++i) {
      if (samples[i].at < block.start || samples[i].at >= block.end) continue;
      const std::int64_t until = i + 1 < samples.size() ? std::min(samples[i + 1].at, block.end) : block.end;
      joules += samples[i].values.at(value).get<double>() * static_cast<double>(until - samples[i].at) * 1e-12 *
                block.args.at("layers").get<double>() * block.args.at("steps").get<double>();
    }
  }
  return joules;
}

TEST(PerfettoTrace, the_power_counters_integrate_to_the_energy_of_the_run) {
  const auto energy = json::parse(file_text(traced_run() + "/results.json")).at("energy_j");
  const double total = energy.at("total");
  EXPECT_NEAR(integral(trace().counters.at({1, "system W"}), "power"), total, 1e-6 * total);
  const auto& of_npu = trace().counters.at({2, "W of parts"});
  for (const auto& [value, component] :
       std::map<std::string, std::string>{{"arrays", "npu_mac"}, {"vector", "vector"}, {"scratchpad", "npu_sram"}}) {
    const double joules = energy.at("components").at(component);
    EXPECT_NEAR(integral(of_npu, value), joules, 1e-6 * joules) << component;
  }
}

/// Banks, ports, PEs and buffers of each row in the window sum to the row's parts.
TEST(PerfettoTrace, a_window_shows_the_power_of_each_unit) {
  const ScratchDirectory scratch;
  const auto run =
      bondsim_command("run " + experiment + narrow + " --trace perfetto,commands --trace-steps 1:1 --out " + scratch.file("out"));
  ASSERT_EQ(run.status, 0) << run.output;
  const ChromeTrace windowed = read_chrome_trace(scratch.file("out") + "/trace.json");
  std::map<std::int64_t, json> parts;
  for (const auto& sample : windowed.counters.at({10, "W of parts"})) parts[sample.at] = sample.values;
  std::map<std::string, std::size_t> seen;
  for (const auto& [kind, part] :
       std::map<std::string, std::string>{{"bank", "banks"}, {"port", "ports"}, {"pe", "PEs"}, {"buffer", "buffers"}}) {
    for (const auto& sample : windowed.counters.at({10, "W of each " + kind})) {
      double sum = 0;
      for (const auto& [name, watts] : sample.values.items()) sum += watts.get<double>();
      EXPECT_NEAR(sum, parts.at(sample.at).at(part).get<double>(), 1e-6 * sum) << kind;
      ++seen[kind];
    }
    EXPECT_GT(seen[kind], 0U) << kind;
    EXPECT_LT(seen[kind], parts.size()) << "outside of the window there are none";
  }
}

TEST(PerfettoTrace, modes_fill_the_run_and_their_changes_are_those_of_the_commands) {
  std::int64_t at = 0;
  for (const auto& slice : trace().slices) {
    if (slice.where != ChromeTrace::Where{10, 2}) continue;
    EXPECT_EQ(slice.start, at);
    at = slice.end;
  }
  const auto rows = read_task_csv(traced_run() + "/nmp.channel0.tasks.csv");
  EXPECT_EQ(at, number(rows.back(), "end_ps"));
}

/// Numbers of a commands.csv, by command.
std::map<std::string, std::int64_t> commands_of(const std::string& path) {
  std::map<std::string, std::int64_t> counts;
  std::istringstream in(file_text(path));
  std::string line;
  while (std::getline(in, line)) {
    if (line[0] >= '0' && line[0] <= '9') ++counts[split_cells(line).at(1)];
  }
  return counts;
}

/// Fewer commands: their whole trace is written, too.
const std::string narrower = narrow + " --set model.hidden=256 --set model.vocab=512 --set model.intermediate=256";

TEST(PerfettoTrace, a_window_shows_every_command_in_it_and_no_other) {
  const ScratchDirectory scratch;
  const auto whole = bondsim_command("run " + experiment + narrower + " --trace commands --out " + scratch.file("whole"));
  ASSERT_EQ(whole.status, 0) << whole.output;
  const auto run = bondsim_command("run " + experiment + narrower + " --trace perfetto,commands --trace-window 60000:100000 --out " +
                                   scratch.file("out"));
  ASSERT_EQ(run.status, 0) << run.output;
  const ChromeTrace window = read_chrome_trace(scratch.file("out/trace.json"));
  EXPECT_EQ(illegal_overlap(window), "");
  for (const int c : {0, 5, 7}) {
    const std::string file = "/" + channel_name(c) + ".commands.csv";
    // The commands of the window are those of the whole trace: recording may begin anywhere.
    std::string cut;
    std::istringstream in(file_text(scratch.file("whole") + file));
    for (std::string line; std::getline(in, line);) {
      if (line[0] < '0' || line[0] > '9') continue;
      const std::int64_t t = std::stoll(line);
      if (t >= 60'000'000 && t < 100'000'000) cut += line + "\n";
    }
    const std::string text = file_text(scratch.file("out") + file);
    EXPECT_EQ(cut, text.substr(text.find("requester\n") + 10)) << "channel " << c;

    auto counts = commands_of(scratch.file("out") + file);
    std::map<std::string, std::int64_t> drawn;
    std::int64_t on_bus = 0;
    for (const auto& slice : window.slices) {
      if (slice.where.first != 10 + c || slice.category != "access") continue;
      const std::string command = slice.name.substr(0, slice.name.find(' '));
      (slice.where.second == 3 ? on_bus : drawn[command]) += slice.args.at("count").get<std::int64_t>();
    }
    for (const char* command : {"RD", "WR", "NRD", "NWR"}) EXPECT_EQ(drawn[command], counts[command]) << command << " of channel " << c;
    EXPECT_EQ(on_bus, counts["RD"] + counts["WR"]);
  }
  EXPECT_GT(window.instants, 0);
}

TEST(PerfettoTrace, steps_as_a_window_hold_their_commands) {
  const ScratchDirectory scratch;
  const auto run = bondsim_command("run " + experiment + narrow + " --trace tasks,commands --trace-steps 1:1 --out " + scratch.file("out"));
  ASSERT_EQ(run.status, 0) << run.output;
  std::int64_t bytes = 0;
  std::int64_t first = -1, last = -1;
  for (const auto& row : read_task_csv(scratch.file("out/nmp.channel0.tasks.csv"))) {
    if (row.at("step") != "1") continue;
    bytes += number(row, "bytes");
    if (first < 0) first = number(row, "start_ps");
    last = number(row, "end_ps");
  }
  auto counts = commands_of(scratch.file("out/nmp.channel0.commands.csv"));
  EXPECT_EQ(bytes, (counts["RD"] + counts["WR"]) * 32 + (counts["NRD"] + counts["NWR"]) * 64);
  const std::string text = file_text(scratch.file("out/nmp.channel0.commands.csv"));
  EXPECT_NE(text.find("# from_ps " + std::to_string(first + 1) + "\n"), std::string::npos);
  EXPECT_LE(std::stoll(text.substr(text.rfind('\n', text.size() - 2) + 1)), last);
}

}  // namespace
}  // namespace bondsim::test
