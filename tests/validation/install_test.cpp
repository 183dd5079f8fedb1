#include <gtest/gtest.h>

#include <array>
#include <cstdio>

#include "tests/support/command.hpp"
#include "tests/support/paths.hpp"

namespace bondsim::test {
namespace {

/// Any shell line, with its exit status.
CommandResult shell(const std::string& line) {
  CommandResult result;
  FILE* pipe = ::popen((line + " 2>&1").c_str(), "r");
  if (pipe == nullptr) return result;
  std::array<char, 4096> buffer{};
  std::size_t n = 0;
  while ((n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0) result.output.append(buffer.data(), n);
  const int status = ::pclose(pipe);
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return result;
}

const std::string small =
    " --set workload.prompt_tokens=4 --set workload.generated_tokens=1 --set model.hidden=256 --set model.vocab=512"
    " --set model.intermediate=256";

TEST(Install, an_installed_bondsim_finds_what_came_with_it_from_any_directory) {
  const ScratchDirectory scratch;
  const std::string prefix = scratch.file("usr");
  const auto installed = shell("cmake --install '" + bondsim::tests::build_dir() + "' --prefix " + prefix);
  ASSERT_EQ(installed.status, 0) << installed.output;
  const std::string binary = "cd " + scratch.file("") + " && " + prefix + "/bin/bondsim ";
  const auto list = shell(binary + "list experiment");
  ASSERT_EQ(list.status, 0) << list.output;
  EXPECT_NE(list.output.find("in " + prefix + "/share/bondsim/configs;"), std::string::npos) << list.output;
  EXPECT_NE(list.output.find("experiment/h2llm-llama3-8b-sharegpt "), std::string::npos) << list.output;
  // By its short name, by the name it has in the source tree, and from a copy of the files: one result.
  const auto run = shell(binary + "run experiment/h2llm-llama3-8b-sharegpt" + small + " --out a");
  ASSERT_EQ(run.status, 0) << run.output;
  ASSERT_EQ(shell(binary + "run configs/experiment/h2llm-llama3-8b-sharegpt.yaml" + small + " --out b").status, 0);
  EXPECT_EQ(file_text(scratch.file("a/channels.csv")), file_text(scratch.file("b/channels.csv")));
  const auto init = shell(binary + "init mine && " + prefix + "/bin/bondsim run mine/experiment.yaml" + small);
  EXPECT_EQ(init.status, 0) << init.output;
  for (const char* file :
       {"/share/bash-completion/completions/bondsim", "/share/doc/bondsim/README.md", "/share/doc/bondsim/traces/README.md",
        "/share/bondsim/tools/plot_validate.py", "/share/bondsim/traces/by-hand.schedule"}) {
    EXPECT_TRUE(std::filesystem::exists(prefix + file)) << file;
  }
  const auto paper = shell(binary + "reproduce h2llm --quick --tier analytical --out paper");
  EXPECT_EQ(paper.status, 0) << paper.output;
  const auto nowhere = shell(binary + "run experiment/no-such");
  EXPECT_EQ(nowhere.status, 2);
  EXPECT_NE(nowhere.output.find("experiment/no-such: no such file"), std::string::npos) << nowhere.output;
}

/// Completions offered for a command line whose last word is being typed.
std::string completions(const std::string& line) {
  const std::string source = bondsim::tests::source_dir() + "/tools/completion/bondsim.bash";
  const auto result =
      shell("cd '" + bondsim::tests::source_dir() + "' && bash -c 'source " + source + "; COMP_WORDS=(" + bondsim::tests::binary() + " " +
            line + "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _bondsim; " + "echo \" ${COMPREPLY[*]} \"'");
  return result.output;
}

TEST(Completion, offers_what_the_command_has) {
  EXPECT_NE(completions("re").find(" replay "), std::string::npos) << completions("re");
  EXPECT_NE(completions("run --tra").find(" --trace-window "), std::string::npos) << completions("run --tra");
  EXPECT_NE(completions("run --trace pe").find(" perfetto "), std::string::npos) << completions("run --trace pe");
  EXPECT_NE(completions("run experiment/h2llm-pal").find(" experiment/h2llm-palm-8b-sharegpt "), std::string::npos);
  EXPECT_NE(completions("trace su").find(" summary "), std::string::npos) << completions("trace su");
  EXPECT_NE(completions("schema sys").find(" system "), std::string::npos) << completions("schema sys");
  EXPECT_NE(completions("check-trace configs/sys").find(" configs/system "), std::string::npos);
}

}  // namespace
}  // namespace bondsim::test
