#include "tools/app/output/journal.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "models/base/error.hpp"
#include "tests/support/command.hpp"

namespace bondsim::tools {
namespace {

TEST(Journal, answers_survive_for_the_same_inputs_alone) {
  const test::ScratchDirectory scratch;
  const std::string file = scratch.file("o.answers");
  Journal(file, "inputs 1").add("task a", "answer a");
  {
    Journal again(file, "inputs 1");
    ASSERT_NE(again.find("task a"), nullptr);
    EXPECT_EQ(*again.find("task a"), "answer a");
    EXPECT_EQ(again.find("task b"), nullptr);
  }
  Journal other(file, "inputs 2");
  EXPECT_EQ(other.find("task a"), nullptr);
  other.remove();
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST(Journal, a_line_cut_short_counts_as_nothing) {
  const test::ScratchDirectory scratch;
  const std::string file = scratch.write("o.answers", "bondsim.answers/1 inputs\ntask a\tanswer a\ntask b\tans");
  Journal journal(file, "inputs");
  EXPECT_NE(journal.find("task a"), nullptr);
  EXPECT_EQ(journal.find("task b"), nullptr);
}

TEST(Journal, a_users_file_of_its_name_and_a_link_are_left_alone) {
  const test::ScratchDirectory scratch;
  const std::string mine = scratch.write("o.answers", "my answers\n");
  EXPECT_THROW(Journal(mine, "inputs"), ConfigError);
  EXPECT_EQ(test::file_text(mine), "my answers\n");
  std::filesystem::create_symlink(mine, scratch.file("p.answers"));
  EXPECT_THROW(Journal(scratch.file("p.answers"), "inputs"), ConfigError);
  EXPECT_EQ(test::file_text(mine), "my answers\n");
}

}  // namespace
}  // namespace bondsim::tools
