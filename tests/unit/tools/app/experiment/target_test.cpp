#include "tools/app/experiment/target.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "tests/support/command.hpp"
#include "tests/support/error_of.hpp"

namespace bondsim::tools {
namespace {

const std::string head =
    "schema: bondsim.target/1\nname: t\ntitle: t\nlicence: l\npublished_has: p\nours_has: o\nsystem: s.yaml\nleast: 0.8\nmost: 1.2\n";
const std::string whole_model = "model: m.yaml\nworkload: w.yaml\ndataflow: d.yaml\n";
const std::string gemm = ", gemms: [{n: 8, k: 8}]";

/// A target whose only figure has `unit`, `work` and what else is given.
std::string figure(const std::string& unit, const std::string& work, const std::string& more = "") {
  return fmt::format("figures:\n  - {{name: f, published: 1, unit: {}, source: s, work: {}{}}}\n", unit, work, more);
}

class Targets : public testing::Test {
 protected:
  std::string error(const std::string& text) const {
    const std::string file = scratch.write("t.yaml", text);
    const std::string message = test::error_of([&] { load_target(file); });
    return message.rfind(file, 0) == 0 ? message.substr(file.size() - 6) : message;
  }

  const test::ScratchDirectory scratch;
};

TEST_F(Targets, figures_have_the_keys_of_their_work_alone) {
  const std::string at = "t.yaml:11: target.figures[0].";
  const auto gemms = [&](const char* found, const char* work) {
    return fmt::format("{}gemms: {} with work {}, allowed: some with pes and arrays, none with model and commands", at, found, work);
  };
  EXPECT_EQ(error(head + figure("us", "pes")), gemms("none", "pes"));
  EXPECT_EQ(error(head + figure("cycles", "arrays")), gemms("none", "arrays"));
  EXPECT_EQ(error(head + figure("mw", "commands", gemm)), gemms("given", "commands"));
  const auto unit = [&](const char* found, const char* work) {
    return fmt::format("{}unit: {} with work {}, allowed: us, cycles with pes and arrays, tokens_per_s with model, mw with commands", at,
                       found, work);
  };
  EXPECT_EQ(error(head + figure("mw", "pes", gemm)), unit("mw", "pes"));
  EXPECT_EQ(error(head + figure("tokens_per_s", "arrays", gemm)), unit("tokens_per_s", "arrays"));
  EXPECT_EQ(error(head + figure("us", "model")), unit("us", "model"));
  EXPECT_EQ(error(head + figure("us", "commands", ", trace: c.txt")), unit("us", "commands"));
  const auto trace = [&](const char* found, const char* work) {
    return fmt::format("{}trace: {} with work {}, allowed: one with commands alone", at, found, work);
  };
  EXPECT_EQ(error(head + figure("mw", "commands")), trace("none", "commands"));
  EXPECT_EQ(error(head + figure("us", "pes", gemm + ", trace: c.txt")), trace("given", "pes"));
  EXPECT_EQ(error(head + figure("tokens_per_s", "model")),
            at + "work: model, but the target does not name model, workload and dataflow, allowed: with all three");
  EXPECT_EQ(error(head + figure("us", "pes", gemm + ", least: 1.3")), at + "least: 1.3 above 1.2, allowed: at most that");
  EXPECT_EQ(error(head + figure("us", "pes", gemm + ", most: 0.7")), at + "least: 0.8 above 0.7, allowed: at most that");
  EXPECT_EQ(error(head + "figures: []\n"), "t.yaml:10: target.figures: none, allowed: at least one");
}

TEST_F(Targets, figures_of_each_work_are_taken) {
  for (const std::string& text :
       {figure("us", "pes", gemm), figure("cycles", "pes", gemm), figure("us", "arrays", gemm), figure("mw", "commands", ", trace: c.txt"),
        figure("us", "pes", gemm + ", least: 1.2, most: 1.2"), whole_model + figure("tokens_per_s", "model")}) {
    EXPECT_EQ(error(head + text), "no error") << text;
  }
}

TEST_F(Targets, names_are_relative_to_the_file_and_limits_the_figures_own) {
  const Target t = load_target(scratch.write("t.yaml", head + figure("us", "pes", gemm + ", least: 0.9")));
  EXPECT_EQ(t.path("../dram/x.yaml"), (std::filesystem::path(scratch.file("t.yaml")).parent_path().parent_path() / "dram/x.yaml").string());
  EXPECT_EQ(t.least_of(t.figures[0]), 0.9);
  EXPECT_EQ(t.most_of(t.figures[0]), 1.2);
}

TEST_F(Targets, files_are_found_by_name_or_path_and_listed_in_order) {
  const std::vector<TargetFile> all = target_files();
  std::vector<std::string> names, expected;
  for (const TargetFile& file : all) names.push_back(file.name);
  std::string list;
  for (const auto& file : std::filesystem::directory_iterator(tests::source_dir() + "/configs/reproduce")) {
    if (file.path().extension() == ".yaml") expected.push_back(file.path().stem().string());
  }
  std::sort(expected.begin(), expected.end());
  EXPECT_EQ(names, expected);
  for (const std::string& name : expected) {
    list += (list.empty() ? "" : ", ") + name;
    ASSERT_EQ(target_files(name).size(), 1U) << name;
    EXPECT_EQ(target_files(name)[0].name, name);
    const std::string text = test::file_text(target_files(name)[0].file);
    EXPECT_EQ(target_files(name)[0].experiments, text.find("schema: bondsim.reproduction/1") != std::string::npos) << name;
  }
  EXPECT_EQ(test::error_of([] { target_files("none"); }), "--published: 'none' is not known, allowed: " + list + ", or a file");
  const std::string own = scratch.write("own.yaml", head);
  ASSERT_EQ(target_files(own).size(), 1U);
  EXPECT_EQ(target_files(own)[0].name, "own");
  EXPECT_EQ(target_files(own)[0].file, own);
  EXPECT_FALSE(target_files(own)[0].experiments);
}

}  // namespace
}  // namespace bondsim::tools
