#include "tools/app/report/shape.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "models/base/json_text.hpp"
#include "tests/support/command.hpp"
#include "tests/support/error_of.hpp"

namespace bondsim::tools::report {
namespace {

std::string shape_error(const std::string& text, const std::string& path, Value value) {
  const Json json = parse_json<Json>(text, "f.json");
  return test::error_of([&] { require_shape(json, text, "f.json", {{value, {path}}}); });
}

const char* const points = R"({"points": [
  {"at": {"c": 1}},
  {"at": {"c": null}},
  {"at": {}}],
 "name": "n", "on": true})";

TEST(Shape, a_value_of_another_kind_is_named_with_its_line_and_what_is_allowed) {
  EXPECT_EQ(shape_error(points, "points[].at.c", Value::number), "f.json:3: points[1].at.c: 'null', allowed: a number");
  EXPECT_EQ(shape_error(points, "points[].at.c", Value::number_or_null), "f.json:4: points[2].at.c: missing, allowed: a number, or null");
  EXPECT_EQ(shape_error(points, "name", Value::number), "f.json:5: name: '\"n\"', allowed: a number");
  EXPECT_EQ(shape_error(points, "name[].x", Value::number), "f.json:5: name: '\"n\"', allowed: a list");
  EXPECT_EQ(shape_error(points, "none.x", Value::number), "f.json:1: none: missing, allowed: what holds the values below it");
  EXPECT_EQ(shape_error(points, "on", Value::text), "f.json:5: on: 'true', allowed: text");
  EXPECT_EQ(shape_error(points, "name", Value::flag), "f.json:5: name: '\"n\"', allowed: true or false");
  EXPECT_EQ(shape_error(points, "on", Value::items), "f.json:5: on: 'true', allowed: a list with at least one item");
  EXPECT_EQ(shape_error(R"({"none": []})", "none", Value::items), "f.json:1: none: '[]', allowed: a list with at least one item");
}

TEST(Shape, what_is_as_needed_passes_and_optional_parts_may_be_absent) {
  for (const auto& [path, value] : std::vector<std::pair<const char*, Value>>{{"points", Value::items},
                                                                              {"name", Value::text},
                                                                              {"on", Value::flag},
                                                                              {"slo?.ttft_ms", Value::number},
                                                                              {"runs?[].moments[].time_s", Value::number},
                                                                              {"points[].at.c?", Value::number_or_null}}) {
    EXPECT_EQ(shape_error(points, path, value), "no error") << path;
  }
  EXPECT_EQ(shape_error(R"({"slo": {}})", "slo?.ttft_ms", Value::number), "f.json:1: slo.ttft_ms: missing, allowed: a number");
}

std::string table_error(const std::string& text, const TableShape& shape) {
  return test::error_of([&] { require_columns(CsvTable::parse(text, "t.csv"), shape); });
}

TEST(Shape, columns_of_numbers_hold_numbers_or_nothing) {
  const TableShape shape = {{"a"}, {"a"}, {"_s"}};
  EXPECT_EQ(table_error("a,b,c_s\n1,x,2\n,y,\n", shape), "no error");
  EXPECT_EQ(table_error("b\n1\n", shape), "t.csv:1: a: column is missing, found: b");
  EXPECT_EQ(table_error("a\n", shape), "t.csv:1: (rows): none, allowed: at least one");
  EXPECT_NE(table_error("a\n1\nx\n", shape).find("t.csv:3: a: 'x' is not a number"), std::string::npos);
  EXPECT_NE(table_error("a,c_s\n1,1\n1,x\n", shape).find("t.csv:3: c_s: 'x' is not a number"), std::string::npos);
  const TableShape but_text = {{}, {}, {}, true, {"problem"}};
  EXPECT_EQ(table_error("system.nmp.hb,problem,x\nfast,none,1\n", but_text), "no error");
  EXPECT_NE(table_error("system.nmp.hb,problem,x\nfast,none,one\n", but_text).find("t.csv:2: x: 'one'"), std::string::npos);
}

/// A directory with one file of results.
std::string report_error(const std::string& name, const std::string& text) {
  const test::ScratchDirectory scratch;
  std::filesystem::create_directory(scratch.file("d"));
  scratch.write("d/" + name, text);
  const std::string error = test::error_of([&] { load_inputs({scratch.file("d")}); });
  const std::size_t at = error.find("/d/");
  return at == std::string::npos ? error : error.substr(at + 3);
}

TEST(Shape, tables_that_lack_what_their_page_shows_are_refused) {
  EXPECT_EQ(report_error("sweep.csv", "system.nmp.pe.fpus,total_s,decode_bound,problem\n4,1,column,\n8,one,column,\n"),
            "sweep.csv:3: total_s: 'one' is not a number, allowed: a number from -1e+300 to 1e+300");
  EXPECT_EQ(report_error("sweep.csv", "system.nmp.pe.fpus,total_s,problem\n4,1,\n"),
            "sweep.csv:1: decode_bound: column is missing, found: system.nmp.pe.fpus, total_s, problem");
  EXPECT_EQ(report_error("ladder.csv", "rung,prefill_s,token_s,total_s,change\nall off,1,1,2,x\n"),
            "ladder.csv:2: change: 'x' is not a number, allowed: a number from -1e+300 to 1e+300");
  EXPECT_EQ(report_error("validate.csv", "operator,cycle_latency_s,detailed_error_percent\nq,1,y\n"),
            "validate.csv:2: detailed_error_percent: 'y' is not a number, allowed: a number from -1e+300 to 1e+300");
  EXPECT_EQ(report_error("headlines.csv", "headline\nfaster\n"), "headlines.csv:1: published: column is missing, found: headline");
  EXPECT_EQ(report_error("speculation.csv", "batch,depth\n1,1\n"), "speculation.csv:1: acceptance: column is missing, found: batch, depth");
  EXPECT_EQ(report_error("curve.csv", "rate_per_s\n1\n"), "curve.csv:1: requests_per_s: column is missing, found: rate_per_s");
}

TEST(Shape, json_that_lacks_what_its_page_shows_is_refused) {
  EXPECT_EQ(report_error("heat.json", "[]"), "heat.json:1: schema: missing, allowed: text");
  EXPECT_EQ(report_error("heat.json", "{\n\"schema\": \"bondsim.heat/0\"}"),
            "heat.json:2: schema: 'bondsim.heat/0', allowed: bondsim.heat/1");
  EXPECT_EQ(report_error("heat.json", "{\"schema\": \"bondsim.heat/1\",\n\"model\": 3}"), "heat.json:2: model: '3', allowed: text");
  const std::string error = report_error("serving.json", "{}");  // its tables come first
  EXPECT_NE(error.find("requests.csv: no such file"), std::string::npos) << error;
}

}  // namespace
}  // namespace bondsim::tools::report
