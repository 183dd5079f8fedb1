#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cmath>
#include <random>
#include <set>

#include "mapping/search/device/confirmation.hpp"
#include "mapping/search/device/device_metrics.hpp"
#include "mapping/search/device/roofline_evaluator.hpp"
#include "tests/support/command.hpp"
#include "tests/support/paths.hpp"
#include "tools/app/processes/worker_pool.hpp"

namespace bondsim::search {
namespace {

const std::string configs = bondsim::tests::source_dir() + "/configs/";

std::string space_text(const std::string& parameters, const std::string& objectives = "latency_s, pe_area_mm2",
                       const std::string& method = "{method: exhaustive}") {
  return "schema: bondsim.space/1\nname: t\nsystem: " + configs + "system/h2llm.yaml\nworkloads:\n  - {model: " + configs +
         "model/opt-6.7b.yaml, workload: " + configs + "workload/humaneval.yaml}\nobjectives: [" + objectives +
         "]\nlm_head: false\nsearch: " + method + "\nparameters:\n" + parameters;
}

DesignSpace space_of(const std::string& text) { return decode_space(parse_yaml(text, "s.yaml")); }

std::string space_error(const std::string& text) {
  try {
    space_of(text);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

const std::string small_parameters =
    "  - {keys: [channels.nmp, channels.normal], rows: [[4, 4], [6, 2]]}\n"
    "  - {key: nmp.pe.fpus, values: [1, 2, 4, 8]}\n"
    "  - {key: nmp.pe.clock_mhz, range: {from: 400, to: 1000, step: 200}}\n"
    "  - {key: nmp.input_buffer_kib, range: {from: 4, to: 128, factor: 2}}\n";

TEST(DesignSpace, lists_ranges_and_ties_make_candidates_in_order) {
  const DesignSpace space = space_of(space_text(small_parameters));
  ASSERT_EQ(space.size(), 2 * 4 * 4 * 6);
  EXPECT_EQ(space.text(space.candidate(0)), "channels.nmp=4 channels.normal=4 nmp.pe.fpus=1 nmp.pe.clock_mhz=400 nmp.input_buffer_kib=4");
  EXPECT_EQ(space.text(space.candidate(191)),
            "channels.nmp=6 channels.normal=2 nmp.pe.fpus=8 nmp.pe.clock_mhz=1000 nmp.input_buffer_kib=128");
  std::set<std::string> texts;
  for (int i = 0; i < 192; ++i) texts.insert(space.text(space.candidate(i)));
  EXPECT_EQ(texts.size(), 192u);
  for (int i = 0; i < 192; ++i) EXPECT_EQ(space.candidate(space.text(space.candidate(i))), space.candidate(i));
  for (const char* other :
       {"", "channels.nmp=4", "channels.nmp=4 channels.normal=4 nmp.pe.fpus=1 nmp.pe.clock_mhz=400 nmp.input_buffer_kib=5"}) {
    EXPECT_FALSE(space.candidate(std::string(other)).has_value()) << other;
  }
}

TEST(DesignSpace, errors_name_what_is_allowed) {
  EXPECT_EQ(space_error(space_text("  - {keys: [a, b], rows: [[1, 2], [3]]}\n")),
            "s.yaml:10: space.parameters[0].rows: 1 values in a row, allowed: 2, one for each key");
  EXPECT_EQ(space_error(space_text("  - {key: a, values: [1, 1]}\n")),
            "s.yaml:10: space.parameters[0].values: entry given twice, allowed once");
  EXPECT_EQ(space_error(space_text("  - {key: a, range: {from: 1, to: 2}}\n")),
            "s.yaml:10: space.parameters[0].range: one of step and factor is needed, allowed: exactly one");
  EXPECT_EQ(space_error(space_text("  - {key: a}\n")),
            "s.yaml:10: space.parameters[0]: allowed: key with values, key with range, or keys with rows");
  EXPECT_NE(space_error(space_text("  - {key: a, values: [1]}\n  - {key: a, values: [2]}\n")).find("'a' is varied twice"),
            std::string::npos);
  EXPECT_NE(space_error(space_text("  - {key: a, values: [1]}\n", "latency_s", "{method: nsga2}")).find("at least two objectives"),
            std::string::npos);
  EXPECT_THROW(RooflineEvaluator(space_of(space_text("  - {key: a, values: [1]}\n", "latency")), "h2llm-roofline"), ConfigError);
}

TEST(DesignSpace, every_shipped_space_loads_and_its_first_and_last_device_are_systems) {
  int spaces = 0;
  for (const auto& file : std::filesystem::directory_iterator(configs + "space")) {
    if (file.path().extension() != ".yaml") continue;
    const DesignSpace space = decode_space(load_yaml_file(file.path().string()));
    const RooflineEvaluator evaluator(space, "detailed");
    EXPECT_GT(evaluator.setup(space.candidate(0)).system.channel_count(), 0);
    EXPECT_GT(evaluator.setup(space.candidate(space.size() - 1)).system.channel_count(), 0);
    ++spaces;
  }
  EXPECT_GE(spaces, 2);
}

TEST(RooflineEvaluator, gives_the_fixed_device_the_latency_of_the_row_search) {
  // The H2-LLM device of tests/data/dse_best.csv, OPT, batch 1, HumanEval, by way of YAML files.
  const DesignSpace space = space_of(space_text("  - {key: nmp.pe.fpus, values: [8]}\n"));
  RooflineEvaluator evaluator(space, "h2llm-roofline");
  const Evaluation evaluation = evaluator.evaluate(space.candidate(0));
  ASSERT_TRUE(evaluation.feasible) << evaluation.reason;
  EXPECT_NEAR(evaluation.metrics.at("prefill_s"), 32 * 0.00585469375, 1e-12);
  EXPECT_LE(evaluation.metrics.at("latency_s"), 32 * 0.01703268168788298);
  EXPECT_GT(evaluation.metrics.at("latency_s"), 32 * 0.0168);
  EXPECT_NEAR(evaluation.metrics.at("pe_area_mm2"), 8 * 0.44 + 38.0 / 1024 * 2.72 + 0.197 * 6.76, 1e-12);
  EXPECT_GT(evaluation.metrics.at("energy_j"), 0);
}

TEST(RooflineEvaluator, a_violated_constraint_makes_a_device_infeasible) {
  DesignSpace space = space_of(space_text("  - {key: nmp.pe.fpus, values: [1, 8]}\n"));
  space.constraints.push_back({"pe_area_mm2", 3.0});
  RooflineEvaluator evaluator(space, "h2llm-roofline");
  EXPECT_TRUE(evaluator.evaluate({0}).feasible);
  const Evaluation large = evaluator.evaluate({1});
  EXPECT_FALSE(large.feasible);
  EXPECT_NE(large.reason.find("pe_area_mm2 is 4.95"), std::string::npos) << large.reason;
}

TEST(RooflineEvaluator, a_device_beyond_the_published_areas_is_infeasible_unless_the_space_allows_it) {
  DesignSpace space = space_of(space_text("  - {key: nmp.pe.clock_mhz, values: [600, 800]}\n"));  // 8 FPUs at 25.6 GB/s
  EXPECT_TRUE(RooflineEvaluator(space, "h2llm-roofline").evaluate({0}).feasible);
  EXPECT_FALSE(RooflineEvaluator(space, "h2llm-roofline").evaluate({1}).feasible);
  space.allow_illegal = true;
  EXPECT_TRUE(RooflineEvaluator(space, "h2llm-roofline").evaluate({1}).feasible);
}

/// A device is searched once for each of its settings that the form reads: candidates that differ in one never share a result.
TEST(RooflineEvaluator, devices_that_detailed_tells_apart_share_nothing) {
  const System base = RooflineEvaluator(space_of(space_text("  - {key: nmp.pe.fpus, values: [8]}\n")), "h2llm-roofline").setup({0}).system;
  const std::string key = device_key(base, "detailed", Bandwidths::peak);
  EXPECT_EQ(device_key(base, "detailed", Bandwidths::peak), key);
  const std::vector<std::pair<const char*, std::function<void(System&)>>> changes = {
      {"activate policy", [](System& s) { s.nmp.activate_policy = ActivatePolicy::staggered; }},
      {"DRAM timing", [](System& s) { s.dram.timing.n_rp_pb += 1; }},
      {"refresh kind", [](System& s) { s.controller.refresh = RefreshKind::none; }},
      {"refresh switch", [](System& s) { s.fidelity.refresh = false; }},
      {"rows of an array", [](System& s) { s.npu.array_rows /= 2; }},
      {"arrays", [](System& s) { s.npu.arrays /= 2; }},
      {"scratchpad chunk", [](System& s) { s.npu.dma_chunk_kib *= 2; }},
      {"weight buffer", [](System& s) { s.nmp.pe.weight_buffer_kib *= 2; }},
      {"port", [](System& s) { s.nmp.hb.access_bytes *= 2; }},
      {"channels", [](System& s) { s.set_channels(s.nmp_channel_count(), s.channel_count() - s.nmp_channel_count() + 1); }},
  };
  for (const auto& [what, change] : changes) {
    System other = base;
    change(other);
    EXPECT_NE(device_key(other, "detailed", Bandwidths::peak), key) << what;
  }
  System renamed = base;
  renamed.name = "another";
  EXPECT_EQ(device_key(renamed, "detailed", Bandwidths::peak), key);
  // A roofline at sustained bandwidths reads the timing of rows through the bandwidth.
  System slower = base;
  slower.dram.timing.n_rp_pb += 20;
  EXPECT_NE(device_key(slower, "h2llm-roofline-corrected", Bandwidths::sustained),
            device_key(base, "h2llm-roofline-corrected", Bandwidths::sustained));
  EXPECT_EQ(device_key(slower, "h2llm-roofline", Bandwidths::peak), device_key(base, "h2llm-roofline", Bandwidths::peak));
}

/// Both candidates of one evaluator, as each alone in an evaluator of its own.
TEST(RooflineEvaluator, an_evaluator_that_has_judged_others_gives_the_same_metrics) {
  DesignSpace space = space_of(space_text("  - {key: fidelity.refresh, values: [true, false]}\n"));
  space.system = configs + "system/h2llm.yaml";
  RooflineEvaluator both(space, "detailed");
  const double with_refresh = both.evaluate({0}).metrics.at("decode_s");
  const double without = both.evaluate({1}).metrics.at("decode_s");
  EXPECT_LT(without, with_refresh * 0.99);
  EXPECT_EQ(RooflineEvaluator(space, "detailed").evaluate({1}).metrics.at("decode_s"), without);
}

TEST(JudgeDevice, means_are_weighted_and_the_power_density_is_the_worst) {
  DesignSpace space = space_of(space_text("  - {key: nmp.pe.fpus, values: [8]}\n"));
  space.workloads = {{"a", "b", 1}, {"a", "b", 3}};
  const System device =
      RooflineEvaluator(space_of(space_text("  - {key: nmp.pe.fpus, values: [8]}\n")), "h2llm-roofline").setup({0}).system;
  const WorkloadMetrics first{1, 4, 8, 2};
  const WorkloadMetrics second{2, 1, 4, 3};
  const auto evaluate = [&] { return judge_device(space, device, [&](std::size_t job) { return job == 0 ? first : second; }); };
  const auto metrics = evaluate().metrics;
  EXPECT_DOUBLE_EQ(metrics.at("latency_s"), (1 * 5 + 3 * 3) / 4.0);
  EXPECT_DOUBLE_EQ(metrics.at("energy_j"), (1 * 8 + 3 * 4) / 4.0);
  EXPECT_DOUBLE_EQ(metrics.at("edp_js"), (1 * 40 + 3 * 12) / 4.0);
  EXPECT_DOUBLE_EQ(metrics.at("pe_power_density_w_per_mm2"), 3.0 / 1 / (6 * 16 * metrics.at("pe_area_mm2")));
  EXPECT_DOUBLE_EQ(metrics.at("prefill_s"), (1 * 1 + 3 * 2) / 4.0);
  EXPECT_DOUBLE_EQ(metrics.at("decode_s"), (1 * 4 + 3 * 1) / 4.0);
  space.constraints.push_back({"pe_power_density_w_per_mm2", 0.005});
  EXPECT_NE(evaluate().reason.find("pe_power_density_w_per_mm2 is"), std::string::npos) << evaluate().reason;
}

/// 8 J in 5 s are 1.6 W, 4 J in 3 s less.
TEST(JudgeDevice, power_is_of_the_workload_that_draws_most_and_a_refusal_says_it) {
  DesignSpace space = space_of(space_text("  - {key: nmp.pe.fpus, values: [8]}\n"));
  space.workloads = {{"a", "b", 1}, {"a", "b", 3}};
  const System device =
      RooflineEvaluator(space_of(space_text("  - {key: nmp.pe.fpus, values: [8]}\n")), "h2llm-roofline").setup({0}).system;
  const auto evaluate = [&] {
    return judge_device(space, device, [](std::size_t job) {
      return job == 0 ? WorkloadMetrics{1, 4, 8, 2} : WorkloadMetrics{2, 1, 4, 3};
    });
  };
  space.constraints = {{"power_budget_w", 1.6}};
  EXPECT_TRUE(evaluate().feasible) << evaluate().reason;
  EXPECT_DOUBLE_EQ(evaluate().metrics.at("power_budget_w"), 1.6);
  space.constraints = {{"power_budget_w", 1.5}};
  EXPECT_EQ(evaluate().reason, "power_budget_w is 1.6, allowed: at most 1.5");
}

TEST(WorkerPool, a_worker_that_dies_is_replaced_and_nothing_is_lost_or_done_twice) {
  // Task 5 kills its worker while the file is missing, so once; task 9 always.
  const test::ScratchDirectory scratch;
  const std::string once = scratch.file("once");
  WorkerPool pool(2, [&](const std::string& text) {
    if (text == "5" && !std::filesystem::exists(once)) {
      std::ofstream(once) << "x";
      ::raise(SIGKILL);
    }
    if (text == "9") ::raise(SIGKILL);
    return text + "!";
  });
  std::vector<std::string> tasks;
  for (int i = 0; i < 20; ++i) tasks.push_back(std::to_string(i));
  std::vector<int> answers(20, 0);
  int gave_up = 0;
  int died = 0;
  WorkerPool::Callbacks callbacks;
  callbacks.chunk = 4;
  callbacks.answered = [&](std::size_t task, const std::string& answer) {
    EXPECT_EQ(answer, tasks[task] + "!");
    ++answers[task];
  };
  callbacks.gave_up = [&](std::size_t task, const std::string&) { gave_up += task == 9 ? 1 : 100; };
  callbacks.died = [&](const std::string& report) { died += report.find("signal") != std::string::npos ? 1 : 0; };
  pool.run(tasks, callbacks);
  for (int i = 0; i < 20; ++i) EXPECT_EQ(answers[static_cast<std::size_t>(i)], i == 9 ? 0 : 1) << i;
  EXPECT_EQ(gave_up, 1);
  EXPECT_EQ(died, 4);
  EXPECT_EQ(pool.processes().size(), 2u);
}

TEST(WorkerPool, a_worker_that_died_idle_is_replaced_even_when_it_is_the_only_one) {
  WorkerPool pool(1, [](const std::string& text) { return text + "!"; });
  ::kill(pool.processes()[0], SIGKILL);
  std::vector<std::string> answers;
  WorkerPool::Callbacks callbacks;
  callbacks.answered = [&](std::size_t, const std::string& answer) { answers.push_back(answer); };
  callbacks.gave_up = [&](std::size_t, const std::string& report) { ADD_FAILURE() << report; };
  // The first write may reach a pipe whose reader is not quite gone: what it holds is then lost and handed out again.
  for (const char* task : {"a", "b"}) pool.run({task}, callbacks);
  EXPECT_EQ(answers, (std::vector<std::string>{"a!", "b!"}));
}

/// Runs a search in this process. @return its front as text.
std::string front_of(const DesignSpace& space, const std::string& store_file, int workers, std::int64_t stop_after = -1,
                     bool resume = false) {
  RooflineEvaluator evaluator(space, "h2llm-roofline");
  ResultStore store(store_file, {"x", "1", space.search.seed}, resume);
  std::int64_t evaluated = 0;
  WorkerPool pool(workers, [&](const std::string& task) { return judge_task({&evaluator}, task); });
  HardwareSearchOptions options;
  options.pool = &pool;
  options.tier = "analytical";
  options.chunk = 8;
  options.progress = [&](const SearchProgress& p) { evaluated = p.evaluated; };
  options.stop = [&] { return stop_after >= 0 && evaluated >= stop_after; };
  EXPECT_EQ(search_hardware(space, options, store), stop_after < 0);
  std::string text;
  for (const auto& member : pareto_front(space, store, "analytical")) text += member.candidate + " " + to_json(member.evaluation) + "\n";
  return text;
}

/// There is nothing to evolve.
TEST(HardwareSearch, a_space_without_parameters_has_its_one_candidate_in_front_by_every_method) {
  const test::ScratchDirectory scratch;
  std::set<std::string> fronts;
  for (const char* method : {"exhaustive", "nsga2", "ant_colony"}) {
    const std::string objectives = method[0] == 'a' ? "latency_s" : "latency_s, energy_j";
    const DesignSpace space = space_of(space_text(" []", objectives, fmt::format("{{method: {}}}", method)));
    fronts.insert(front_of(space, scratch.file(method), 1));
  }
  EXPECT_EQ(fronts.size(), 1U) << fmt::format("{}", fmt::join(fronts, "\n"));
  EXPECT_EQ(std::count(fronts.begin()->begin(), fronts.begin()->end(), '\n'), 1);
}

TEST(HardwareSearch, stopped_and_resumed_ends_with_the_same_front) {
  const test::ScratchDirectory scratch;
  for (const char* method : {"{method: exhaustive}", "{method: nsga2, population: 16, generations: 6, seed: 3}"}) {
    const DesignSpace space = space_of(space_text(small_parameters, "latency_s, energy_j, pe_area_mm2", method));
    const std::string name = scratch.file(method[9] == 'e' ? "e" : "n");
    const std::string whole = front_of(space, name + "-whole", 2);
    EXPECT_GT(std::count(whole.begin(), whole.end(), '\n'), 3);
    EXPECT_EQ(front_of(space, name + "-one", 1), whole);
    front_of(space, name + "-parts", 2, 10);
    front_of(space, name + "-parts", 2, 5, true);
    EXPECT_EQ(front_of(space, name + "-parts", 2, -1, true), whole);
  }
}

TEST(HardwareSearch, front_is_what_no_other_candidate_beats) {
  const test::ScratchDirectory scratch;
  const DesignSpace space = space_of(space_text(small_parameters));
  const std::string front = front_of(space, scratch.file("s"), 2);
  RooflineEvaluator evaluator(space, "h2llm-roofline");
  std::vector<Evaluation> evaluations;
  for (std::int64_t i = 0; i < space.size(); ++i) evaluations.push_back(evaluator.evaluate(space.candidate(i)));
  int undominated = 0;
  for (std::int64_t i = 0; i < space.size(); ++i) {
    if (!evaluations[i].feasible) continue;
    const auto& own = evaluations[i].metrics;
    bool beaten = false;
    for (const Evaluation& rival : evaluations) {
      if (!rival.feasible || beaten) continue;
      const auto& other = rival.metrics;
      beaten = other.at("latency_s") <= own.at("latency_s") && other.at("pe_area_mm2") <= own.at("pe_area_mm2") &&
               (other.at("latency_s") < own.at("latency_s") || other.at("pe_area_mm2") < own.at("pe_area_mm2"));
    }
    if (beaten) continue;
    ++undominated;
    EXPECT_NE(front.find(space.text(space.candidate(i)) + " "), std::string::npos) << space.text(space.candidate(i));
  }
  EXPECT_EQ(std::count(front.begin(), front.end(), '\n'), undominated);
}

TEST(Confirmation, takes_the_front_and_the_best_of_each_latency_and_notes_the_agreement) {
  const test::ScratchDirectory scratch;
  DesignSpace space = space_of(space_text(small_parameters));
  front_of(space, scratch.file("s"), 2);
  ResultStore store(scratch.file("s"), {"x", "1", space.search.seed}, true);
  space.cycles.confirm_best = 3;
  space.cycles.confirm_front = 2;
  const auto front = pareto_front(space, store, "analytical");
  ASSERT_GT(front.size(), 2u);
  const auto candidates = candidates_to_confirm(space, store, "analytical");
  std::vector<std::string> names;
  for (const auto& c : candidates) names.push_back(space.text(c));
  const auto has = [&](const std::string& name) { return std::count(names.begin(), names.end(), name) == 1; };
  EXPECT_TRUE(has(front.front().candidate));
  EXPECT_TRUE(has(front.back().candidate));
  EXPECT_LE(names.size(), 5u);
  std::set<double> latencies;  // no two devices that the closed form cannot tell apart
  for (const auto& name : names) latencies.insert(store.find(name, "analytical")->metrics.at("latency_s"));
  EXPECT_EQ(latencies.size(), names.size());
  // A tier that turns the order of latencies round, and one area off.
  for (const auto& name : names) {
    Evaluation turned = *store.find(name, "analytical");
    turned.metrics["latency_s"] = 1 / turned.metrics["latency_s"];
    store.add(name, "other", turned);
  }
  const auto agreement = compare_tiers(store, "analytical", "other");
  ASSERT_FALSE(agreement.empty());
  EXPECT_EQ(agreement[0].metric, "latency_s");
  EXPECT_EQ(agreement[0].candidates, names.size());
  EXPECT_DOUBLE_EQ(agreement[0].kendall_tau, -1);
  EXPECT_DOUBLE_EQ(agreement[0].spearman_rho, -1);
  store.note_agreement("latency_s", "analytical", "other", names.size(), -1, -1);
  store.note_agreement("latency_s", "analytical", "other", names.size(), -0.5, -0.5);
}

TEST(HardwareSearch, ant_colony_finds_the_best_of_one_objective) {
  const test::ScratchDirectory scratch;
  const std::string best = front_of(space_of(space_text(small_parameters, "latency_s")), scratch.file("all"), 2);
  const std::string found =
      front_of(space_of(space_text(small_parameters, "latency_s", "{method: ant_colony, population: 32, generations: 12}")),
               scratch.file("ants"), 2);
  const auto latency = [](const std::string& text) { return evaluation_from_json(text.substr(text.find('{'))).metrics.at("latency_s"); };
  EXPECT_EQ(latency(found), latency(best));
}

/// Of a space with few feasible devices a genetic search soon looks at these alone.
TEST(HardwareSearch, infeasible_devices_are_the_worst_of_a_genetic_search) {
  const test::ScratchDirectory scratch;
  DesignSpace space = space_of(space_text(
      "  - {key: nmp.pe.fpus, values: [1, 2, 3, 4, 5, 6, 7, 8]}\n  - {key: nmp.pe.clock_mhz, range: {from: 300, to: 1000, step: 50}}\n"
      "  - {key: nmp.input_buffer_kib, range: {from: 4, to: 128, factor: 2}}\n  - {key: nmp.pe.weight_buffer_kib, values: [8, 16, 32]}\n",
      "latency_s, pe_area_mm2", "{method: nsga2, population: 16, generations: 8, seed: 3}"));
  space.constraints.push_back({"pe_area_mm2", 2.6});
  front_of(space, scratch.file("s"), 2);
  const ResultStore store(scratch.file("s"), {"x", "1", space.search.seed}, true);
  const auto& all = store.all("analytical");
  const auto feasible = std::count_if(all.begin(), all.end(), [](const auto& e) { return e.second.feasible; });
  EXPECT_GT(feasible, static_cast<long>(all.size()) / 2) << all.size();
}

TEST(ResultStore, refuses_another_search_and_a_file_that_is_none) {
  const test::ScratchDirectory scratch;
  const std::string file = scratch.file("store");
  { ResultStore store(file, {"space", "1", 7}, false); }
  EXPECT_THROW(ResultStore(file, {"space", "1", 7}, false), ConfigError);
  EXPECT_THROW(ResultStore(file, {"other", "1", 7}, true), ConfigError);
  EXPECT_THROW(ResultStore(file, {"space", "2", 7}, true), ConfigError);
  EXPECT_THROW(ResultStore(file, {"space", "1", 8}, true), ConfigError);
  ResultStore again(file, {"space", "1", 7}, true);
  EXPECT_EQ(again.find("a", "t"), nullptr);
  again.add("a", "t", {true, "", {{"m", 0.1 + 0.2}}});
  EXPECT_EQ(again.find("a", "t")->metrics.at("m"), 0.1 + 0.2);
  EXPECT_THROW(again.add("a", "t", {}), InternalError);
  EXPECT_THROW(ResultStore(scratch.write("text", std::string(4096, 'x')), {"space", "1", 7}, true), ConfigError);
}

}  // namespace
}  // namespace bondsim::search
