#include "tools/app/experiment/progress.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <functional>
#include <string>

namespace bondsim::tools {
namespace {

/// What `draw` writes to standard error when that is a terminal.
std::string on_a_terminal(const std::function<void()>& draw) {
  const int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
  if (master < 0 || ::grantpt(master) != 0 || ::unlockpt(master) != 0) return "no terminal";
  const int terminal = ::open(::ptsname(master), O_RDWR | O_NOCTTY), standard = ::dup(STDERR_FILENO);
  ::dup2(terminal, STDERR_FILENO);
  draw();
  std::fflush(stderr);
  ::dup2(standard, STDERR_FILENO);
  std::string text;
  char buffer[4096];
  for (ssize_t n = 0; (n = ::read(master, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(n));
  for (const int fd : {terminal, standard, master}) ::close(fd);
  return text;
}

std::string bar(int filled, const std::string& percent) {
  return "\r[" + std::string(static_cast<std::size_t>(filled), '=') + std::string(static_cast<std::size_t>(40 - filled), ' ') + "] " +
         percent + " %" + std::string(26, ' ');
}

TEST(ProgressBar, is_as_full_as_its_percentage_and_is_redrawn_when_that_changes) {
  EXPECT_EQ(on_a_terminal([] {
              ProgressBar progress(400);
              for (const int done : {0, 1, 2, 3, 4, 200, 201, 400}) progress.show(done);
            }),
            bar(0, "  0") + bar(0, "  1") + bar(20, " 50") + bar(40, "100"));
}

TEST(ProgressBar, clearing_blanks_the_line) {
  const std::string text = on_a_terminal([] {
    ProgressBar progress(2);
    progress.show(1);
    progress.clear();
  });
  const std::string drawn = bar(20, " 50");
  ASSERT_EQ(text.rfind(drawn, 0), 0U);
  const std::string cleared = text.substr(drawn.size());
  EXPECT_EQ(cleared.find_first_not_of(" \r"), std::string::npos);
  EXPECT_GE(cleared.size(), drawn.size()) << "nothing of the bar stays";
  EXPECT_EQ(cleared.back(), '\r');
}

TEST(ProgressBar, nothing_to_do_and_more_than_all_are_0_and_100_percent) {
  EXPECT_EQ(on_a_terminal([] { ProgressBar(0).show(0); }), bar(0, "  0"));
  EXPECT_EQ(on_a_terminal([] { ProgressBar(2).show(3); }), bar(40, "100"));
}

TEST(ProgressBar, is_silent_in_a_pipe) {
  ::testing::internal::CaptureStderr();
  ProgressBar progress(2);
  progress.show(1);
  progress.clear();
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace bondsim::tools
