#include <gtest/gtest.h>

#include <sstream>

#include "models/base/config_node.hpp"
#include "models/base/json_text.hpp"
#include "models/results/results_read.hpp"
#include "models/schedule/schedule_json.hpp"
#include "tests/support/error_of.hpp"

namespace bondsim {
namespace {

using test::error_of;

std::string yaml_error(const std::string& text) {
  return error_of([&] { parse_yaml(text, "f.yaml"); });
}

std::string nested(std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); }

std::string schedule_error(const std::string& text) {
  return error_of([&] { read_schedule(std::make_unique<std::istringstream>(text), "s.json"); });
}

TEST(Nesting, an_alias_of_what_is_around_it_is_refused) {
  const std::string why = "an alias of a value that it is part of, allowed: of a value that ends before it";
  EXPECT_EQ(yaml_error("x: 1\na: &z [*z]\n"), "f.yaml:2: a[0]: " + why);
  EXPECT_EQ(yaml_error("a: &z\n  b:\n    c: *z\n"), "f.yaml:3: a.b.c: " + why);
  EXPECT_EQ(yaml_error("&z {a: [1, *z]}"), "f.yaml:1: a[1]: " + why);
  ConfigNode root = parse_yaml("a: 1", "f.yaml");
  EXPECT_EQ(error_of([&] { apply_override(root, "a", "&z [*z]"); }), "--set a=&z [*z]:1: [0]: " + why);
}

TEST(Nesting, aliases_repeat_a_value) {
  const ConfigNode node = parse_yaml("a: &z\n  b: [1, 2]\nc: *z\nd: &y 5\ne: *y\n", "f.yaml");
  EXPECT_EQ(node.find("c")->find("b")->items.at(1).text, "2");
  EXPECT_EQ(node.find("c")->line, 3);
  EXPECT_EQ(node.find("c")->find("b")->line, 2);
  EXPECT_EQ(node.find("e")->text, "5");
}

TEST(Nesting, aliases_of_aliases_end) {
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 12; ++i) {
    bomb += fmt::format("a{}: &a{} [", i, i);
    for (int k = 0; k < 10; ++k) bomb += fmt::format("{}*a{}", k == 0 ? "" : ", ", i - 1);
    bomb += "]\n";
  }
  EXPECT_NE(yaml_error(bomb).find("anchors and aliases repeat more than 16 MiB"), std::string::npos);
  std::string wide = "a: &a '" + std::string(1 << 20, 'x') + "'\nb: [";
  for (int i = 0; i < 20; ++i) wide += "*a, ";
  EXPECT_NE(yaml_error(wide + "]").find("f.yaml:2: b[14]: anchors and aliases repeat more than 16 MiB"), std::string::npos)
      << yaml_error(wide + "]");
}

/// A key one column to the left ends the section of those before it, and all that follows would be left out.
TEST(Nesting, what_follows_a_document_is_refused) {
  const std::string why = "a second document begins here, allowed: one, the keys of a section in one column";
  EXPECT_EQ(yaml_error(" a: 1\n b: 2\nc: 3\n"), "f.yaml:3: (file): " + why);
  EXPECT_EQ(yaml_error("a: 1\n---\nb: 2\n"), "f.yaml:2: (file): " + why);
  EXPECT_EQ(yaml_error("{\"a\": 1}\n{\"b\": 2}\n"), "f.yaml:2: (file): " + why);
  EXPECT_EQ(yaml_error("{a: 1} b\n"), "f.yaml:1: (file): " + why);
  EXPECT_EQ(yaml_error("a: 1\n...\nb: 2\n"), "f.yaml:3: (file): " + why);
  for (const char* one : {"---\na: 1\n", "a: 1\n...\n", "# c\n---\na: 1\n...\n# c\n", "", "# c\n", "%YAML 1.2\n---\na: 1\n"}) {
    EXPECT_EQ(yaml_error(one), "no error") << one;
  }
  ConfigNode root = parse_yaml("a: 1", "f.yaml");
  EXPECT_EQ(error_of([&] { apply_override(root, "a", "7\n---\njunk"); }), "--set a=7\n---\njunk:2: (file): " + why);
}

TEST(Nesting, yaml_depth_is_limited) {
  EXPECT_EQ(yaml_error(nested(100)), "no error");
  EXPECT_NE(yaml_error(nested(101)).find("f.yaml:1: "), std::string::npos);
  EXPECT_NE(yaml_error(nested(101)).find("nested deeper than 100 levels"), std::string::npos);
  EXPECT_NE(yaml_error(nested(100'000)).find("nested deeper than 100 levels"), std::string::npos);
  std::string lists;
  for (int i = 0; i < 100'000; ++i) lists += "- ";
  EXPECT_NE(yaml_error(lists).find("nested deeper than 100 levels"), std::string::npos);
  // By an alias of a deep value at a deep place.
  EXPECT_EQ(yaml_error("a: &a " + nested(99) + "\nb: *a\n"), "no error");
  EXPECT_NE(yaml_error("a: &a " + nested(99) + "\nb: [*a]\n").find("f.yaml:2: b[0]: nested deeper than 100 levels through an alias"),
            std::string::npos);
  ConfigNode root = parse_yaml("a: 1", "f.yaml");
  EXPECT_NE(error_of([&] { apply_override(root, "a", nested(100'000)); }).find("--set a=(200000 bytes):1: "), std::string::npos);
}

TEST(Nesting, many_keys_are_read_in_time) {
  std::string text;
  for (int i = 0; i < 200'000; ++i) text += fmt::format("k{}: 1\n", i);
  EXPECT_EQ(parse_yaml(text, "f.yaml").entries.size(), 200'000u);
}

TEST(Nesting, json_depth_is_limited) {
  EXPECT_EQ(error_of([] { parse_json(nested(100), "f.json"); }), "no error");
  EXPECT_EQ(error_of([] { parse_json("\n" + nested(101), "f.json"); }), "f.json:2: nested deeper than 100 levels");
  EXPECT_EQ(error_of([] { parse_json("\"" + nested(101) + "\\\"" + nested(101) + "\"", "f.json"); }), "no error");
  EXPECT_EQ(schedule_error("\n{\"schema\": " + nested(100'000) + "}"), "s.json:2: nested deeper than 100 levels");
  EXPECT_EQ(error_of([] { results_from_json(nested(100'000), "r.json"); }), "r.json:1: nested deeper than 100 levels");
}

TEST(Nesting, json_numbers_that_no_double_holds_are_named) {
  EXPECT_NE(schedule_error("\n{\"schema\":\"bondsim.schedule/2\",\"batch\":1e999}").find("s.json:2: a number is out of range"),
            std::string::npos);
  const std::string later = error_of([] { parse_json("{\"a\": 1,\n\"b\": [1,\n-1e999]}", "f.json"); });
  EXPECT_NE(later.find("f.json:3: a number is out of range, allowed: up to 1.797e308"), std::string::npos) << later;
  EXPECT_EQ(error_of([] { parse_json("{\"a\": 1,\n\"b\" 1}", "f.json"); }), "f.json:2: not valid JSON near byte 14");
}

}  // namespace
}  // namespace bondsim
