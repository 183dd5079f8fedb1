#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "models/base/csv_table.hpp"
#include "tests/support/command.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/inputs.hpp"
#include "tools/app/published/suite.hpp"

/// Held against what others published, with nothing fitted: configs/dram/ and configs/system/ cite every value that decides.
namespace bondsim::tools {
namespace {

Target target(const std::string& name) { return load_target(target_files(name).front().file); }

class PublishedTarget : public ::testing::TestWithParam<const char*> {};

TEST_P(PublishedTarget, keeps_its_tolerance) {
  for (const FigureResult& r : run_target(target(GetParam()))) {
    EXPECT_TRUE(r.kept()) << r.figure.name << ": " << r.ours << " " << enum_name(r.figure.unit) << ", published " << r.figure.published
                          << ", ratio " << r.ratio();
    RecordProperty(r.figure.name, std::to_string(r.ratio()));
  }
}

INSTANTIATE_TEST_SUITE_P(All, PublishedTarget, ::testing::Values("scalesim", "cent", "attacc", "orin", "hbm-power"), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

/// The targets' numbers, and those that were written down from the sources.
TEST(Published, targets_have_the_numbers_in_print) {
  const CsvTable print = CsvTable::load(bondsim::tests::source_dir() + "/tests/data/published/figures.csv");
  std::set<std::string> found;
  for (const TargetFile& file : target_files()) {
    if (file.experiments) continue;
    const Target t = load_target(file.file);
    EXPECT_EQ(t.name, file.name);
    for (const PublishedFigure& f : t.figures) {
      const std::string key = t.name + ": " + f.name;
      for (std::size_t i = 0; i < print.rows(); ++i) {
        if (print.text(i, "target") + ": " + print.text(i, "figure") != key) continue;
        found.insert(key);
        EXPECT_EQ(print.number(i, "published", 0, 1e12), f.published) << key;
        EXPECT_EQ(print.text(i, "unit"), enum_name(f.unit)) << key;
        EXPECT_EQ(print.text(i, "licence"), t.licence) << key;
      }
      EXPECT_EQ(found.count(key), 1U) << key << " is not in figures.csv";
    }
  }
  EXPECT_EQ(found.size(), print.rows()) << "a number in print is in no target";
}

/// A machine of another clock is past the tolerance: the suite can fail.
TEST(Published, another_machine_is_past_the_tolerance) {
  const Target t = target("cent");
  PublishedFigure slow = t.figures.front();
  slow.set.emplace_back("system.dram.timing.n_rcd_nmp=90");
  EXPECT_GT(measure(t, slow) / slow.published, t.most);
}

TEST(Published, a_name_that_is_not_known_lists_those_that_are) {
  EXPECT_EQ(bondsim::test::error_of([] { target_files("cnet"); }),
            "--published: 'cnet' is not known, allowed: attacc, cent, h2llm, hbm-power, orin, scalesim, or a file");
}

TEST(Published, the_command_says_both_numbers_and_exits_1_past_a_tolerance) {
  const bondsim::test::ScratchDirectory scratch;
  const auto kept = bondsim::test::bondsim_command("validate --published scalesim --no-plot --out " + scratch.file("kept"));
  EXPECT_EQ(kept.status, 0) << kept.output;
  EXPECT_NE(kept.output.find("one fold"), std::string::npos) << kept.output;
  EXPECT_NE(kept.output.find("0 past their tolerance"), std::string::npos) << kept.output;
  std::ifstream in(bondsim::tests::source_dir() + "/configs/reproduce/scalesim.yaml");
  std::stringstream text;
  text << in.rdbuf();
  std::string other = text.str();
  other.replace(other.find("published: 158"), 14, "published: 150");
  other.replace(other.find("../system/"), 10, bondsim::tests::source_dir() + "/configs/system/");
  const auto missed = bondsim::test::bondsim_command("validate --published " + scratch.write("mine.yaml", other) + " --no-plot --out " +
                                                     scratch.file("missed"));
  EXPECT_EQ(missed.status, 1) << missed.output;
  EXPECT_NE(missed.output.find("MISSED"), std::string::npos) << missed.output;
}

/// A head count that does not divide the channels costs what the fullest channel has, not more.
TEST(Published, uneven_heads_cost_no_more_than_their_share) {
  const Target t = target("attacc");
  PublishedFigure f = t.figures.front();
  f.whole_products = f.banks_alone = false;
  const auto cycles = [&](std::int64_t heads) {
    for (FigureGemm& g : f.gemms) g.count = heads;
    return measure(t, f);
  };
  EXPECT_LE(cycles(130) / cycles(128), 1.10 * 130 / 128);
}

}  // namespace
}  // namespace bondsim::tools
