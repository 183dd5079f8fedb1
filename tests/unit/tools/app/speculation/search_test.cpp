#include "tools/app/speculation/search.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "mapping/emit/mapper.hpp"
#include "mapping/speculation/speculative_schedule.hpp"
#include "sim/simulate.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/experiment_setup.hpp"
#include "tools/app/processes/isolate.hpp"

namespace bondsim::tools {
namespace {

/// A narrow Llama of three layers whose first one drafts.
Experiment narrow(std::vector<std::string> overrides = {}) {
  std::vector<std::string> all = {
      "model.hidden=1024", "model.intermediate=2048",       "model.query_heads=8",       "model.kv_heads=2",           "model.layers=3",
      "model.vocab=512",   "workload.speculation.layers=1", "workload.prompt_tokens=16", "workload.generated_tokens=4"};
  all.insert(all.end(), overrides.begin(), overrides.end());
  return shipped_experiment("speculation-llama3-8b-first-layers", all);
}

SpeculationSearchOptions few(int most_depth, int confirm) {
  SpeculationSearchOptions options;
  options.most_depth = most_depth;
  options.confirm = confirm;
  return options;
}

/// Simulated seconds of a token of decode: a run from its prompt on, by what it says of its steps.
double run_token_s(const std::function<std::unique_ptr<ScheduleSource>()>& schedule, const System& system, std::int64_t tokens) {
  return std::stod(run_isolated([&] {
    const auto source = schedule();
    const Results r = simulate(system, *source);
    return fmt::format("{:.17g}", to_seconds(r.total - r.prefill) / static_cast<double>(tokens));
  }));
}

/// Steps of plain decode differ by a token of context: their mean is that of the middle.
double plain_token_s(Experiment e, const Dataflow& dataflow) {
  e.workload.speculation.reset();
  return run_token_s([&] { return make_schedule(e.system, e.model, e.workload, dataflow); }, e.system, e.workload.generated_tokens);
}

/// Refused drafts make each round a token: its draft and its verification.
double refused_round_s(Experiment e, const SpeculationChoice& c) {
  e.workload.speculation->depth = c.depth;
  e.workload.speculation->width = c.width;
  e.workload.speculation->acceptance = {0};
  const auto draft = c.draft ? std::optional(speculation::Draft{e.draft->model, *c.draft}) : std::nullopt;
  return run_token_s(
      [&] { return speculation::make_schedule(speculation::make_plans(e.system, e.model, e.workload, c.dataflow, {}, draft)); }, e.system,
      e.workload.generated_tokens);
}

std::string describe(const SpeculationChoice& c) {
  return fmt::format("{}, draft {}, depth {}, width {}", c.dataflow.name, c.draft ? c.draft->name : "none", c.depth,
                     fmt::join(c.width, " "));
}

/// The best estimates, and the best of plain decode when it is not one of them.
TEST(SpeculationSearch, confirmed_choices_come_first_and_the_fastest_before_all) {
  const auto choices = search_speculation(narrow(), few(2, 3));
  const auto first_left = std::find_if(choices.begin(), choices.end(), [](const SpeculationChoice& c) { return !c.confirmed_s; });
  const std::vector<SpeculationChoice> confirmed(choices.begin(), first_left), others(first_left, choices.end());
  const auto is_plain = [](const SpeculationChoice& c) { return c.depth == 0; };
  EXPECT_EQ(confirmed.size(), 4U) << "drafts are faster here";
  EXPECT_EQ(std::count_if(confirmed.begin(), confirmed.end(), is_plain), 1);
  EXPECT_GT(others.size(), 50U);
  for (std::size_t i = 1; i < confirmed.size(); ++i) EXPECT_LE(*confirmed[i - 1].confirmed_s, *confirmed[i].confirmed_s);
  for (std::size_t i = 1; i < others.size(); ++i) EXPECT_LE(others[i - 1].estimate_s, others[i].estimate_s);
  for (const SpeculationChoice& c : others) {
    EXPECT_FALSE(c.confirmed_s) << describe(c);
    for (const SpeculationChoice& simulated : confirmed) {
      EXPECT_LE(simulated.estimate_s, is_plain(simulated) && !is_plain(c) ? INFINITY : c.estimate_s) << describe(c);
    }
  }
}

/// Each dataflow that runs comes with every depth, as a chain and as trees of two or three first tokens, and with none. Of chance a, a
/// chain of depth d gives (1 - a^(d + 1)) / (1 - a) tokens; w drafts of the first level are all refused with (1 - a)^w.
TEST(SpeculationSearch, every_dataflow_comes_with_each_depth_and_width_and_the_textbooks_tokens) {
  const double a = 0.6;
  std::map<std::string, std::set<std::pair<int, std::vector<int>>>> shapes;
  for (const SpeculationChoice& c : search_speculation(narrow({"workload.speculation.acceptance=[0.6]"}), few(2, 1))) {
    EXPECT_TRUE(shapes[c.dataflow.name].insert({c.depth, c.width}).second) << describe(c) << " stands twice";
    EXPECT_FALSE(c.draft) << describe(c);
    const double chain = (1 - std::pow(a, c.depth + 1)) / (1 - a);
    const double first = c.width.empty() ? a : 1 - std::pow(1 - a, c.width.front());
    EXPECT_NEAR(c.tokens, 1 + first / a * (chain - 1), 1e-9) << describe(c);
  }
  const std::set<std::pair<int, std::vector<int>>> all = {{0, {}}, {1, {}}, {1, {2, 1}}, {1, {3, 1}}, {2, {}}, {2, {2, 1}}, {2, {3, 1}}};
  for (const char* name : {"fc_offloading", "npu_only", "found"}) EXPECT_EQ(shapes[name], all) << name;
  EXPECT_EQ(shapes.count("data_centric_experts"), 0U) << "the model has no experts";
}

TEST(SpeculationSearch, depth_0_takes_as_long_as_plain_decode) {
  const Experiment e = narrow();
  int plain = 0;
  for (const SpeculationChoice& c : search_speculation(e, few(0, 3))) {
    ASSERT_EQ(c.depth, 0);
    EXPECT_EQ(c.tokens, 1);
    if (!c.confirmed_s) continue;
    ++plain;
    const double runs = plain_token_s(e, c.dataflow);
    EXPECT_NEAR(*c.confirmed_s / runs, 1, 0.02) << describe(c);
    EXPECT_NEAR(c.estimate_s / runs, 1, 0.05) << describe(c);
  }
  EXPECT_EQ(plain, 3);
}

/// A run whose drafts are refused takes a draft and a verification for each token; with drafts accepted these give more tokens.
TEST(SpeculationSearch, confirmed_time_is_that_of_a_runs_rounds_over_their_tokens) {
  const Experiment e = narrow({"workload.speculation.acceptance=[0.9]"});
  int drafted = 0;
  for (const SpeculationChoice& c : search_speculation(e, few(2, 4))) {
    if (!c.confirmed_s || c.depth == 0) continue;
    ++drafted;
    const double round = refused_round_s(e, c);
    EXPECT_NEAR(*c.confirmed_s * c.tokens / round, 1, 0.03) << describe(c);
    EXPECT_NEAR(c.estimate_s * c.tokens / round, 1, 0.1) << describe(c);
  }
  EXPECT_GE(drafted, 3);
}

/// A small model drafts: either's dataflow is chosen, both lie in one memory.
Experiment drafted() {
  Experiment e = shipped_experiment("speculation-llama3-8b-draft-1b-pes",
                                    {"model.hidden=1024", "model.intermediate=2048", "model.query_heads=8", "model.kv_heads=2",
                                     "model.layers=3", "model.vocab=512", "workload.prompt_tokens=16", "workload.generated_tokens=4"});
  Model& small = e.draft->model;
  small.hidden = small.intermediate = 128;
  small.query_heads = small.kv_heads = 1;
  small.layers = 1;
  small.vocab = 512;
  e.workload.speculation->acceptance = {0.9};
  return e;
}

TEST(SpeculationSearch, models_that_draft_have_dataflows_of_their_own) {
  const Experiment e = drafted();
  std::set<std::string> of_drafts;
  int confirmed = 0;
  for (const SpeculationChoice& c : search_speculation(e, few(1, 2))) {
    EXPECT_EQ(c.draft.has_value(), c.depth > 0) << describe(c);
    if (c.draft && c.dataflow.name == "fc_offloading" && c.width.empty()) of_drafts.insert(c.draft->name);
    if (!c.confirmed_s) continue;
    ++confirmed;
    const double runs = c.depth == 0 ? plain_token_s(e, c.dataflow) : refused_round_s(e, c);
    EXPECT_NEAR(*c.confirmed_s * c.tokens / runs, 1, 0.03) << describe(c);
  }
  EXPECT_GE(confirmed, 2);
  EXPECT_EQ(of_drafts.count("npu_only"), 1U);
  EXPECT_EQ(of_drafts.count("fc_offloading"), 1U);
}

/// Banks that hold either model but not both: such a choice is estimated, says why it cannot be simulated, and gives way to the next.
TEST(SpeculationSearch, choices_that_do_not_fit_say_why_and_others_are_simulated_instead) {
  Experiment e = drafted();
  e.draft->model = e.model;
  e.draft->model.layers = 2;
  e.workload.speculation->acceptance = {0.5};
  const Dataflow fc = testing::dataflow("fc_offloading");
  const Plan alone = make_plan(e.system, e.model, speculation::target_workload(e.workload), fc);
  std::int64_t bytes = 0;
  for (int c = 0; c < alone.memory.channels(); ++c) bytes = std::max(bytes, alone.memory.bytes_per_bank(c));
  e.system.dram.organization.rows = static_cast<int>(bytes / e.system.dram.organization.page_bytes() + 1);
  const auto choices = search_speculation(e, few(1, 2));
  std::size_t unfit = 0;
  for (const SpeculationChoice& c : choices) {
    if (c.problem.empty()) continue;
    ++unfit;
    EXPECT_FALSE(c.confirmed_s) << describe(c);
    EXPECT_GT(c.depth, 0) << describe(c) << ": one model alone fits";
    double needed = 0, has = 0;
    ASSERT_EQ(std::sscanf(c.problem.c_str(), "channel %*d needs %lf GB of %lf: weights ", &needed, &has), 2) << c.problem;
    EXPECT_NEAR(has, static_cast<double>(e.system.dram.organization.channel_bytes()) * 1e-9, 5e-4) << c.problem;
    EXPECT_GT(needed, has) << c.problem;
  }
  EXPECT_GT(unfit, 0U);
  EXPECT_GE(std::count_if(choices.begin(), choices.end(), [](const SpeculationChoice& c) { return c.confirmed_s.has_value(); }), 2);
}

/// The next draft is made beside the verification: of one token after the other.
TEST(SpeculationSearch, drafts_beside_a_verification_are_chains) {
  Experiment e = drafted();
  e.workload.speculation->acceptance = {0};  // plain decode is the best, and is all that is simulated
  e.workload.speculation->schedule = DraftSchedule::parallel;
  int drafts = 0;
  for (const SpeculationChoice& c : search_speculation(e, few(1, 1))) {
    EXPECT_TRUE(c.width.empty()) << describe(c);
    drafts += c.depth;
  }
  EXPECT_GT(drafts, 50);
}

/// A draft cut short has as much accepted as lies before the cut; what a longer one would have had accepted no trace says.
TEST(SpeculationSearch, traces_are_cut_to_the_depth_and_do_not_reach_beyond_their_own) {
  Experiment e = narrow();
  e.workload.speculation->depth = 2;
  e.workload.speculation->trace = {2, 0, 1, 2};
  e.workload.speculation->trace_file = "accepted.csv";
  e.workload.speculation->acceptance.clear();
  const double tokens[] = {1, 1 + 3 / 4., 1 + 5 / 4.};
  std::set<int> depths;
  for (const SpeculationChoice& c : search_speculation(e, few(3, 1))) {
    depths.insert(c.depth);
    EXPECT_TRUE(c.width.empty()) << describe(c);
    ASSERT_LE(c.depth, 2);
    EXPECT_EQ(c.tokens, tokens[c.depth]) << describe(c);
  }
  EXPECT_EQ(depths, (std::set<int>{0, 1, 2}));
}

/// Drafts that are all refused: plain decode is the best, and nothing is simulated besides what was asked for.
TEST(SpeculationSearch, progress_ends_with_all_that_was_to_do) {
  SpeculationSearchOptions options = few(1, 2);
  std::map<std::string, std::vector<std::pair<int, int>>> told;
  options.progress = [&](const std::string& what, int done, int total) { told[what].emplace_back(done, total); };
  search_speculation(narrow({"workload.speculation.acceptance=[0]"}), options);
  EXPECT_EQ(told["simulated"], (std::vector<std::pair<int, int>>{{0, 2}, {1, 2}, {2, 2}})) << "else the line stays on the terminal";
  const auto& estimated = told["estimated"];
  ASSERT_FALSE(estimated.empty());
  for (std::size_t i = 0; i < estimated.size(); ++i)
    EXPECT_EQ(estimated[i], std::pair(static_cast<int>(i), static_cast<int>(estimated.size())));
  EXPECT_EQ(told.size(), 2U);
}

TEST(SpeculationSearch, machines_whose_channels_differ_are_refused) {
  Experiment e = narrow();
  e.system = load_system(testing::config_path("system/two-kinds-of-pes"), {});
  const std::string error = test::error_of([&] { search_speculation(e, few(1, 1)); });
  EXPECT_NE(error.find("a search of drafts"), std::string::npos) << error;
}

SpeculationChoice choice(const std::string& name, int depth, std::vector<int> width, double tokens, double estimate_s) {
  SpeculationChoice c;
  c.dataflow.name = name;
  c.depth = depth;
  c.width = std::move(width);
  c.tokens = tokens;
  c.estimate_s = estimate_s;
  return c;
}

TEST(SpeculationSearch, table_and_csv_have_a_line_for_each_choice) {
  std::vector<SpeculationChoice> choices = {choice("a,b", 2, {2, 1}, 2.25, 0.0125), choice("c", 0, {}, 1, 0.02),
                                            choice("d", 3, {}, 3, 0.03)};
  choices[0].draft = testing::dataflow("npu_only");
  choices[0].confirmed_s = 0.0120004;
  choices[1].confirmed_s = 0.021;
  choices[2].problem = "channel 3 holds 5, too much";
  EXPECT_EQ(search_csv(choices),
            "dataflow,draft_dataflow,depth,width,tokens_per_verification,estimated_token_s,simulated_token_s,problem\n"
            "\"a,b\",npu_only,2,2 1,2.25,1.250000000e-02,1.200040000e-02,\n"
            "c,,0,plain,1,2.000000000e-02,2.100000000e-02,\n"
            "d,,3,chain,3,3.000000000e-02,,\"channel 3 holds 5, too much\"\n");
  EXPECT_EQ(search_text(choices),
            "3 combinations of dataflows, depth and width, ms of an accepted token\n"
            "  model                                    draft                        depth  width  tokens  estimated  simulated\n"
            "  a,b                                      npu_only                         2    2 1   2.250    12.5000    12.0004\n"
            "  c                                                                         0  plain   1.000    20.0000    21.0000\n"
            "  d                                                                         3  chain   3.000    30.0000 does not fit\n");
}

/// Of what was only estimated the table has the first lines, of what was simulated all.
TEST(SpeculationSearch, table_has_twelve_lines_and_all_that_were_simulated) {
  std::vector<SpeculationChoice> choices;
  for (int i = 0; i < 20; ++i) choices.push_back(choice(fmt::format("dataflow{}", i), 1, {}, 1.5, 0.01 + i));
  const auto lines = [&] {
    const std::string text = search_text(choices);
    return std::count(text.begin(), text.end(), '\n') - 2;
  };
  EXPECT_EQ(lines(), 12);
  for (SpeculationChoice& c : choices) c.confirmed_s = 0.01;
  EXPECT_EQ(lines(), 20);
}

}  // namespace
}  // namespace bondsim::tools
