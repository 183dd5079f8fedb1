#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/chrome_trace.hpp"
#include "tests/support/command.hpp"
#include "tests/support/serving_setup.hpp"
#include "tests/support/task_trace.hpp"
#include "tools/app/serving/rates.hpp"
#include "tools/app/serving/request_trace.hpp"

/// What `bondsim serve` writes, its files held against each other.
namespace bondsim::tools {
namespace {

using Json = nlohmann::json;
using Row = std::map<std::string, std::string>;

std::int64_t whole(const Row& row, const std::string& column) { return std::stoll(row.at(column)); }
double real(const Row& row, const std::string& column) { return std::stod(row.at(column)); }

/// Cells of a line; commas inside quotes part nothing.
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells(1);
  bool quoted = false;
  for (const char c : line) {
    if (c == '"') {
      quoted = !quoted;
    } else if (c == ',' && !quoted) {
      cells.emplace_back();
    } else {
      cells.back() += c;
    }
  }
  return cells;
}

/// Rows by the titles of the first line, each of them whole.
std::vector<Row> rows_of(const std::string& path) {
  const std::string text = test::file_text(path);
  EXPECT_TRUE(!text.empty() && text.back() == '\n') << path;
  std::istringstream in(text);
  std::string line;
  std::getline(in, line);
  const std::vector<std::string> titles = cells_of(line);
  std::vector<Row> rows;
  while (std::getline(in, line)) {
    const std::vector<std::string> cells = cells_of(line);
    EXPECT_EQ(cells.size(), titles.size()) << path << ": " << line;
    Row& row = rows.emplace_back();
    for (std::size_t i = 0; i < std::min(cells.size(), titles.size()); ++i) row[titles[i]] = cells[i];
  }
  return rows;
}

std::int64_t sum_of(const std::vector<Row>& rows, const std::string& column) {
  std::int64_t sum = 0;
  for (const Row& row : rows) sum += whole(row, column);
  return sum;
}

std::int64_t length_ns(const Row& iteration) { return whole(iteration, "end_ns") - whole(iteration, "start_ns"); }

/// A column's integral over the iterations, per second of the run.
double mean_over(const std::vector<Row>& iterations, const std::string& column, double time_s) {
  double sum = 0;
  for (const Row& row : iterations) sum += static_cast<double>(whole(row, column) * length_ns(row)) * 1e-9;
  return sum / time_s;
}

/// What a run wrote.
struct Served {
  Json json;
  std::vector<Row> requests, iterations;
  std::string summary;
};

/// @param change the options of the run, in the process that runs it; what it returns is called when the run has ended
using Change = std::function<std::function<void()>(ServeOptions&)>;
Served serve_into(const std::string& directory, const Experiment& experiment, ServingTier tier, const Change& change = nullptr) {
  std::filesystem::create_directories(directory);
  const auto answer = Json::parse(run_isolated([&] {
    ServeOptions options;
    options.tier = tier;
    std::function<void()> ended;
    if (change) ended = change(options);
    ServingTables tables(directory, experiment.model.name, options.form_times);
    tables.attach(options);
    const ServingRun run = serve(experiment, options);
    tables.close();
    if (ended) ended();
    return Json{{"json", serving_json(experiment, run, tier)}, {"summary", serving_summary(experiment, run, tier)}}.dump();
  }));
  return {Json::parse(answer["json"].get<std::string>()), rows_of(directory + "/requests.csv"), rows_of(directory + "/iterations.csv"),
          answer["summary"]};
}

/// Short texts through a layer of a small model, four places.
std::vector<std::string> short_texts(const std::vector<std::string>& more) {
  std::vector<std::string> all = {"model.layers=1",
                                  "model.vocab=1024",
                                  "serving.requests.limit=8",
                                  "serving.requests.rate_per_s=100",
                                  "serving.requests.prompt_tokens=60",
                                  "serving.requests.output_tokens=6",
                                  "serving.requests.longest_prompt=200",
                                  "serving.requests.longest_output=20",
                                  "serving.batch.max_batch=4",
                                  "serving.kv.context_tokens=256"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}
Experiment short_chat(const std::vector<std::string>& more = {}) { return chat(short_texts(more)); }

void expect_iterations_follow(const Served& run) {
  std::int64_t end = 0, busy = 0;
  for (std::size_t i = 0; i < run.iterations.size(); ++i) {
    const Row& row = run.iterations[i];
    EXPECT_EQ(whole(row, "iteration"), static_cast<std::int64_t>(i));
    EXPECT_GE(whole(row, "start_ns"), end) << i;
    end = whole(row, "end_ns");
    EXPECT_GT(length_ns(row), 0) << i;
    EXPECT_GT(whole(row, "prompts") + whole(row, "decodes"), 0) << i;
    EXPECT_EQ(whole(row, "prompts") > 0, whole(row, "prompt_tokens") > 0) << i;
    EXPECT_LE(whole(row, "prompts") + whole(row, "decodes"), whole(row, "running")) << i;
    busy += length_ns(row);
  }
  const auto n = static_cast<double>(run.iterations.size());
  EXPECT_EQ(run.json["iterations"], run.iterations.size());
  EXPECT_NEAR(run.json["time_s"].get<double>() * 1e9, static_cast<double>(end), 1);
  EXPECT_NEAR(run.json["busy_s"].get<double>() * 1e9, static_cast<double>(busy), n);
}

void expect_times_of_requests_are_of_iterations(const Served& run) {
  std::set<std::int64_t> starts, ends;
  // requests.csv rounds to the nearest ns, iterations.csv down.
  for (const Row& row : run.iterations) {
    for (const int up : {0, 1}) starts.insert(whole(row, "start_ns") + up), ends.insert(whole(row, "end_ns") + up);
  }
  for (const Row& row : run.requests) {
    const std::int64_t arrival = whole(row, "arrival"), output = whole(row, "output");
    EXPECT_EQ(row.at("ending"), "complete");
    EXPECT_EQ(output, whole(row, "asked_output"));
    EXPECT_EQ(whole(row, "latency"), whole(row, "end_time") - arrival);
    EXPECT_EQ(starts.count(arrival + whole(row, "queuing_delay")), 1u) << row.at("request id");
    EXPECT_EQ(ends.count(arrival + whole(row, "TTFT")), 1u) << row.at("request id");
    EXPECT_EQ(ends.count(whole(row, "end_time")), 1u) << row.at("request id");
    const auto gaps = Json::parse(row.at("ITL"));
    EXPECT_EQ(static_cast<std::int64_t>(gaps.size()), output - 1);
    std::int64_t sum = 0;
    for (const auto& gap : gaps) sum += gap.get<std::int64_t>();
    EXPECT_NEAR(static_cast<double>(sum), static_cast<double>(whole(row, "latency") - whole(row, "TTFT")), static_cast<double>(output));
    EXPECT_NEAR(real(row, "TPOT"), output > 1 ? static_cast<double>(sum) / static_cast<double>(output - 1) : 0, 2);
  }
}

/// Little's law: requests that wait on average are the waits of all over the time of the run.
void expect_load_is_the_times_of_requests(const Served& run) {
  const double time_s = run.json["time_s"];
  const auto waits = static_cast<double>(sum_of(run.requests, "queuing_delay")) * 1e-9;
  const auto stays = static_cast<double>(sum_of(run.requests, "latency")) * 1e-9;
  EXPECT_NEAR(run.json["load"]["mean_waiting"].get<double>() * time_s, waits, 1e-7);
  EXPECT_NEAR(run.json["load"]["mean_running"].get<double>() * time_s, stays - waits, 1e-7);
  EXPECT_NEAR(run.json["load"]["mean_running"].get<double>(), mean_over(run.iterations, "running", time_s), 1e-4);
  EXPECT_NEAR(run.json["kv"]["mean_tokens"].get<double>(), mean_over(run.iterations, "kv_tokens", time_s), 1e-2);
  EXPECT_NEAR(run.json["kv"]["mean_pages"].get<double>(), mean_over(run.iterations, "kv_pages", time_s), 1e-3);
  std::int64_t most = 0;
  for (const Row& row : run.iterations) most = std::max(most, whole(row, "kv_pages"));
  EXPECT_EQ(run.json["kv"]["most_pages"], most);
}

void expect_figures_are_of_the_rows(const Served& run) {
  const auto n = static_cast<double>(run.requests.size()), time_s = run.json["time_s"].get<double>();
  const auto output = static_cast<double>(sum_of(run.requests, "output"));
  EXPECT_EQ(run.json["requests"]["complete"], run.requests.size());
  EXPECT_EQ(run.json["tokens"]["prompt"], sum_of(run.requests, "input"));
  EXPECT_EQ(run.json["tokens"]["prompt_computed"], sum_of(run.iterations, "prompt_tokens"));
  EXPECT_EQ(run.json["tokens"]["output"], output);
  EXPECT_NEAR(run.json["throughput"]["output_tokens_per_s"].get<double>(), output / time_s, 1e-6 * output / time_s);
  for (const auto& [key, column] : {std::pair("ttft", "TTFT"), {"e2e", "latency"}, {"queueing", "queuing_delay"}}) {
    const Json& latency = run.json["latency"][key];
    std::vector<double> values;
    for (const Row& row : run.requests) values.push_back(static_cast<double>(whole(row, column)) * 1e-6);
    std::sort(values.begin(), values.end());
    double sum = 0;
    for (const double value : values) sum += value;
    EXPECT_EQ(latency["count"], values.size());
    EXPECT_NEAR(latency["mean_ms"].get<double>(), sum / n, 1e-5) << key;
    EXPECT_NEAR(latency["min_ms"].get<double>(), values.front(), 1e-5) << key;
    EXPECT_NEAR(latency["max_ms"].get<double>(), values.back(), 1e-5) << key;
    EXPECT_NEAR(latency["p50_ms"].get<double>(), (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2, 1e-5) << key;
  }
  double good = 0, joules = 0;
  for (const Row& row : run.requests) {
    joules += real(row, "energy_j");
    if (real(row, "TTFT") <= run.json["slo"]["ttft_ms"].get<double>() * 1e6 &&
        real(row, "TPOT") <= run.json["slo"]["tpot_ms"].get<double>() * 1e6)
      ++good;
  }
  EXPECT_NEAR(run.json["goodput"]["attainment"].get<double>(), good / n, 1e-12);
  EXPECT_NEAR(run.json["energy"]["of_requests_j"].get<double>(), joules, 1e-7 * joules);
  EXPECT_NEAR(run.json["energy"]["total_j"].get<double>(), joules + run.json["energy"]["idle_j"].get<double>(), 1e-7 * joules);
}

TEST(ServingTables, agree_with_each_other_and_with_serving_json) {
  const test::ScratchDirectory scratch;
  for (const char* policy : {"prefill_first", "chunked_prefill", "co_processing"}) {
    SCOPED_TRACE(policy);
    const Experiment e = short_chat({std::string("serving.batch.policy=") + policy, "serving.batch.chunk_tokens=40",
                                     "serving.slo.ttft_ms=3", "serving.slo.tpot_ms=100", "serving.requests.limit=40"});
    const Served run = serve_into(scratch.file(policy), e, ServingTier::detailed);
    expect_iterations_follow(run);
    expect_times_of_requests_are_of_iterations(run);
    expect_load_is_the_times_of_requests(run);
    expect_figures_are_of_the_rows(run);
    EXPECT_EQ(sum_of(run.iterations, "prompt_tokens"), sum_of(run.requests, "input"));
    // A request's first token comes of its prompt, each other of an iteration.
    EXPECT_EQ(sum_of(run.iterations, "decodes"), sum_of(run.requests, "output") - static_cast<std::int64_t>(run.requests.size()));
    const double attainment = run.json["goodput"]["attainment"];
    EXPECT_TRUE(attainment > 0 && attainment < 1) << attainment;  // the SLO parts the requests
  }
}

TEST(ServingTables, of_cycles_agree_with_each_other_and_with_serving_json) {
  const test::ScratchDirectory scratch;
  const Served run = serve_into(scratch.file("out"), short_chat({"serving.requests.limit=4"}), ServingTier::cycle);
  expect_iterations_follow(run);
  expect_times_of_requests_are_of_iterations(run);
  expect_load_is_the_times_of_requests(run);
  expect_figures_are_of_the_rows(run);
}

/// Six pages for requests that want three or four each.
TEST(ServingTables, count_what_requests_that_make_room_compute_again) {
  const test::ScratchDirectory scratch;
  const Experiment e = short_chat({"serving.requests.lengths=fixed", "serving.requests.prompt_tokens=40",
                                   "serving.requests.output_tokens=20", "serving.kv.capacity_tokens=112", "serving.kv.watermark=0"});
  const Served run = serve_into(scratch.file("out"), e, ServingTier::detailed);
  const std::int64_t made_room = sum_of(run.requests, "preemptions");
  EXPECT_GT(made_room, 0);
  EXPECT_EQ(run.json["requests"]["preemptions"], made_room);
  EXPECT_NE(run.summary.find(fmt::format("; {} times one made room\n", made_room)), std::string::npos) << run.summary;
  expect_iterations_follow(run);
  expect_figures_are_of_the_rows(run);
  // Each time at least its prompt again.
  EXPECT_GE(sum_of(run.iterations, "prompt_tokens"), sum_of(run.requests, "input") + 40 * made_room);
  for (const Row& row : run.iterations) EXPECT_LE(whole(row, "kv_pages"), 7);
}

/// Three pages and two drafts: texts of more than 46 tokens have no place.
TEST(ServingTables, and_the_summary_name_the_longest_text_that_the_memory_holds) {
  const test::ScratchDirectory scratch;
  const auto served_prompts_of = [&](int prompt) {
    const Experiment e = short_chat(
        {"model.layers=2", "serving.requests.lengths=fixed", fmt::format("serving.requests.prompt_tokens={}", prompt),
         "serving.requests.output_tokens=40", "serving.requests.limit=2", "serving.kv.capacity_tokens=48", "serving.speculation.depth=2",
         "serving.speculation.acceptance=[0.7]", "serving.speculation.draft=layers", "serving.speculation.layers=1"});
    return serve_into(scratch.file(std::to_string(prompt)), e, ServingTier::detailed);
  };
  const Served cut = served_prompts_of(46), none = served_prompts_of(47);
  for (const Row& row : cut.requests) {
    EXPECT_EQ(row.at("ending"), "truncated");
    EXPECT_EQ(whole(row, "output"), 1);  // its context would be longer than the memory
  }
  EXPECT_NE(cut.summary.find("2 truncated at 46 tokens\n"), std::string::npos) << cut.summary;
  for (const Row& row : none.requests) EXPECT_EQ(row.at("ending"), "rejected");
  EXPECT_NE(none.summary.find("2 rejected (prompt above 46 tokens)\n"), std::string::npos) << none.summary;
}

/// One user's iterations are the same by cycles and by the closed form.
TEST(FormTimes, are_the_lengths_of_a_run_by_the_closed_form_and_near_those_by_cycles) {
  const test::ScratchDirectory scratch;
  const Experiment e = short_chat({"serving.requests.arrivals=closed_loop", "serving.requests.users=1", "serving.requests.limit=4"});
  const Served form = serve_into(scratch.file("form"), e, ServingTier::detailed);
  const Served cycle = serve_into(scratch.file("cycle"), e, ServingTier::cycle, [](ServeOptions& options) {
    options.form_times = true;
    return nullptr;
  });
  ASSERT_EQ(cycle.iterations.size(), form.iterations.size());
  EXPECT_EQ(form.iterations[0].count("form_ns"), 0u);
  for (std::size_t i = 0; i < form.iterations.size(); ++i) {
    const double form_ns = real(cycle.iterations[i], "form_ns"), cycle_ns = static_cast<double>(length_ns(cycle.iterations[i]));
    EXPECT_NEAR(form_ns, static_cast<double>(length_ns(form.iterations[i])), 1) << i;
    EXPECT_NEAR(form_ns, cycle_ns, 0.03 * cycle_ns) << i;
  }
}

/// The stratum that an iteration belongs to, of four places.
std::string stratum_of(const Row& iteration) {
  if (whole(iteration, "decodes") == 0) return "prompts";
  if (whole(iteration, "prompts") > 0) return "prompts beside decode";
  return fmt::format("decode, to {} requests", whole(iteration, "decodes"));
}

/// Of users who ask as soon as they are answered: what stands in an iteration does not depend on how long one takes.
Experiment chat_of_five_users(std::vector<std::string> settings) {
  settings.insert(settings.end(), {"serving.requests.arrivals=closed_loop", "serving.requests.users=5"});
  return short_chat(settings);
}

const Json& metric_of(const Json& json, const std::string& name) {
  for (const Json& metric : json["confirmation"]["metrics"]) {
    if (metric["name"] == name) return metric;
  }
  throw std::runtime_error("no metric " + name);
}

/// Consecutive caches and few iterations: those that the sample simulates are those of the run by cycles, one by one.
TEST(ServingConfirmation, of_few_iterations_takes_them_all_and_their_times_by_cycles) {
  const test::ScratchDirectory scratch;
  const Experiment e =
      chat_of_five_users({"serving.batch.policy=co_processing", "serving.batch.chunk_tokens=64", "serving.kv.addresses=consecutive",
                          "serving.requests.limit=6", "serving.requests.longest_output=7"});
  const Served both = serve_into(scratch.file("both"), e, ServingTier::both),
               cycle = serve_into(scratch.file("cycle"), e, ServingTier::cycle);
  ASSERT_EQ(both.iterations.size(), cycle.iterations.size());
  std::map<std::string, double> form_s, cycle_s;
  std::map<std::string, std::int64_t> count;
  for (std::size_t i = 0; i < cycle.iterations.size(); ++i) {
    const std::string stratum = stratum_of(cycle.iterations[i]);
    ASSERT_EQ(stratum_of(both.iterations[i]), stratum) << i;
    ++count[stratum];
    form_s[stratum] += static_cast<double>(length_ns(both.iterations[i])) * 1e-9;
    cycle_s[stratum] += static_cast<double>(length_ns(cycle.iterations[i])) * 1e-9;
  }
  EXPECT_GE(count.size(), 5u);
  std::int64_t iterations = 0;
  double simulated_s = 0, run_s = 0;
  for (const Json& stratum : both.json["confirmation"]["strata"]) {
    const std::string name = stratum["iterations_of"];
    SCOPED_TRACE(name);
    iterations += stratum["iterations"].get<std::int64_t>();
    EXPECT_EQ(stratum["iterations"], count[name]);
    ASSERT_LE(count[name], 8);
    EXPECT_EQ(stratum["simulated"], stratum["iterations"]);
    if (count[name] == 0) continue;
    const double form = stratum["form_s"], by_cycles = stratum["cycle_s"];
    EXPECT_NEAR(form, form_s[name], 1e-9 * static_cast<double>(count[name]));
    EXPECT_NEAR(by_cycles, cycle_s[name], 0.01 * cycle_s[name]);  // a refresh more or less in a single iteration
    simulated_s += by_cycles;
    run_s += cycle_s[name];
    EXPECT_NEAR(stratum["error"].get<double>(), form / by_cycles - 1, 1e-12);
    EXPECT_NE(both.summary.find(fmt::format("    {:<28}{:>8} iterations, {:>2} simulated, error {:+.2f} %\n", name, count[name],
                                            count[name], 100 * (form / by_cycles - 1))),
              std::string::npos)
        << both.summary;
  }
  EXPECT_EQ(iterations, both.json["iterations"]);
  EXPECT_NEAR(simulated_s, run_s, 0.001 * run_s);
}

/// Figures of the closed form stand as they are; what each would be by cycles is told beside it.
TEST(ServingConfirmation, corrects_the_figures_towards_those_by_cycles) {
  const test::ScratchDirectory scratch;
  const Experiment e = chat_of_five_users({"serving.requests.output_tokens=8", "serving.requests.limit=8"});
  const Served both = serve_into(scratch.file("both"), e, ServingTier::both),
               cycle = serve_into(scratch.file("cycle"), e, ServingTier::cycle);
  const Served form = serve_into(scratch.file("form"), e, ServingTier::detailed);
  EXPECT_EQ(both.json["latency"], form.json["latency"]);
  EXPECT_EQ(both.json["energy"], form.json["energy"]);
  bool sampled = false;
  for (const Json& stratum : both.json["confirmation"]["strata"]) {
    EXPECT_EQ(stratum["simulated"], std::min<std::int64_t>(8, stratum["iterations"]));
    sampled = sampled || stratum["iterations"] > 8;
  }
  EXPECT_TRUE(sampled);
  for (const auto& [title, key] : {std::pair("TTFT", "ttft"), {"TPOT", "tpot"}, {"ITL", "itl"}, {"e2e", "e2e"}, {"queueing", "queueing"}}) {
    for (const auto& [of, value] : {std::pair("mean", "mean_ms"), {"p99", "p99_ms"}}) {
      const Json& metric = metric_of(both.json, fmt::format("{} {}", title, of));
      const double form_ms = metric["form_ms"], corrected = metric["corrected_ms"], expected = cycle.json["latency"][key][value];
      EXPECT_DOUBLE_EQ(form_ms, form.json["latency"][key][value].get<double>());
      EXPECT_NEAR(metric["error"].get<double>(), form_ms / corrected - 1, 1e-12);
      const double off = std::abs(corrected / expected - 1);
      EXPECT_TRUE(off < std::abs(form_ms / expected - 1) || off < 0.002)
          << title << " " << of << ": " << form_ms << ", corrected " << corrected << ", by cycles " << expected;
    }
  }
}

/// Prompts of two pages, then contexts of 33 to 64 tokens: 16 of three pages and 16 of four, in three equal requests.
TEST(ServingReuse, takes_known_times_and_checks_every_sixteenth) {
  const test::ScratchDirectory scratch;
  const Experiment e =
      short_chat({"serving.requests.arrivals=closed_loop", "serving.requests.users=1", "serving.requests.limit=3",
                  "serving.requests.lengths=fixed", "serving.requests.prompt_tokens=32", "serving.requests.output_tokens=33"});
  const Served run = serve_into(scratch.file("reuse"), e, ServingTier::cycle, [](ServeOptions& options) {
    options.reuse_pages = true;
    return nullptr;
  });
  const Served whole_run = serve_into(scratch.file("whole"), e, ServingTier::cycle);
  ASSERT_EQ(run.iterations.size(), 99u);
  // Of 48 equal ones the first is simulated, then each 16th of 47: two checks.
  EXPECT_EQ(run.json["reuse"]["checked"], 4);
  EXPECT_EQ(run.json["reuse"]["simulated"], 1 + 2 * 3);
  EXPECT_EQ(run.json["reuse"]["reused"], 2 + 2 * 45);
  EXPECT_FALSE(run.json.contains("time"));  // of parts of the machine nothing is known
  expect_iterations_follow(run);
  expect_times_of_requests_are_of_iterations(run);
  expect_figures_are_of_the_rows(run);
  std::map<std::int64_t, std::vector<std::int64_t>> lengths;  // by pages
  for (const Row& row : run.iterations) lengths[whole(row, "decodes") * whole(row, "kv_pages")].push_back(length_ns(row));
  ASSERT_EQ(lengths.size(), 3u);
  double worst = 0, sum = 0;
  for (const auto& [pages, all] : lengths) {
    for (std::size_t use = 1; use < all.size(); ++use) {
      const double length = static_cast<double>(all[use]), first = static_cast<double>(all[0]);
      if (use % 16 == 0) {
        worst = std::max(worst, std::abs(first / length - 1));
        sum += (first / length - 1) / 4;
      } else {
        EXPECT_NEAR(length, first, 1) << pages << " " << use;
      }
    }
  }
  EXPECT_NEAR(run.json["reuse"]["worst_error"].get<double>(), worst, 1e-5);
  EXPECT_NEAR(run.json["reuse"]["mean_error"].get<double>(), sum, 1e-5);
  EXPECT_GT(worst, 0);
  // Found: 0.12 % of the time, 0.06 % of the energy.
  for (const char* figure : {"time_s", "busy_s"}) {
    EXPECT_NEAR(run.json[figure].get<double>() / whole_run.json[figure].get<double>(), 1, 0.003) << figure;
  }
  EXPECT_NEAR(run.json["energy"]["total_j"].get<double>() / whole_run.json["energy"]["total_j"].get<double>(), 1, 0.003);
}

/// Iterations in which caches move to the normal channels or back are simulated; the moves of others are not lost.
TEST(ServingReuse, of_requests_that_come_and_go_is_near_the_run_without) {
  const test::ScratchDirectory scratch;
  const Experiment e =
      short_chat({"serving.requests.lengths=fixed", "serving.requests.prompt_tokens=40", "serving.requests.output_tokens=20",
                  "serving.requests.limit=4", "serving.kv.capacity_tokens=112", "serving.kv.watermark=0", "serving.kv.preemption=swap"});
  const Served run = serve_into(scratch.file("reuse"), e, ServingTier::cycle, [](ServeOptions& options) {
    options.reuse_pages = true;
    return nullptr;
  });
  const Served whole_run = serve_into(scratch.file("whole"), e, ServingTier::cycle);
  EXPECT_GT(run.json["requests"]["swaps"], 0);
  EXPECT_EQ(run.json["reuse"]["simulated"].get<int>() + run.json["reuse"]["reused"].get<int>(), run.json["iterations"].get<int>());
  EXPECT_GT(run.json["reuse"]["reused"], run.json["reuse"]["simulated"]);
  EXPECT_EQ(run.json["tokens"], whole_run.json["tokens"]);
  // Found: 0.04 % of both.
  EXPECT_NEAR(run.json["time_s"].get<double>() / whole_run.json["time_s"].get<double>(), 1, 0.003);
  EXPECT_NEAR(run.json["energy"]["total_j"].get<double>() / whole_run.json["energy"]["total_j"].get<double>(), 1, 0.003);
}

/// Lanes of requests and that of the iterations, each in order of time.
struct Lanes {
  std::map<std::int64_t, std::vector<test::ChromeTrace::Slice>> requests;
  std::vector<test::ChromeTrace::Slice> iterations;
  std::int64_t instants = 0;
};

Lanes read_lanes(const std::string& path) {
  test::ChromeTrace trace = test::read_chrome_trace(path);
  Lanes lanes;
  EXPECT_EQ(test::illegal_overlap(trace), "");
  std::stable_sort(trace.slices.begin(), trace.slices.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
  for (const auto& slice : trace.slices) {
    if (trace.processes.at(slice.where.first) == "iterations") {
      lanes.iterations.push_back(slice);
    } else {
      const std::string& name = trace.threads.at(slice.where);  // request N: ...
      lanes.requests[std::stoll(name.substr(std::string("request ").size()))].push_back(slice);
    }
  }
  lanes.instants = trace.instants;
  return lanes;
}

Change traced(const std::string& path) {
  return [path](ServeOptions& options) {
    auto trace = std::make_shared<RequestTrace>(path);
    options.listeners.push_back(trace.get());
    return [trace] { trace->close(); };
  };
}

void expect_iteration_lane_is_the_table(const Lanes& lanes, const Served& run) {
  ASSERT_EQ(lanes.iterations.size(), run.iterations.size());
  for (std::size_t i = 0; i < run.iterations.size(); ++i) {
    const Row& row = run.iterations[i];
    EXPECT_EQ(lanes.iterations[i].start / 1000, whole(row, "start_ns"));
    EXPECT_EQ(lanes.iterations[i].end / 1000, whole(row, "end_ns"));
    EXPECT_EQ(lanes.iterations[i].args.at("iteration"), whole(row, "iteration"));
    EXPECT_EQ(lanes.iterations[i].name,
              fmt::format("{} prompt tokens, {} requests decode", whole(row, "prompt_tokens"), whole(row, "decodes")));
  }
}

/// The lane of a request against its row. @return time of its lane without a slice, ps
std::int64_t expect_lane_is_the_row(const std::vector<test::ChromeTrace::Slice>& lane, const Row& row) {
  std::int64_t waits = 0, tokens = 0, prompt = 0, slices = 0, first_run = -1, first_token = -1;
  for (const auto& slice : lane) {
    slices += slice.end - slice.start;
    if (slice.category == "queue") {
      waits += slice.end - slice.start;
      continue;
    }
    if (first_run < 0) first_run = slice.start;
    if (slice.category == "prefill") {
      prompt += std::stoll(slice.name.substr(std::string("prompt, ").size()));
      first_token = slice.end;
    } else {
      EXPECT_EQ(slice.name, "token");
      EXPECT_EQ(slice.args.at("context").get<std::int64_t>(), whole(row, "input") + ++tokens);
    }
  }
  const auto ns = [](std::int64_t ps) { return static_cast<double>(ps) * 1e-3; };
  EXPECT_EQ(prompt, whole(row, "input"));
  EXPECT_EQ(tokens, whole(row, "output") - 1);
  EXPECT_NEAR(ns(lane.front().start), real(row, "arrival"), 0.51);
  EXPECT_NEAR(ns(lane.back().end), real(row, "end_time"), 0.51);
  EXPECT_NEAR(ns(first_run - lane.front().start), real(row, "queuing_delay"), 1.01);
  EXPECT_NEAR(ns(waits), real(row, "queuing_delay"), 1.01);
  EXPECT_NEAR(ns(first_token - lane.front().start), real(row, "TTFT"), 1.01);
  return lane.back().end - lane.front().start - slices;
}

/// With co-processing who runs is in each iteration: the slices are the whole time from arrival to end.
TEST(RequestTraceFile, has_all_of_a_requests_time_and_tokens) {
  const test::ScratchDirectory scratch;
  const Experiment e = short_chat({"serving.batch.policy=co_processing", "serving.batch.chunk_tokens=40", "serving.requests.limit=30"});
  const std::string path = scratch.file("requests.trace.json");
  const Served run = serve_into(scratch.file("out"), e, ServingTier::detailed, traced(path));
  const Lanes lanes = read_lanes(path);
  expect_iteration_lane_is_the_table(lanes, run);
  ASSERT_EQ(lanes.requests.size(), run.requests.size());
  for (const Row& row : run.requests) {
    SCOPED_TRACE(row.at("request id"));
    EXPECT_EQ(expect_lane_is_the_row(lanes.requests.at(whole(row, "request id")), row), 0);
  }
  EXPECT_EQ(lanes.instants, static_cast<std::int64_t>(run.requests.size()));
  EXPECT_GT(sum_of(run.requests, "queuing_delay"), 0);
}

/// Prompts first: who decodes has nothing in its lane while prompts of others run, and nothing else.
TEST(RequestTraceFile, leaves_out_the_iterations_that_a_request_is_not_in) {
  const test::ScratchDirectory scratch;
  const std::string path = scratch.file("requests.trace.json");
  const Served run = serve_into(scratch.file("out"), short_chat(), ServingTier::detailed, traced(path));
  const Lanes lanes = read_lanes(path);
  expect_iteration_lane_is_the_table(lanes, run);
  std::int64_t all_held_up = 0;
  for (const Row& row : run.requests) {
    SCOPED_TRACE(row.at("request id"));
    const auto& lane = lanes.requests.at(whole(row, "request id"));
    std::int64_t held_up = 0;
    for (const auto& iteration : lanes.iterations) {
      const bool inside = iteration.start >= lane.front().start && iteration.end <= lane.back().end;
      const bool apart = std::none_of(lane.begin(), lane.end(),
                                      [&](const auto& slice) { return slice.start < iteration.end && iteration.start < slice.end; });
      if (inside && apart) {
        EXPECT_EQ(iteration.category, "prefill");
        held_up += iteration.end - iteration.start;
      }
    }
    EXPECT_EQ(expect_lane_is_the_row(lane, row), held_up);
    all_held_up += held_up;
  }
  EXPECT_GT(all_held_up, 0);
}

TEST(RequestTraceFile, shows_the_waits_of_requests_that_make_room) {
  const test::ScratchDirectory scratch;
  const Experiment e = short_chat({"serving.requests.lengths=fixed", "serving.requests.prompt_tokens=40",
                                   "serving.requests.output_tokens=20", "serving.kv.capacity_tokens=112", "serving.kv.watermark=0"});
  const std::string path = scratch.file("requests.trace.json");
  const Served run = serve_into(scratch.file("out"), e, ServingTier::detailed, traced(path));
  const Lanes lanes = read_lanes(path);
  expect_iteration_lane_is_the_table(lanes, run);
  const std::int64_t made_room = sum_of(run.requests, "preemptions");
  EXPECT_EQ(lanes.instants, static_cast<std::int64_t>(run.requests.size()) + made_room);
  for (const Row& row : run.requests) {
    const auto& lane = lanes.requests.at(whole(row, "request id"));
    const auto waits = std::count_if(lane.begin() + 1, lane.end(), [](const auto& slice) { return slice.category == "queue"; });
    EXPECT_EQ(waits, whole(row, "preemptions")) << row.at("request id");
  }
}

class StoppedRun : public ::testing::TestWithParam<ServingTier> {};
INSTANTIATE_TEST_SUITE_P(Serving, StoppedRun, ::testing::Values(ServingTier::cycle, ServingTier::detailed, ServingTier::both),
                         [](const auto& info) { return std::string(name_of(info.param)); });

/// As if Ctrl-C came in the tenth iteration.
TEST_P(StoppedRun, is_the_beginning_of_the_whole_run) {
  const test::ScratchDirectory scratch;
  const Experiment e = short_chat({"serving.requests.limit=4"});
  static volatile std::sig_atomic_t stop = 0;
  const Served stopped = serve_into(scratch.file("stopped"), e, GetParam(), [](ServeOptions& options) {
    options.stop = &stop;
    options.progress = [n = 0](const ServingProgress&) mutable { stop = ++n >= 10 ? 1 : 0; };
    return nullptr;
  });
  const Served all = serve_into(scratch.file("whole"), e, GetParam());
  EXPECT_TRUE(stopped.json["partial"]);
  EXPECT_FALSE(all.json["partial"]);
  ASSERT_EQ(stopped.iterations.size(), 10u);
  EXPECT_TRUE(std::equal(stopped.iterations.begin(), stopped.iterations.end(), all.iterations.begin()));
  ASSERT_LT(stopped.requests.size(), all.requests.size());
  ASSERT_GT(stopped.requests.size(), 0u);
  for (std::size_t i = 0; i < stopped.requests.size(); ++i) EXPECT_EQ(stopped.requests[i], all.requests[i]);
  expect_iterations_follow(stopped);
  const Json& requests = stopped.json["requests"];
  EXPECT_EQ(requests["complete"], stopped.requests.size());
  EXPECT_EQ(requests["arrived"].get<std::int64_t>(), requests["complete"].get<std::int64_t>() + requests["unfinished"].get<std::int64_t>());
  EXPECT_GT(requests["unfinished"], 0);
  EXPECT_FALSE(stopped.json.contains("confirmation"));
  EXPECT_EQ(stopped.summary.rfind(fmt::format("PARTIAL: stopped with {} requests", requests["unfinished"].get<int>()), 0), 0u);
}

std::string typed(const std::vector<std::string>& settings) {
  std::string out = "serve experiment/h2llm-llama3-8b-sharegpt --model model/llama-3.2-1b --dataflow dataflow/fc_offloading";
  for (const std::string& setting : settings) out += " --set " + setting;
  return out;
}

/// One request of seven tokens.
const std::vector<std::string> seven_iterations = {"serving.requests.lengths=fixed", "serving.requests.prompt_tokens=20",
                                                   "serving.requests.output_tokens=7", "serving.requests.limit=1"};

/// A channel's rows of an iteration, waits among them, are its whole time: each as often as the layers it stands for.
TEST(IterationTaskTraces, have_the_whole_time_of_the_iterations_asked_for_and_of_no_others) {
  const test::ScratchDirectory scratch;
  for (const int layers : {1, 2}) {
    const std::string out = scratch.file(std::to_string(layers));
    const auto result = test::bondsim_command(typed(short_texts(seven_iterations)) + fmt::format(" --set model.layers={}", layers) +
                                              " -q --trace tasks --trace-steps 2:4 --out " + out);
    ASSERT_EQ(result.status, 0) << result.output;
    const auto iterations = rows_of(out + "/iterations.csv");
    ASSERT_EQ(iterations.size(), 7u);
    for (const char* executor : {"npu", "nmp.channel0", "normal.channel7"}) {
      SCOPED_TRACE(fmt::format("{}, {} layers", executor, layers));
      std::map<std::int64_t, std::int64_t> time_ps;
      for (const auto& row : test::read_task_csv(fmt::format("{}/{}.tasks.csv", out, executor))) {
        const std::int64_t step = test::number(row, "step");
        time_ps[step] += (test::number(row, "end_ps") - test::number(row, "start_ps")) * test::number(row, "layers");
        if (layers > 1) continue;  // a trace's times are those simulated: equal layers once
        const Row& iteration = iterations.at(static_cast<std::size_t>(step));
        ASSERT_GE(test::number(row, "start_ps") / 1000, whole(iteration, "start_ns"));
        ASSERT_LE(test::number(row, "end_ps") / 1000, whole(iteration, "end_ns"));
      }
      ASSERT_EQ(time_ps.size(), 3u);
      for (const std::int64_t step : {2, 3, 4}) {
        const auto length = static_cast<double>(length_ns(iterations.at(static_cast<std::size_t>(step))));
        // Arrays and vector units of the NPU run side by side.
        if (std::string(executor) != "npu") {
          EXPECT_NEAR(static_cast<double>(time_ps[step]) * 1e-3, length, 1) << step;
        }
      }
    }
  }
}

TEST(IterationTaskTraces, are_of_the_first_forty_iterations_unless_asked_otherwise) {
  const test::ScratchDirectory scratch;
  const auto result = test::bondsim_command(typed(short_texts({"serving.requests.lengths=fixed", "serving.requests.prompt_tokens=4",
                                                               "serving.requests.output_tokens=42", "serving.requests.limit=1"})) +
                                            " -q --trace tasks --out " + scratch.file("out"));
  ASSERT_EQ(result.status, 0) << result.output;
  EXPECT_EQ(result.output, "");
  ASSERT_EQ(rows_of(scratch.file("out/iterations.csv")).size(), 42u);
  std::set<std::int64_t> steps;
  for (const auto& row : test::read_task_csv(scratch.file("out/npu.tasks.csv"))) steps.insert(test::number(row, "step"));
  ASSERT_EQ(steps.size(), 40u);
  EXPECT_EQ(*steps.rbegin(), 39);
}

TEST(ServeCommand, reuses_by_pages_and_writes_a_lane_of_every_iteration) {
  const test::ScratchDirectory scratch;
  const auto result =
      test::bondsim_command(typed(short_texts(seven_iterations)) + " --reuse page --trace perfetto --out " + scratch.file("out"));
  ASSERT_EQ(result.status, 0) << result.output;
  // Contexts of 21 to 26 tokens have two pages each.
  EXPECT_NE(result.output.find("  2 iterations simulated, 5 reused by pages: error "), std::string::npos) << result.output;
  EXPECT_EQ(rows_of(scratch.file("out/iterations.csv")).size(), 7u);
  EXPECT_EQ(read_lanes(scratch.file("out/requests.trace.json")).iterations.size(), 7u);
}

TEST(ServeCommand, compares_each_iteration_with_the_closed_form) {
  const test::ScratchDirectory scratch;
  const auto result = test::bondsim_command(typed(short_texts(seven_iterations)) + " -q --form-times --out " + scratch.file("out"));
  ASSERT_EQ(result.status, 0) << result.output;
  for (const Row& row : rows_of(scratch.file("out/iterations.csv"))) {
    EXPECT_NEAR(real(row, "form_ns") / static_cast<double>(length_ns(row)), 1, 0.03) << row.at("iteration");
  }
}

TEST(ServeCommand, confirms_a_sample_of_the_iterations) {
  const auto result = test::bondsim_command(typed(short_texts(seven_iterations)) + " --tier both --json");
  ASSERT_EQ(result.status, 0) << result.output;
  const Json json = Json::parse(result.output);
  EXPECT_EQ(json["tier"], "both");
  EXPECT_EQ(json["confirmation"]["strata"][0]["simulated"], 1);
  EXPECT_EQ(json["confirmation"]["strata"][2]["simulated"], 6);
}

}  // namespace
}  // namespace bondsim::tools
