#include <gtest/gtest.h>

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>

#include "mapping/serving/requests/request_source.hpp"
#include "mapping/serving/requests/trace_reader.hpp"
#include "tests/support/error_of.hpp"

namespace bondsim::serving {
namespace {

/// A file of this process, removed at the end.
class TraceFile {
 public:
  explicit TraceFile(const std::string& text) { std::ofstream(path_) << text; }
  ~TraceFile() { std::filesystem::remove(path_); }
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / ("bondsim_trace_" + std::to_string(::getpid()))).string();
};

std::vector<TraceRow> rows_of(TraceFormat format, const std::string& text) {
  const TraceFile file(text);
  const auto reader = open_trace(format, file.path());
  std::vector<TraceRow> rows;
  while (auto row = reader->next()) rows.push_back(*row);
  return rows;
}

std::string error_in(TraceFormat format, const std::string& text) {
  return test::error_of([&] { rows_of(format, text); });
}

std::vector<Request> requests_of(const RequestsConfig& config) {
  const auto source = make_request_source(config);
  std::vector<Request> out;
  while (source->peek() != nullptr) out.push_back(source->take());
  return out;
}

TEST(TraceReader, mooncake_has_milliseconds_and_hashes) {
  const auto rows = rows_of(TraceFormat::mooncake,
                            "{\"timestamp\": 0, \"input_length\": 6755, \"output_length\": 500, \"hash_ids\": [46, 47]}\n"
                            "{\"timestamp\": 27482, \"input_length\": 12, \"output_length\": 3, \"hash_ids\": []}\n");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[0].prompt_tokens, 6755);
  EXPECT_EQ(rows[0].prefixes, (std::vector<std::int64_t>{46, 47}));
  EXPECT_DOUBLE_EQ(rows[1].seconds, 27.482);
  EXPECT_EQ(rows[1].output_tokens, 3);
}

TEST(TraceReader, azure_has_dates_from_the_first_row_on) {
  const auto rows = rows_of(TraceFormat::azure,
                            "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-12-31 23:59:59.5000000,374,44\n"
                            "2024-01-01 00:00:01.2500000,396,109\n2024-03-01 00:00:00+00:00,1,1\n");
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].seconds, 0);
  EXPECT_NEAR(rows[1].seconds, 1.75, 1e-6);
  EXPECT_NEAR(rows[2].seconds, 60 * 86400.0 + 0.5, 1e-6) << "2024 has a 29th of February";
  EXPECT_EQ(rows[1].prompt_tokens, 396);
}

TEST(TraceReader, burstgpt_leaves_out_failed_requests_and_reads_columns_by_name) {
  const auto rows = rows_of(TraceFormat::burstgpt,
                            "Timestamp,Session ID,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
                            "5,1,ChatGPT,472,18,490,Conversation log\n45,1,ChatGPT,1087,0,1087,Conversation log\n"
                            "118,2,\"GPT-4, old\",417,276,693,API log\n");
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].seconds, 118);
  EXPECT_EQ(rows[1].prompt_tokens, 417);
  EXPECT_EQ(rows[1].output_tokens, 276);
}

TEST(TraceReader, vidur_and_llmservingsim_have_seconds_and_nanoseconds) {
  const auto vidur = rows_of(TraceFormat::vidur, "Time,PromptTokenCount,CompletionTokenCount,Date\n1.5,10,20,2024-01-01\n");
  ASSERT_EQ(vidur.size(), 1u);
  EXPECT_EQ(vidur[0].seconds, 1.5);
  EXPECT_EQ(vidur[0].output_tokens, 20);
  const auto sim = rows_of(TraceFormat::llmservingsim, "{\"input_toks\": 7, \"output_toks\": 9, \"arrival_time_ns\": 2500000000}\n");
  ASSERT_EQ(sim.size(), 1u);
  EXPECT_EQ(sim[0].seconds, 2.5);
  EXPECT_EQ(sim[0].prompt_tokens, 7);
}

TEST(TraceReader, bad_rows_name_file_line_and_column) {
  const std::string azure = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:17:03.9799600,374,44\n";
  EXPECT_NE(error_in(TraceFormat::azure, azure + "yesterday,1,1\n").find(":3: TIMESTAMP: 'yesterday' is no time"), std::string::npos);
  for (const char* time : {"2023-11-16 18:60:04", "2023-11-16 24:17:04", "2023-13-16 18:17:04", "2023-00-16 18:17:04",
                           "2023-11-32 18:17:04", "2023-11-00 18:17:04", "2023-11-16 18:17:61", "2023-11-16 18:17:04 x"}) {
    EXPECT_NE(error_in(TraceFormat::azure, azure + time + ",1,1\n").find(fmt::format(":3: TIMESTAMP: '{}' is no time", time)),
              std::string::npos)
        << time;
  }
  EXPECT_EQ(rows_of(TraceFormat::azure, azure + "2023-12-31 23:59:60.5+00:00,1,1\n").size(), 2u);
  EXPECT_NE(error_in(TraceFormat::azure, azure + "2023-11-16 18:17:04,-1,1\n").find(":3: ContextTokens: -1 found"), std::string::npos);
  EXPECT_NE(error_in(TraceFormat::azure, azure + "2023-11-16 18:17:04,1,1.5\n").find(":3: GeneratedTokens: 1.5 found"), std::string::npos);
  EXPECT_NE(error_in(TraceFormat::azure, azure + "2023-11-16 18:17:04,1\n").find(":3: (line): 2 fields"), std::string::npos);
  EXPECT_NE(error_in(TraceFormat::azure, azure + "2023-11-16 18:17:03,1,1\n").find("rows in order of time"), std::string::npos);
  EXPECT_NE(error_in(TraceFormat::vidur, "Time,Prompt\n").find(":1: PromptTokenCount: column is missing, found: Time, Prompt"),
            std::string::npos);
  EXPECT_NE(error_in(TraceFormat::mooncake, "{\"timestamp\": 0}\n").find(":1: input_length: key is missing"), std::string::npos);
  EXPECT_NE(error_in(TraceFormat::mooncake, "\n[1]\n").find(":2: (line): no JSON object"), std::string::npos);
  EXPECT_NE(error_in(TraceFormat::mooncake, "{\"timestamp\": 0,\n").find(":1: not valid JSON"), std::string::npos);
  EXPECT_NE(
      error_in(TraceFormat::mooncake, "{\"timestamp\":0,\"input_length\":1,\"output_length\":1,\"hash_ids\":[\"a\"]}\n").find("hash_ids"),
      std::string::npos);
}

TEST(TraceReader, knows_a_format_by_the_first_line) {
  const auto format = [](const std::string& text) { return format_of(TraceFile(text).path()); };
  EXPECT_EQ(format("{\"timestamp\": 0, \"input_length\": 1, \"output_length\": 1, \"hash_ids\": []}\n"), TraceFormat::mooncake);
  EXPECT_EQ(format("{\"input_toks\": 7, \"output_toks\": 9, \"arrival_time_ns\": 2}\n"), TraceFormat::llmservingsim);
  EXPECT_EQ(format("TIMESTAMP,ContextTokens,GeneratedTokens\n"), TraceFormat::azure);
  EXPECT_EQ(format("Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"), TraceFormat::burstgpt);
  EXPECT_EQ(format("Time,PromptTokenCount,CompletionTokenCount,Date\n"), TraceFormat::vidur);
  EXPECT_NE(test::error_of([&] { format("a,b\n"); }).find(":1: (line): no trace of requests"), std::string::npos);
}

TEST(Requests, a_window_of_a_trace_comes_before_its_times_become_picoseconds) {
  // 200 days from the start: more than an integer of picoseconds holds.
  const TraceFile file("Time,PromptTokenCount,CompletionTokenCount\n0,1,1\n17280000,2,2\n17280010,3,3\n17280020,4,4\n");
  RequestsConfig config;
  config.source = TraceFormat::vidur;
  config.file = file.path();
  EXPECT_NE(test::error_of([&] { requests_of(config); }).find("window_begin_s"), std::string::npos);
  config.window_begin_s = 17280000;
  config.window_end_s = 17280020;
  config.rate_scale = 2;
  const auto requests = requests_of(config);
  ASSERT_EQ(requests.size(), 2u);
  EXPECT_EQ(requests[0].arrival.value, 0);
  EXPECT_EQ(requests[1].arrival.value, 5'000'000'000'000) << "10 s, twice as fast";
  EXPECT_EQ(requests[1].id, 1);
  config.limit = 1;
  EXPECT_EQ(requests_of(config).size(), 1u);
}

/// Mean and standard deviation over the mean of the times between requests.
std::pair<double, double> gaps_of(const RequestsConfig& config) {
  double last = 0, sum = 0, squares = 0, n = 0;
  for (const Request& r : requests_of(config)) {
    const double gap = to_seconds(r.arrival) - last;
    last = to_seconds(r.arrival);
    sum += gap;
    squares += gap * gap;
    ++n;
  }
  const double mean = sum / n;
  return {mean, std::sqrt(squares / n - mean * mean) / mean};
}

TEST(Requests, made_arrivals_have_the_mean_and_the_variation_asked_for) {
  RequestsConfig config;
  config.limit = 40000;
  config.rate_per_s = 4;
  // Standard errors at 40,000 values: of a mean cv/200, of a cv below 2 %.
  auto [mean, cv] = gaps_of(config);
  EXPECT_NEAR(mean, 0.25, 0.25 * 0.02);
  EXPECT_NEAR(cv, 1, 0.05);
  config.arrivals = ArrivalKind::gamma;
  config.cv = 2;
  std::tie(mean, cv) = gaps_of(config);
  EXPECT_NEAR(mean, 0.25, 0.25 * 0.04);
  EXPECT_NEAR(cv, 2, 0.1);
  config.arrivals = ArrivalKind::uniform;
  config.rate_scale = 2;
  std::tie(mean, cv) = gaps_of(config);
  EXPECT_NEAR(mean, 0.125, 1e-9);
  EXPECT_NEAR(cv, 0, 1e-6);
}

TEST(Requests, lengths_from_a_log_normal_distribution_have_the_mean_asked_for_and_equal_seeds_give_equal_requests) {
  RequestsConfig config;
  config.limit = 40000;
  config.lengths = LengthKind::lognormal;
  config.prompt_tokens = 500;
  config.output_tokens = 200;
  const auto requests = requests_of(config), again = requests_of(config);
  double prompts = 0, outputs = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    prompts += static_cast<double>(requests[i].prompt_tokens) / 40000;
    outputs += static_cast<double>(requests[i].output_tokens) / 40000;
    ASSERT_EQ(requests[i].prompt_tokens, again[i].prompt_tokens);
    ASSERT_EQ(requests[i].arrival, again[i].arrival);
  }
  EXPECT_NEAR(prompts, 500, 500 * 0.02);
  EXPECT_NEAR(outputs, 200, 200 * 0.02);
  config.seed = 2;
  EXPECT_NE(requests_of(config)[0].arrival, requests[0].arrival);
  config.longest_prompt = 300;
  for (const Request& r : requests_of(config)) ASSERT_LE(r.prompt_tokens, 300);
}

TEST(Requests, lengths_from_a_file_begin_again_at_its_end) {
  const TraceFile file("Time,PromptTokenCount,CompletionTokenCount\n0,11,1\n1,12,2\n");
  RequestsConfig config;
  config.limit = 5;
  config.lengths = LengthKind::file;
  config.lengths_file = file.path();
  config.lengths_format = TraceFormat::vidur;
  std::vector<std::int64_t> prompts;
  for (const Request& r : requests_of(config)) prompts.push_back(r.prompt_tokens);
  EXPECT_EQ(prompts, (std::vector<std::int64_t>{11, 12, 11, 12, 11}));
}

TEST(Requests, a_user_of_a_closed_loop_asks_again_after_thinking) {
  RequestsConfig config;
  config.arrivals = ArrivalKind::closed_loop;
  config.users = 2;
  config.think_s = 3;
  config.limit = 3;
  const auto source = make_request_source(config);
  const Request first = source->take(), second = source->take();
  EXPECT_EQ(first.arrival.value, 0);
  EXPECT_EQ(second.arrival.value, 0);
  EXPECT_EQ(source->peek(), nullptr);
  source->ended(second, Picoseconds(1'000'000'000'000));
  ASSERT_NE(source->peek(), nullptr);
  EXPECT_EQ(source->take().arrival.value, 4'000'000'000'000);
  source->ended(first, Picoseconds(2'000'000'000'000));
  EXPECT_EQ(source->peek(), nullptr) << "three were allowed";
}

}  // namespace
}  // namespace bondsim::serving
