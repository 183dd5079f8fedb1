#include <gtest/gtest.h>

#include "models/base/clock.hpp"
#include "models/base/fields.hpp"

namespace bondsim {
namespace {

struct Sample {
  int count = 0;
  double rate_gbps = 2.5;
};
template <class Visitor>
void fields(Visitor& v, Sample& s) {
  v.field("count", s.count, required("how many").range(1, 8));
  v.field("rate_gbps", s.rate_gbps, defaulted("rate").range(0, 100).in("GB/s"));
}

std::string error_of(const std::string& text) {
  try {
    decode_document<Sample>(parse_yaml(text, "s.yaml"), "sample", "test/1");
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(Config, reads_each_key_and_keeps_defaults) {
  const auto s = decode_document<Sample>(parse_yaml("schema: test/1\ncount: 3\n", "s.yaml"), "sample", "test/1");
  EXPECT_EQ(s.count, 3);
  EXPECT_EQ(s.rate_gbps, 2.5);
}

TEST(Config, error_names_file_line_key_and_what_is_allowed) {
  EXPECT_EQ(error_of("schema: test/1\ncount: 9\n"), "s.yaml:2: sample.count: 9 is out of range, allowed: 1 to 8");
  EXPECT_EQ(error_of("schema: test/1\ncount: 3\nrate_gbp: 1\n"),
            "s.yaml:3: sample.rate_gbp: unknown key, did you mean 'rate_gbps'?, allowed: schema, count, rate_gbps");
  EXPECT_EQ(error_of("schema: test/1\n"), "s.yaml:1: sample.count: missing, this key is required");
}

TEST(Config, rejects_duplicates_octal_units_and_quotes) {
  EXPECT_NE(error_of("schema: test/1\ncount: 3\ncount: 4\n").find("s.yaml:3: count: key given twice (first at line 2)"), std::string::npos);
  EXPECT_NE(error_of("schema: test/1\ncount: 010\n"), "");
  EXPECT_NE(error_of("schema: test/1\ncount: 3 GB\n"), "");
  EXPECT_NE(error_of("schema: test/1\ncount: \"3\"\n"), "");
  EXPECT_NE(error_of("schema: test/1\ncount: 3.5\n"), "");
  EXPECT_NE(error_of("schema: test/1\ncount: [3]\n"), "");
}

TEST(Config, override_replaces_a_value_and_says_where_it_came_from) {
  ConfigNode root = parse_yaml("schema: test/1\ncount: 3\n", "s.yaml");
  apply_override(root, "count", "12");
  try {
    decode_document<Sample>(root, "sample", "test/1");
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_STREQ(e.what(), "--set count=12: sample.count: 12 is out of range, allowed: 1 to 8");
  }
}

TEST(Clock, edges_are_computed_from_their_number) {
  const Clock ck = Clock::from_khz(1066500);
  EXPECT_EQ(ck.edge(0).value, 0);
  EXPECT_EQ(ck.edge(1066500).value, 1'000'000'000);
  for (std::int64_t n : {1LL, 7LL, 12345LL, 99999999LL}) {
    EXPECT_EQ(ck.edge_at_or_after(ck.edge(n)), n);
    EXPECT_EQ(ck.edge_before_or_at(ck.edge(n)), n);
    EXPECT_EQ(ck.edge_at_or_after(ck.edge(n) + Picoseconds(1)), n + 1);
  }
}

}  // namespace
}  // namespace bondsim
