#include "tools/app/serving/request_trace.hpp"

#include <gtest/gtest.h>

#include <string>
#include <tuple>
#include <vector>

#include "tests/support/chrome_trace.hpp"

namespace bondsim::tools {
namespace {

constexpr int requests_process = 2;

serving::Sequence sequence_of(std::int64_t id, std::int64_t arrival_ps) {
  serving::Sequence sequence;
  sequence.request = {id, Picoseconds(arrival_ps), 40, 5, {}};
  return sequence;
}

/// Name, start and end of each slice of a request's lane.
using Lane = std::vector<std::tuple<std::string, std::int64_t, std::int64_t>>;
Lane lane_of(const test::ChromeTrace& trace, int request) {
  Lane lane;
  for (const auto& slice : trace.slices) {
    if (slice.where == std::pair(requests_process, request + 1)) lane.emplace_back(slice.name, slice.start, slice.end);
  }
  return lane;
}

class RequestLanes : public ::testing::Test {
 protected:
  void iteration(std::int64_t step, std::int64_t at_ps, const std::vector<BatchEntry>& entries, const std::vector<std::int64_t>& requests) {
    trace_.iteration({step, entries}, requests, {static_cast<std::int64_t>(requests.size()), 0, 40, 3}, Picoseconds(at_ps));
  }
  test::ChromeTrace read() {
    trace_.close();
    return test::read_chrome_trace(scratch_.file("requests.trace.json"));
  }

  test::ScratchDirectory scratch_;
  RequestTrace trace_{scratch_.file("requests.trace.json")};
};

TEST_F(RequestLanes, have_a_wait_from_arrival_and_a_slice_of_each_iteration) {
  trace_.arrived(sequence_of(3, 1000).request, Picoseconds(1500));
  iteration(0, 1500, {{0, Phase::prefill, 40, 40, 1}}, {3});
  iteration(1, 9000, {{0, Phase::decode, 1, 41, 1}}, {3});
  trace_.left(sequence_of(3, 1000), serving::Ending::complete, Picoseconds(9700));
  trace_.finished(Picoseconds(9700));
  const auto trace = read();
  EXPECT_EQ(lane_of(trace, 3), (Lane{{"waits", 1000, 1500}, {"prompt, 40 tokens", 1500, 9000}, {"token", 9000, 9700}}));
  EXPECT_EQ(trace.threads.at({requests_process, 4}), "request 3: 40 + 5 tokens");
  EXPECT_EQ(trace.instants, 1);
}

TEST_F(RequestLanes, have_no_wait_where_a_request_runs_at_once) {
  trace_.arrived(sequence_of(0, 700).request, Picoseconds(700));
  iteration(0, 700, {{0, Phase::prefill, 40, 40, 1}}, {0});
  trace_.finished(Picoseconds(800));
  EXPECT_EQ(lane_of(read(), 0), (Lane{{"prompt, 40 tokens", 700, 800}}));
}

TEST_F(RequestLanes, wait_again_from_the_time_a_request_makes_room) {
  trace_.arrived(sequence_of(0, 0).request, Picoseconds(0));
  iteration(0, 0, {{0, Phase::prefill, 40, 40, 1}}, {0});
  trace_.preempted(sequence_of(0, 0), Picoseconds(100));
  iteration(1, 100, {{1, Phase::decode, 1, 9, 1}}, {7});
  iteration(2, 250, {{0, Phase::prefill, 41, 41, 1}}, {0});
  trace_.finished(Picoseconds(400));
  EXPECT_EQ(lane_of(read(), 0), (Lane{{"prompt, 40 tokens", 0, 100}, {"waits", 100, 250}, {"prompt, 41 tokens", 250, 400}}));
}

/// Admitted and sent back before the iteration began: it has waited all the time.
TEST_F(RequestLanes, wait_from_arrival_where_a_request_makes_room_before_it_has_run) {
  trace_.arrived(sequence_of(0, 10).request, Picoseconds(50));
  trace_.preempted(sequence_of(0, 10), Picoseconds(50));
  iteration(0, 50, {{1, Phase::decode, 1, 9, 1}}, {7});
  iteration(1, 90, {{0, Phase::prefill, 40, 40, 1}}, {0});
  trace_.finished(Picoseconds(120));
  EXPECT_EQ(lane_of(read(), 0), (Lane{{"waits", 10, 90}, {"prompt, 40 tokens", 90, 120}}));
}

TEST_F(RequestLanes, have_nothing_while_nothing_runs) {
  trace_.arrived(sequence_of(0, 0).request, Picoseconds(0));
  iteration(0, 0, {{0, Phase::prefill, 40, 40, 1}}, {0});
  trace_.idle(Picoseconds(30));
  trace_.arrived(sequence_of(1, 500).request, Picoseconds(500));
  iteration(1, 500, {{0, Phase::prefill, 40, 40, 1}}, {1});
  trace_.finished(Picoseconds(520));
  const auto trace = read();
  EXPECT_EQ(lane_of(trace, 0), (Lane{{"prompt, 40 tokens", 0, 30}}));
  EXPECT_EQ(lane_of(trace, 1), (Lane{{"prompt, 40 tokens", 500, 520}}));
}

/// A verification has its drafts as tokens, too: three rows of one request.
TEST_F(RequestLanes, iterations_name_prompt_tokens_and_requests_that_decode) {
  iteration(0, 0, {{0, Phase::prefill, 40, 40, 1}, {1, Phase::decode, 3, 52, 2}, {2, Phase::decode, 3, 61, 1}}, {0, 1, 2});
  iteration(1, 10, {{1, Phase::decode, 3, 54, 2}}, {1});
  trace_.finished(Picoseconds(20));
  std::vector<std::string> names, categories;
  for (const auto& slice : read().slices) {
    if (slice.where.first == requests_process) continue;
    names.push_back(slice.name);
    categories.push_back(slice.category);
  }
  EXPECT_EQ(names, (std::vector<std::string>{"40 prompt tokens, 2 requests decode", "0 prompt tokens, 1 requests decode"}));
  EXPECT_EQ(categories, (std::vector<std::string>{"both", "decode"}));
}

TEST_F(RequestLanes, counters_are_those_of_the_load) {
  trace_.iteration({0, {{0, Phase::prefill, 40, 40, 1}}}, {0}, {1, 4, 40, 3}, Picoseconds(5));
  trace_.finished(Picoseconds(9));
  const auto trace = read();
  const auto& requests = trace.counters.at({1, "requests"});
  ASSERT_EQ(requests.size(), 1u);
  EXPECT_EQ(requests[0].at, 5);
  EXPECT_EQ(requests[0].values, (nlohmann::json{{"running", 1}, {"waiting", 4}}));
  EXPECT_EQ(trace.counters.at({1, "KV pages"}).at(0).values, (nlohmann::json{{"held", 3}}));
}

}  // namespace
}  // namespace bondsim::tools
