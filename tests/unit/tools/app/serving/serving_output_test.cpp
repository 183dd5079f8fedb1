#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "models/base/csv_table.hpp"
#include "tests/support/serving_setup.hpp"
#include "tools/app/serving/serve.hpp"

namespace bondsim::tools {
namespace {

Picoseconds ms(double value) { return Picoseconds(static_cast<std::int64_t>(value * 1e9)); }

serving::RequestRow row_of_three_tokens() {
  serving::RequestRow row;
  row.id = 7;
  row.prompt_tokens = 100;
  row.asked_tokens = 9;
  row.output_tokens = 3;
  row.reused_tokens = 64;
  row.preemptions = 2;
  row.ending = serving::Ending::truncated;
  row.arrival = Picoseconds(1'000'499);  // 1000.499 ns: rounds down, the next up
  row.scheduled = Picoseconds(1'500'500);
  row.first_token = Picoseconds(5'000'000);
  row.gaps = {Picoseconds(2'000'000), Picoseconds(3'000'600)};
  row.end = Picoseconds(10'000'600);
  row.energy = Attojoules(static_cast<WideInt>(1'500'000'000'000'000'000));
  return row;
}

TEST(RequestsCsv, cells_are_ns_from_arrival_and_stand_under_their_titles) {
  EXPECT_EQ(requests_csv_header() + requests_csv_row(row_of_three_tokens(), "m"),
            "instance id,request id,model,input,output,arrival,end_time,latency,queuing_delay,TTFT,TPOT,ITL,ending,asked_output,"
            "reused_input,preemptions,energy_j\n"
            "0,7,m,100,3,1000,10001,9001,501,4000,2500,\"[2000, 3001]\",truncated,9,64,2,1.5\n");
}

TEST(RequestsCsv, a_models_name_is_one_cell) {
  const std::string row = requests_csv_row(row_of_three_tokens(), "a \"b\", c");
  const CsvTable table = CsvTable::parse(requests_csv_header() + row, "r.csv");
  EXPECT_EQ(table.text(0, "model"), "a \"b\", c");
  EXPECT_EQ(table.text(0, "ITL"), "[2000, 3001]");
}

/// A rejected request had no token: its latency is how long it took to be told.
TEST(RequestsCsv, a_rejected_request_has_no_times_of_tokens) {
  serving::RequestRow row;
  row.prompt_tokens = 9000;
  row.asked_tokens = 5;
  row.ending = serving::Ending::rejected;
  row.arrival = Picoseconds(4'000'000);
  row.scheduled = row.first_token = row.end = Picoseconds(6'000'000);
  EXPECT_EQ(requests_csv_row(row, "m"), "0,0,m,9000,0,4000,6000,2000,0,0,0,\"[]\",rejected,5,0,0,0\n");
}

TEST(IterationsCsv, has_a_column_of_the_closed_form_when_asked) {
  EXPECT_EQ(iterations_csv_header(true), iterations_csv_header().substr(0, iterations_csv_header().size() - 1) + ",form_ns\n");
}

/// Ten requests in 4 s.
ServingRun ten_requests() {
  ServingRun run;
  serving::ServingTotals& t = run.totals;
  t.end = ms(4000);
  t.busy = ms(3000);
  t.iterations = 50;
  t.arrived = 10;
  t.complete = t.good = 8;
  t.prompt_tokens = 1000;
  t.output_tokens = 400;
  for (const double value : {100, 300}) t.ttft.add(ms(value).value);
  t.running.add(0, ms(2000).value, 3);
  t.kv_pages.add(0, ms(4000).value, 32);
  t.most_pages = 64;
  return run;
}

class ServingSummary : public ::testing::Test {
 protected:
  /// 128 KV pages.
  static Experiment few_pages(std::vector<std::string> more = {}) {
    more.insert(more.end(), {"serving.kv.context_tokens=512", "serving.batch.max_batch=4"});
    return chat(more);
  }
  static std::string summary_of(const ServingRun& run, ServingTier tier = ServingTier::cycle, const Experiment& e = few_pages()) {
    return serving_summary(e, run, tier);
  }
  static bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }
};

TEST_F(ServingSummary, of_a_plain_run_has_its_figures_and_no_word_of_what_did_not_happen) {
  const std::string text = summary_of(ten_requests());
  EXPECT_TRUE(has(text, "chat, policy prefill_first, cycles of at most 4 requests at a time\n")) << text;
  EXPECT_TRUE(has(text, "  10 requests in 4.000 s: 8 complete\n")) << text;
  EXPECT_TRUE(has(text, "2.000 requests/s, 100.0 output tokens/s, 250.0 prompt tokens/s; busy 75.0 % of the time, 50 iterations\n"))
      << text;
  EXPECT_TRUE(has(text, "goodput 2.000 requests/s: 80.0 % of the requests keep TTFT 2000 ms and TPOT 100 ms\n")) << text;
  EXPECT_TRUE(has(text, "running 1.50, waiting 0.00 on average; KV pages 25.0 % on average, 50.0 % at most\n")) << text;
  EXPECT_TRUE(has(text, "first token (TTFT)          200.000    200.000    250.000    280.000    290.000    298.000    300.000\n")) << text;
  for (const char* other :
       {"PARTIAL", "truncated", "rejected", "made room", "moving", "drafts", "reused", "energy", "confirmed", "closed"}) {
    EXPECT_FALSE(has(text, other)) << other << "\n" << text;
  }
}

TEST_F(ServingSummary, says_what_went_otherwise_than_asked) {
  ServingRun run = ten_requests();
  run.partial = true;
  run.totals.unfinished = 3;
  run.totals.truncated = 2;
  run.totals.rejected = 1;
  run.totals.preemptions = 5;
  run.totals.swaps = 4;
  run.totals.reused_tokens = 250;
  const std::string text = summary_of(run);
  EXPECT_EQ(text.rfind("PARTIAL: stopped with 3 requests in the system", 0), 0u) << text;
  EXPECT_TRUE(has(text,
                  "8 complete, 2 truncated at 512 tokens, 1 rejected (prompt above 512 tokens); 5 times one made room "
                  "(4 by moving to the normal channels)\n"))
      << text;
  EXPECT_TRUE(has(text, "2.500 requests/s")) << text;  // truncated ones were served
  EXPECT_TRUE(has(text, "; 25.0 % of prompt tokens reused\n")) << text;
}

/// Four pages of 16 tokens, of which drafts take three places.
TEST_F(ServingSummary, names_the_length_that_the_memory_allows_where_it_is_shorter_than_the_longest_context) {
  ServingRun run = ten_requests();
  run.totals.truncated = 2;
  run.totals.rejected = 1;
  const auto says = [&](const std::string& tokens, const std::vector<std::string>& settings) {
    const std::string text = summary_of(run, ServingTier::cycle, few_pages(settings));
    EXPECT_TRUE(has(text, ", 2 truncated at " + tokens + " tokens, 1 rejected (prompt above " + tokens + " tokens)\n")) << text;
  };
  says("64", {"serving.kv.capacity_tokens=64"});
  says("61", {"serving.kv.capacity_tokens=64", "serving.speculation.depth=3", "serving.speculation.acceptance=[0.7]"});
}

TEST_F(ServingSummary, prices_energy_by_request_and_token) {
  ServingRun run = ten_requests();
  run.has_energy = true;
  run.totals.energy = Attojoules(static_cast<WideInt>(8'000'000'000'000'000'000));
  run.totals.idle_energy = Attojoules(static_cast<WideInt>(1'000'000'000'000'000'000));
  const std::string text = summary_of(run);
  EXPECT_TRUE(has(text, "energy 9.0000 J, 1.0000 J of it idle; 1.0000 J a request, 20.000 mJ an output token\n")) << text;
}

TEST_F(ServingSummary, of_reuse_counts_what_was_simulated_and_what_was_checked) {
  ServingRun run = ten_requests();
  run.reuse = ReuseFigures{20, 30, 4, 0.02, 0.0125};
  const std::string text = summary_of(run);
  EXPECT_TRUE(has(text, "20 iterations simulated, 30 reused by pages: error +0.500 % on average, 1.250 % at most (4 checked)\n")) << text;
  run.reuse = ReuseFigures{20, 30, 0, 0, 0};
  EXPECT_TRUE(has(summary_of(run), "error +0.000 % on average, 0.000 % at most (0 checked)\n"));
}

TEST_F(ServingSummary, of_a_confirmed_run_lists_strata_that_have_iterations_and_the_errors_of_the_figures) {
  ServingRun run = ten_requests();
  Confirmation confirmation;
  confirmation.strata = {{"prompts", 12, std::vector<Batch>(8), 1.02, 1.0}, {"prompts beside decode", 0, {}, 0, 0}};
  confirmation.metrics = {{"TTFT mean", 98, 100}, {"TPOT p99", 10.1, 10}};
  run.confirmation = confirmation;
  run.evaluations = 17;
  const std::string text = summary_of(run, ServingTier::both);
  EXPECT_TRUE(has(text, "prompts                           12 iterations,  8 simulated, error +2.00 %\n")) << text;
  EXPECT_FALSE(has(text, "prompts beside decode")) << text;
  EXPECT_TRUE(has(text, "  estimated error of the figures above: TTFT mean -2.00 %, TPOT p99 +1.00 %\n")) << text;
  EXPECT_TRUE(has(text, "(17 evaluations)")) << text;
  EXPECT_TRUE(has(text, "; a sample is simulated\n")) << text;
  run.confirmation.reset();
  EXPECT_TRUE(has(summary_of(run, ServingTier::detailed), "; nothing is simulated\n"));
}

TEST_F(ServingSummary, of_drafts_says_how_many_tokens_a_verification_gave) {
  ServingRun run = ten_requests();
  run.totals.verifications = 100;
  run.totals.verified_tokens = 250;
  const Experiment e = few_pages({"serving.speculation.depth=3", "serving.speculation.acceptance=[0.7]"});
  EXPECT_TRUE(has(summary_of(run, ServingTier::cycle, e), "  drafts of 3: 100 verifications, 2.500 tokens each\n"));
}

}  // namespace
}  // namespace bondsim::tools
