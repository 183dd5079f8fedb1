#include "tools/app/experiment/configuration.hpp"

#include <gtest/gtest.h>

#include "models/base/config_node.hpp"
#include "tests/support/command.hpp"

namespace bondsim::tools {
namespace {

struct Inner {
  int depth = 1;
  int width = 2;
};
template <class Visitor>
void fields(Visitor& v, Inner& c) {
  v.field("depth", c.depth, defaulted("how deep"));
  v.field("width", c.width, defaulted("how wide").in("m"));
}

struct Outer {
  int height = 3;
  Inner inner;
};
template <class Visitor>
void fields(Visitor& v, Outer& c) {
  v.field("height", c.height, defaulted("how high"));
  v.section("inner", c.inner, defaulted("inside"));
}

TEST(TrailingComment, begins_with_a_hash_after_a_blank_outside_quotes) {
  const std::pair<const char*, const char*> lines[] = {{"a: 1  # why", "why"},
                                                       {"a: 1\t# why \t\r", "why"},
                                                       {"# all of it", "all of it"},
                                                       {"a: 1 ## twice # more", "twice # more"},
                                                       {"a: b#c", ""},
                                                       {"a: 1 #", ""},
                                                       {"a: 1", ""},
                                                       {"", ""},
                                                       {"a: \"b # c\"  # d", "d"},
                                                       {"a: 'b # c' # d", "d"},
                                                       {"a: \"it's # it\" # d", "d"},
                                                       {"a: chip's # d", "d"}};
  for (const auto& [line, comment] : lines) EXPECT_EQ(trailing_comment(line), comment) << line;
}

/// Values with their sources: the comment of the line, or of the section around it, none of the file.
TEST(ListedValues, name_the_nearest_comment_and_where_they_stand) {
  const test::ScratchDirectory scratch;
  const std::string file = scratch.write("o.yaml", "height: 5\ninner:  # of the section\n  depth: 7\n  width: 8  # its own\n");
  std::vector<ConfigValue> values;
  list_values(values, load_yaml_file(file), "outer", Outer{5, {7, 8}});
  ASSERT_EQ(values.size(), 3U);
  EXPECT_EQ(values[0].key, "outer.height");
  EXPECT_EQ(values[0].value, "5");
  EXPECT_EQ(values[0].where, file + ":1");
  EXPECT_EQ(values[0].source, "");
  EXPECT_EQ(values[1].key, "outer.inner.depth");
  EXPECT_EQ(values[1].where, file + ":3");
  EXPECT_EQ(values[1].source, "of the section");
  EXPECT_EQ(values[2].unit, "m");
  EXPECT_EQ(values[2].meaning, "how wide");
  EXPECT_EQ(values[2].source, "its own");
}

TEST(ListedValues, that_a_file_leaves_out_are_defaults_without_source) {
  const test::ScratchDirectory scratch;
  std::vector<ConfigValue> values;
  list_values(values, load_yaml_file(scratch.write("o.yaml", "height: 5  # measured\n")), "", Outer{5, {}});
  ASSERT_EQ(values.size(), 3U);
  EXPECT_EQ(values[0].key, "height");
  EXPECT_EQ(values[0].source, "measured");
  EXPECT_EQ(values[1].key, "inner.depth");
  EXPECT_EQ(values[1].where, "default");
  EXPECT_EQ(values[1].source, "");
}

}  // namespace
}  // namespace bondsim::tools
