#include "tools/app/report/comparison.hpp"

#include <gtest/gtest.h>

#include <filesystem>

#include "models/base/error.hpp"
#include "models/results/results.hpp"
#include "tests/support/command.hpp"

namespace bondsim::tools::report {
namespace {

std::string run(const test::ScratchDirectory& scratch, const std::string& name, std::int64_t decode_ps, const std::string& fpus) {
  Results r;
  r.schedule.model = "small";
  r.schedule.batch = 2;
  r.system = "machine";
  r.prompt_tokens = 8;
  r.generated_tokens = 1;
  r.prefill = Picoseconds(1000);
  r.total = Picoseconds(1000 + decode_ps);
  r.steps = {Picoseconds(decode_ps)};
  r.npu_peak_macs = 1;
  r.config_values = {{"system.nmp.pe.fpus", fpus, "", "", "", "", ""}, {"system.name", "machine", "", "", "", "", ""}};
  std::filesystem::create_directory(scratch.file(name));
  scratch.write(name + "/results.json", results_json(r));
  return scratch.file(name);
}

TEST(Comparison, figures_by_run_and_the_keys_that_differ) {
  const test::ScratchDirectory scratch;
  const Comparison c = compare_runs({run(scratch, "a", 4000, "8"), run(scratch, "b", 6000, "4")});
  const auto figure = [&](const std::string& name) {
    return std::find_if(c.figures.begin(), c.figures.end(), [&](const auto& f) { return f.name == name; })->values;
  };
  EXPECT_EQ(figure("decode"), (std::vector<double>{4e-9, 6e-9}));
  EXPECT_DOUBLE_EQ(figure("decode rate")[1], 2 / 6e-9);
  ASSERT_EQ(c.differences.size(), 1u);
  EXPECT_EQ(c.differences[0].key, "system.nmp.pe.fpus");
  EXPECT_EQ(c.differences[0].values, (std::vector<std::string>{"8", "4"}));
  const std::string text = comparison_text(c);
  EXPECT_NE(text.find("x1.500"), std::string::npos) << text;
  EXPECT_NE(text.find("system.nmp.pe.fpus: 8 | 4"), std::string::npos) << text;
}

TEST(Comparison, a_directory_without_whole_results_is_named) {
  const test::ScratchDirectory scratch;
  const std::string a = run(scratch, "a", 4000, "8");
  EXPECT_THROW(compare_runs({a, scratch.file("none")}), ConfigError);
  const std::string b = run(scratch, "b", 4000, "8");
  std::string text = test::file_text(b + "/results.json");
  text.replace(text.find("\"latency_ps\""), 12, "\"latency_qs\"");
  scratch.write("b/results.json", text);
  EXPECT_THROW(compare_runs({a, b}), ConfigError);
}

}  // namespace
}  // namespace bondsim::tools::report
