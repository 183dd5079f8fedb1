#include "tools/app/exploration/ask_tell.hpp"

#include <gtest/gtest.h>

#include <set>

#include "tests/support/error_of.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim::tools {
namespace {

search::DesignSpace space_of(const std::string& search) {
  return search::decode_space(
      parse_yaml("schema: bondsim.space/1\nname: t\nsystem: " + testing::config_path("system/h2llm") + "\nworkloads:\n  - {model: " +
                     testing::config_path("model/llama-3-8b") + ", workload: " + testing::config_path("workload/humaneval") +
                     "}\nobjectives: [latency_s, energy_j]\nparameters:\n  - {key: nmp.pe.fpus, values: [1, 2, 4, 8]}\n"
                     "  - {key: nmp.pe.clock_mhz, values: [400, 600, 800]}\nsearch: " +
                     search + "\n",
                 "space.yaml"));
}

/// What a made-up device is worth: two objectives that go against each other.
search::Evaluation worth(const std::string& candidate) {
  const double n = static_cast<double>(std::hash<std::string>{}(candidate) % 1000);
  return {true, "", {{"latency_s", 1 + n}, {"energy_j", 2000 - n + static_cast<double>(candidate.size() % 2)}}};
}

/// Questions of a whole search, in their order.
std::vector<std::string> asked_by(AskTellSearch& search) {
  std::vector<std::string> all;
  for (std::vector<std::string> open = search.ask(); !open.empty(); open = search.ask()) {
    for (const std::string& candidate : open) {
      all.push_back(candidate);
      search.tell(candidate, worth(candidate));
    }
  }
  return all;
}

TEST(AskTellSearch, asks_for_every_candidate_once_and_keeps_what_it_is_told) {
  AskTellSearch search(space_of("{method: exhaustive}"));
  const std::vector<std::string> asked = asked_by(search);
  EXPECT_EQ(asked.size(), 12u);
  EXPECT_EQ(std::set<std::string>(asked.begin(), asked.end()).size(), 12u);
  EXPECT_EQ(search.told().size(), 12u);
  EXPECT_FALSE(search.front().empty());
  for (const auto& [candidate, evaluation] : search.told()) EXPECT_EQ(evaluation.metrics, worth(candidate).metrics);
}

TEST(AskTellSearch, the_same_answers_give_the_same_questions) {
  AskTellSearch a(space_of("{method: nsga2, population: 8, generations: 4, seed: 5}"));
  AskTellSearch b(space_of("{method: nsga2, population: 8, generations: 4, seed: 5}"));
  const std::vector<std::string> asked = asked_by(a);
  EXPECT_FALSE(asked.empty());
  EXPECT_EQ(asked_by(b), asked);
}

TEST(AskTellSearch, may_be_given_up_at_any_moment) {
  for (int told = 0; told < 6; ++told) {
    AskTellSearch search(space_of("{method: exhaustive}"));
    const std::vector<std::string> open = search.ask();
    for (int i = 0; i < told && i < static_cast<int>(open.size()); ++i) search.tell(open[static_cast<std::size_t>(i)], worth(open[0]));
  }
  AskTellSearch at_once(space_of("{method: exhaustive}"));
}

TEST(AskTellSearch, refuses_what_was_not_asked_for_and_what_has_no_worth) {
  AskTellSearch search(space_of("{method: exhaustive}"));
  const std::string first = search.ask().front();
  EXPECT_NE(test::error_of([&] { search.tell("nmp.pe.fpus=3", worth("")); }).find("not a candidate that is waited for"), std::string::npos);
  EXPECT_NE(test::error_of([&] {
              search.tell(first, {true, "", {{"latency_s", 1}}});
            }).find("without a finite energy_j"),
            std::string::npos);
  search.tell(first, worth(first));
  EXPECT_NE(test::error_of([&] { search.tell(first, worth(first)); }).find("not a candidate"), std::string::npos) << "told twice";
}

TEST(AskTellSearch, a_space_that_cannot_be_searched_ends_in_the_caller) {
  search::DesignSpace space = space_of("{method: exhaustive}");
  space.parameters[0].rows.assign(4000, {"1"});  // 16 million candidates, more than an exhaustive search takes
  space.parameters[1].rows.assign(4000, {"400"});
  AskTellSearch search(std::move(space));
  EXPECT_THROW(search.ask(), ConfigError);
}

}  // namespace
}  // namespace bondsim::tools
