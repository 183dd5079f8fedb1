#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>

#include "tests/fuzz/targets.hpp"
#include "tests/support/command.hpp"

namespace bondsim::fuzz {
namespace {

/// Inputs of regressions/TARGET/ once ended a program, or made it go on without end.
class FuzzRegressions : public testing::TestWithParam<Target> {};

TEST_P(FuzzRegressions, are_read_or_refused_in_time) {
  const std::string folder = tests::source_dir() + "/tests/fuzz/regressions/" + GetParam().name;
  ASSERT_TRUE(std::filesystem::is_directory(folder)) << folder;
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto began = std::chrono::steady_clock::now();
    EXPECT_NO_THROW(run(GetParam(), test::file_text(entry.path().string()))) << entry.path();
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(10)) << entry.path();
    ++files;
  }
  EXPECT_GT(files, 0) << folder;
}

INSTANTIATE_TEST_SUITE_P(Each, FuzzRegressions, testing::ValuesIn(targets()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace bondsim::fuzz
