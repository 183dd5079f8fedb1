#include "tools/app/experiment/glossary.hpp"

#include <gtest/gtest.h>

#include <set>

#include "models/energy/counts.hpp"
#include "models/results/results.hpp"
#include "tests/support/error_of.hpp"
#include "tools/app/experiment/progress.hpp"

namespace bondsim::tools {
namespace {

std::set<std::string> words() {
  std::set<std::string> out;
  for (const GlossaryEntry& entry : glossary()) {
    EXPECT_TRUE(out.insert(entry.word).second) << entry.word << " stands twice";
    EXPECT_FALSE(entry.meaning.empty()) << entry.word;
  }
  return out;
}

TEST(Glossary, has_every_part_of_the_time_and_every_component_of_the_energy) {
  const std::set<std::string> known = words();
  for (const auto& part : named_parts(TimeParts())) EXPECT_EQ(known.count(part.first), 1U) << part.first;
  for (const auto& component : enum_names<EnergyComponent>) EXPECT_EQ(known.count(component.first), 1U) << component.first;
}

TEST(Glossary, finds_a_word_however_it_is_written) {
  EXPECT_EQ(explain_word("host_transfer").word, "host_transfer");
  EXPECT_EQ(explain_word("Host-Transfer").word, "host_transfer");
  EXPECT_EQ(explain_word("kendall tau").word, "Kendall tau");
}

TEST(Glossary, says_what_is_near_and_what_there_is) {
  const std::string error = test::error_of([] { explain_word("dependancy"); });
  EXPECT_NE(error.find("did you mean 'dependency'?, allowed: channel, "), std::string::npos) << error;
}

TEST(ProgressBar, the_rest_takes_as_long_as_its_share_of_what_is_done) {
  EXPECT_EQ(time_left(10, 1, 4), "30 s");
  EXPECT_EQ(time_left(100, 1, 4), "5 min 0 s");
  EXPECT_EQ(time_left(1.9, 1, 4), "");
  EXPECT_EQ(time_left(10, 0, 4), "");
}

}  // namespace
}  // namespace bondsim::tools
