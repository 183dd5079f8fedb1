#include "models/base/csv_table.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/error_of.hpp"

namespace bondsim {
namespace {

CsvTable read(const std::string& text) { return CsvTable::parse(text, "t.csv"); }

std::string error_in(const std::string& text) {
  return test::error_of([&] { read(text).integer(0, "a", 0, 10); });
}

TEST(CsvTable, what_is_written_is_read_again) {
  const std::string mark = "\xEF\xBB\xBF";
  const std::vector<std::string> headers = {"\"\"", "\"" + mark + "\"", "\"" + mark + "a\"", "\"a\"\"b,c\"", "a b", "\" \""};
  for (const std::string& header : headers) {
    const CsvTable table = read(header + "\n1\n\"\"\n2\n");
    const CsvTable again = read(table.to_text());
    EXPECT_EQ(again.columns(), table.columns()) << header;
    ASSERT_EQ(again.rows(), 3U) << header;
    EXPECT_EQ(again.text(1, again.columns()[0]), "") << header;
    EXPECT_EQ(again.text(2, again.columns()[0]), "2") << header;
  }
}

TEST(CsvTable, an_empty_cell_that_is_set_keeps_its_row) {
  CsvTable table = CsvTable::of_rows(2, {"a"}, "t.csv");
  table.set(1, "a", "x, \"y\"\nz");
  const CsvTable again = read(table.to_text());
  ASSERT_EQ(again.rows(), 2U);
  EXPECT_FALSE(again.text(0, "a").size() != 0);
  EXPECT_EQ(again.text(1, "a"), "x, \"y\" z");
  EXPECT_EQ(table.to_text(), "a\n\"\"\n\"x, \"\"y\"\" z\"\n");
}

TEST(CsvTable, marks_and_empty_lines_before_the_header_are_dropped_and_lines_still_counted) {
  EXPECT_EQ(read("\xEF\xBB\xBF"
                 "a,b\r\n1,2\r\n")
                .text(0, "b"),
            "2");
  EXPECT_EQ(error_in("\n\na\n\n11\n"), "t.csv:5: a: 11 is out of range, allowed: 0 to 10");
  EXPECT_EQ(error_in("a\n1.5\n"), "t.csv:2: a: '1.5' is not a whole number, allowed: 0 to 10");
  EXPECT_EQ(error_in("a\nx\n"), "t.csv:2: a: 'x' is not a number, allowed: a number from 0 to 10");
  EXPECT_EQ(error_in("a\n1e999\n"), "t.csv:2: a: '1e999' is not a number, allowed: a number from 0 to 10");
  EXPECT_EQ(error_in("a\n-1\n"), "t.csv:2: a: -1 is out of range, allowed: 0 to 10");
}

TEST(CsvTable, bounds_are_within_and_a_whole_number_may_have_a_point) {
  const CsvTable table = read("a,b\n0,\n10,x\n4.0,x\n");
  EXPECT_EQ(table.integer(0, "a", 0, 10), 0);
  EXPECT_EQ(table.integer(1, "a", 0, 10), 10);
  EXPECT_EQ(table.integer(2, "a", 0, 10), 4);
  EXPECT_FALSE(table.has(0, "b"));
  EXPECT_TRUE(table.has(1, "b"));
  EXPECT_FALSE(table.has(1, "c"));
}

TEST(CsvTable, faults_of_shape_name_their_line) {
  EXPECT_EQ(error_in("a,b\n1,2\n3\n"), "t.csv:3: (line): 1 fields, the header has 2");
  EXPECT_EQ(error_in("a,a\n"), "t.csv:1: a: column given twice, allowed once");
  EXPECT_EQ(error_in("\n\"a\n"), "t.csv:2: (line): a quote is not closed, fields may not span lines");
  EXPECT_EQ(error_in(""), "t.csv:1: (header): the file is empty, a line of column names is expected");
  EXPECT_EQ(error_in("b,c\n1,2\n"), "t.csv:1: a: column is missing, found: b, c");
}

}  // namespace
}  // namespace bondsim
