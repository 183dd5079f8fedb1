#include "models/base/named_file.hpp"

#include <gtest/gtest.h>

#include "models/base/json_text.hpp"
#include "tests/support/command.hpp"
#include "tests/support/error_of.hpp"

namespace bondsim {
namespace {

TEST(NamedFile, stands_beside_the_file_that_names_it_or_the_key_is_blamed) {
  const test::ScratchDirectory scratch;
  scratch.write("part.yaml", "a: 1\n");
  scratch.write("whole.yaml", "# first line\npart: part.yaml\nother: none.yaml\n");
  const ConfigNode whole = load_yaml_file(scratch.file("whole.yaml"));
  EXPECT_EQ(named_file(*whole.find("part"), "whole.part"), scratch.file("part.yaml"));
  const std::string error = test::error_of([&] { named_file(*whole.find("other"), "whole.other"); });
  EXPECT_NE(error.find("whole.yaml:3: whole.other: no such file"), std::string::npos) << error;
  EXPECT_NE(error.find(scratch.file("none.yaml")), std::string::npos) << error;
}

TEST(ConfigNode, a_file_without_a_document_is_named_with_its_first_line) {
  EXPECT_EQ(parse_yaml("", "e.yaml").where(), "e.yaml:1");
  EXPECT_EQ(parse_yaml("# nothing\n", "e.yaml").where(), "e.yaml:1");
}

TEST(JsonText, line_of_a_path_is_where_its_value_begins) {
  const std::string text = R"({
  "a": {"b": [1, {"c": "}],\"[{"},
    {"d": 2,

     "e.f": 3}]},
  "ab": [
    [],
    [4,
     5]]
})";
  EXPECT_EQ(line_of_path(text, "a"), 2);
  EXPECT_EQ(line_of_path(text, "a.b[1].c"), 2);
  EXPECT_EQ(line_of_path(text, "a.b[2].d"), 3);
  EXPECT_EQ(line_of_path(text, "a.b[2].e.f"), 5);
  EXPECT_EQ(line_of_path(text, "ab[1][1]"), 9);
  EXPECT_EQ(line_of_path(text, "ab[0]"), 7);
  EXPECT_EQ(line_of_path(text, "a.b[2].gone"), 3) << "the value around it";
  EXPECT_EQ(line_of_path(text, "gone"), 1);
  EXPECT_EQ(line_of_path("7", "x"), 1);
}

}  // namespace
}  // namespace bondsim
