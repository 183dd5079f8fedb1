#include "tools/app/output/output_directory.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <filesystem>

#include "models/base/error.hpp"
#include "models/base/input_file.hpp"
#include "models/base/io_error.hpp"
#include "tests/support/command.hpp"
#include "tests/support/error_of.hpp"
#include "tools/app/output/output_file.hpp"

namespace bondsim::tools {
namespace {

namespace fs = std::filesystem;
using test::file_text;
using test::ScratchDirectory;

/// Names in a directory, hidden ones too.
std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

/// The working directory for as long as this lives.
class Inside {
 public:
  explicit Inside(const std::string& directory) : before_(fs::current_path()) { fs::current_path(directory); }
  ~Inside() { fs::current_path(before_); }

 private:
  fs::path before_;
};

void write_output(const std::string& directory, const std::string& kind, const std::string& name, const std::string& text) {
  OutputDirectory out(directory, kind);
  out.write(name, text);
  out.commit();
}

TEST(OutputDirectory, folders_of_somebody_else_stay) {
  const ScratchDirectory scratch;
  write_output(scratch.file("o"), "run", "folder/a.csv", "1");
  fs::create_directories(scratch.file("o/mine/deep"));
  fs::create_directories(scratch.file("o/folder/mine"));
  write_output(scratch.file("o"), "run", "b.csv", "2");
  EXPECT_TRUE(fs::is_directory(scratch.file("o/mine/deep")));
  EXPECT_TRUE(fs::is_directory(scratch.file("o/folder/mine")));
  EXPECT_FALSE(fs::exists(scratch.file("o/folder/a.csv")));
  write_output(scratch.file("p"), "run", "folder/a.csv", "1");
  write_output(scratch.file("p"), "run", "b.csv", "2");
  EXPECT_FALSE(fs::exists(scratch.file("p/folder"))) << "a folder of ours, with nothing in it";
}

TEST(OutputDirectory, appears_with_commit_and_not_before) {
  const ScratchDirectory scratch;
  const std::string place = scratch.file("o/p/");
  {
    OutputDirectory out(place, "run");
    out.write("a.csv", "1\n");
    out.write("folder/b.csv", "2\n");
    EXPECT_FALSE(fs::exists(place));
    EXPECT_EQ(out.commit(), (std::vector<std::string>{"a.csv", "folder/b.csv"}));
  }
  EXPECT_EQ(file_text(place + "folder/b.csv"), "2\n");
  EXPECT_EQ(names_in(scratch.file("o")), std::vector<std::string>{"p"});
}

TEST(OutputDirectory, refuses_the_working_directory_and_those_above_it) {
  const ScratchDirectory scratch;
  fs::create_directories(scratch.file("a/b"));
  scratch.write("a/notes", "mine");
  const Inside inside(scratch.file("a/b"));
  for (const char* asked : {".", "..", "./", "../..", "/", "", "../../a", "../b", "../b/.", "x/.."}) {
    EXPECT_THROW(OutputDirectory(asked, "run"), ConfigError) << asked;
  }
  EXPECT_THROW(OutputDirectory(scratch.file("a"), "run"), ConfigError);
  EXPECT_EQ(names_in(scratch.file("a")), (std::vector<std::string>{"b", "notes"}));
}

TEST(OutputDirectory, refuses_what_is_not_an_earlier_output_of_its_kind) {
  const ScratchDirectory scratch;
  fs::create_directory(scratch.file("mine"));
  scratch.write("mine/results.json", "{}");
  EXPECT_THROW(OutputDirectory(scratch.file("mine"), "run"), ConfigError) << "results.json alone makes no output";
  scratch.write("file", "x");
  EXPECT_THROW(OutputDirectory(scratch.file("file"), "run"), ConfigError);
  write_output(scratch.file("old"), "validate", "validate.csv", "");
  EXPECT_THROW(OutputDirectory(scratch.file("old"), "run"), ConfigError) << "another command's";
  fs::create_directory_symlink(scratch.file("old"), scratch.file("link"));
  EXPECT_THROW(OutputDirectory(scratch.file("link"), "validate"), ConfigError) << "a link";
  EXPECT_EQ(file_text(scratch.file("mine/results.json")), "{}");
  fs::create_directory(scratch.file("empty"));
  write_output(scratch.file("empty"), "run", "a", "new");
  EXPECT_EQ(file_text(scratch.file("empty/a")), "new");
}

TEST(OutputDirectory, replaces_its_own_files_and_keeps_those_of_others) {
  const ScratchDirectory scratch;
  const std::string place = scratch.file("o");
  {
    OutputDirectory out(place, "run");
    out.write("results.json", "old");
    out.write("trace.json", "old trace");
    out.commit();
  }
  scratch.write("o/notes.txt", "mine");
  scratch.write("o/new.csv", "mine too");
  {
    OutputDirectory out(place, "run");
    out.write("results.json", "new");
    out.write("new.csv", "of the run");
    out.commit();
  }
  EXPECT_EQ(file_text(place + "/results.json"), "new");
  EXPECT_EQ(file_text(place + "/notes.txt"), "mine");
  EXPECT_EQ(file_text(place + "/new.csv"), "of the run");
  EXPECT_EQ(file_text(place + "/new.csv.1"), "mine too");
  EXPECT_FALSE(fs::exists(place + "/trace.json")) << "of the earlier run";
  EXPECT_EQ(names_in(scratch.file(".")), std::vector<std::string>{"o"});
}

TEST(OutputDirectory, results_of_another_experiment_are_replaced_by_force_alone) {
  const ScratchDirectory scratch;
  const std::string place = scratch.file("out");
  const auto write = [&](const std::string& experiment, bool force = false) {
    OutputDirectory out(place, "run", {experiment, force});
    out.write("a.csv", experiment);
    out.commit();
  };
  write("aaaa");
  write("aaaa");
  const std::string error = test::error_of([&] { write("bbbb"); });
  EXPECT_NE(error.find("holds the results of another experiment (configuration aaaa), allowed: another directory, or --force"),
            std::string::npos)
      << error;
  EXPECT_EQ(file_text(place + "/a.csv"), "aaaa");
  write("bbbb", true);
  EXPECT_EQ(file_text(place + "/a.csv"), "bbbb");
  EXPECT_NE(test::error_of([&] { write("aaaa"); }), "no error");
}

TEST(OutputDirectory, an_error_leaves_the_earlier_output_and_nothing_beside_it) {
  const ScratchDirectory scratch;
  write_output(scratch.file("o"), "run", "results.json", "old");
  try {
    OutputDirectory out(scratch.file("o"), "run");
    out.write("results.json", "new");
    throw InfeasibleError("while it goes on");
  } catch (const InfeasibleError&) {
  }
  EXPECT_EQ(file_text(scratch.file("o/results.json")), "old");
  EXPECT_EQ(names_in(scratch.file(".")), std::vector<std::string>{"o"});
}

TEST(OutputDirectory, names_cannot_lead_out_of_it) {
  const ScratchDirectory scratch;
  OutputDirectory out(scratch.file("o"), "run");
  for (const char* name : {"../evil", "a/../../evil", "/tmp/evil", "..", ""}) EXPECT_THROW(out.write(name, "x"), ConfigError) << name;
  const WorkDirectory work(scratch.file("w"), "dse");
  EXPECT_THROW(work.write("../evil", "x"), ConfigError);
}

TEST(OutputDirectory, cannot_be_written_is_found_before_any_work_with_the_systems_words) {
  const ScratchDirectory scratch;
  scratch.write("file", "x");
  try {
    OutputDirectory out(scratch.file("file/o"), "run");
    FAIL() << "a file is no folder";
  } catch (const IoError& e) {
    EXPECT_NE(std::string(e.what()).find("cannot be made: Not a directory"), std::string::npos) << e.what();
  }
}

/// A process that waits in the middle of its work is ended by the signal. @return its wait status
int end_by(int signal, const std::function<void()>& begin) {
  int fds[2];
  EXPECT_EQ(::pipe(fds), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(signal, SIG_DFL);  // a shell's background processes ignore SIGINT
    begin();
    if (::write(fds[1], "x", 1) == 1) {
      for (;;) ::pause();
    }
    ::_exit(1);
  }
  char ready = 0;
  EXPECT_EQ(::read(fds[0], &ready, 1), 1);
  ::kill(child, signal);
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(fds[0]);
  ::close(fds[1]);
  return status;
}

TEST(OutputDirectory, signals_leave_nothing_behind) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const ScratchDirectory scratch;
    const int status = end_by(signal, [&] {
      auto* out = new OutputDirectory(scratch.file("o"), "run");
      for (int i = 0; i < 300; ++i) out->write("folder/file-" + std::to_string(i), "x");  // more than one reading of the directory
      auto* file = new OutputFile(scratch.file("f.csv"));
      file->stream() << "half";
      if (::fork() == 0) {  // a worker that is ended leaves the files to its leader
        ::raise(SIGTERM);
        ::_exit(0);
      }
      ::wait(nullptr);
      if (!fs::exists(out->path() + "/folder/file-7")) ::_exit(2);
    });
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == signal);
    EXPECT_EQ(names_in(scratch.file(".")), std::vector<std::string>{}) << signal;
  }
}

TEST(OutputDirectory, killed_at_any_moment_the_earlier_or_the_new_output_stands_whole) {
  const ScratchDirectory scratch;
  write_output(scratch.file("o"), "run", "results.json", "0");
  std::srand(5);
  for (int i = 1; i <= 40; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      for (int n = 0;; ++n) write_output(scratch.file("o"), "run", "results.json", std::to_string(n));
    }
    ::usleep(static_cast<useconds_t>(std::rand() % 3000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    ASSERT_FALSE(file_text(scratch.file("o/results.json")).empty());
    ASSERT_EQ(file_text(scratch.file("o/") + output_marker), "bondsim.output/1 run\nresults.json\n");
  }
}

TEST(OutputDirectory, two_at_a_time_leave_one_whole_output) {
  const ScratchDirectory scratch;
  OutputDirectory a(scratch.file("o"), "run");
  OutputDirectory b(scratch.file("o"), "run");
  a.write("x", "a");
  b.write("y", "b");
  a.commit();
  b.commit();
  EXPECT_EQ(names_in(scratch.file("o")), (std::vector<std::string>{output_marker, "y"}));
  EXPECT_EQ(names_in(scratch.file(".")), std::vector<std::string>{"o"});
}

TEST(WorkDirectory, goes_on_in_its_own_and_refuses_others) {
  const ScratchDirectory scratch;
  {
    const WorkDirectory work(scratch.file("w"), "dse");
    work.write("dataflows/row-1.yaml", "1");
  }
  const WorkDirectory again(scratch.file("w"), "dse");
  again.write("dataflows/row-1.yaml", "2");
  EXPECT_EQ(file_text(scratch.file("w/dataflows/row-1.yaml")), "2");
  fs::create_directory(scratch.file("mine"));
  scratch.write("mine/notes", "x");
  EXPECT_THROW(WorkDirectory(scratch.file("mine"), "dse"), ConfigError);
}

/// Exit status of a process that does this.
int status_of(const std::function<int()>& work) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(work());
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

TEST(WorkDirectory, one_process_at_a_time_works_in_it) {
  const ScratchDirectory scratch;
  const auto is_refused = [&] {
    try {
      const WorkDirectory second(scratch.file("w"), "dse");
    } catch (const IoError& e) {
      return std::string(e.what()).find("another bondsim is at work in it") != std::string::npos ? 0 : 2;
    }
    return 1;
  };
  const int status = status_of([&] {
    auto* first = new WorkDirectory(scratch.file("w"), "dse");
    first->write("f", "x");
    if (status_of(is_refused) != 0) return 1;
    ::raise(SIGKILL);
    return 1;
  });
  EXPECT_TRUE(WIFSIGNALED(status)) << "a second process was let in";
  EXPECT_EQ(status_of(is_refused), 1 << 8) << "what a killed process leaves is no hindrance";
  EXPECT_EQ(names_in(scratch.file("w")), (std::vector<std::string>{output_marker, "f"}));
}

/// A process that is killed between the making of its marker and the end of its text leaves the beginning of one.
TEST(WorkDirectory, what_was_killed_as_it_began_is_begun_again) {
  const ScratchDirectory scratch;
  const std::string whole = "bondsim.output/1 dse\n";
  for (std::size_t length = 0; length < whole.size(); ++length) {
    fs::create_directory(scratch.file("w"));
    scratch.write("w/" + std::string(output_marker), whole.substr(0, length));
    { WorkDirectory again(scratch.file("w"), "dse"); }
    EXPECT_EQ(file_text(scratch.file("w/") + output_marker), whole) << length;
    fs::remove_all(scratch.file("w"));
  }
  for (const char* name : {"v", "w"}) fs::create_directory(scratch.file(name));
  scratch.write("w/" + std::string(output_marker), "bondsim.output/1 sweep");
  EXPECT_THROW(WorkDirectory(scratch.file("w"), "dse"), ConfigError);
  scratch.write("v/" + std::string(output_marker), "bondsim");
  scratch.write("v/notes", "mine");
  EXPECT_THROW(WorkDirectory(scratch.file("v"), "dse"), ConfigError);
}

TEST(OutputFile, appears_with_commit_and_follows_no_link) {
  const ScratchDirectory scratch;
  scratch.write("target", "mine");
  fs::create_symlink(scratch.file("target"), scratch.file("link"));
  EXPECT_THROW(OutputFile(scratch.file("link")), ConfigError);
  EXPECT_THROW(OutputFile(scratch.file(".")), ConfigError);
  scratch.write("f.csv.part", "mine");
  {
    OutputFile file(scratch.file("f.csv"));
    file.stream() << "text";
    EXPECT_FALSE(fs::exists(scratch.file("f.csv")));
    EXPECT_EQ(fs::path(file.path()).extension(), ".csv");
    file.commit();
  }
  { OutputFile abandoned(scratch.file("g.csv")); }
  EXPECT_EQ(file_text(scratch.file("f.csv")), "text");
  EXPECT_EQ(file_text(scratch.file("f.csv.part")), "mine");
  EXPECT_EQ(names_in(scratch.file(".")), (std::vector<std::string>{"f.csv", "f.csv.part", "link", "target"}));
}

/// By whatever name, and also when it is read after the output was opened.
TEST(OutputFile, an_input_of_the_run_is_left_alone) {
  const ScratchDirectory scratch;
  scratch.write("in.yaml", "mine");
  scratch.write("late.yaml", "mine");
  fs::create_hard_link(scratch.file("in.yaml"), scratch.file("same.yaml"));
  const std::string allowed = ": is an input of this run, it is left alone; allowed: another file";
  OutputFile late(scratch.file("late.yaml"));
  for (const char* name : {"in.yaml", "late.yaml"}) read_input_file(scratch.file(name), "a file", 100);
  for (const char* name : {"in.yaml", "same.yaml"}) {
    EXPECT_EQ(test::error_of([&] { OutputFile(scratch.file(name)); }), "--out " + scratch.file(name) + allowed);
  }
  EXPECT_EQ(test::error_of([&] { late.commit(); }), "--out " + scratch.file("late.yaml") + allowed);
  EXPECT_EQ(file_text(scratch.file("in.yaml")) + file_text(scratch.file("late.yaml")), "minemine");
  OutputFile ours(scratch.file("in.yaml"), OutputFile::Named::by_us);
  ours.commit();
  EXPECT_EQ(file_text(scratch.file("in.yaml")), "");
}

TEST(OutputFile, writes_to_a_pipe_and_leaves_it_a_pipe) {
  const ScratchDirectory scratch;
  ASSERT_EQ(::mkfifo(scratch.file("pipe").c_str(), 0600), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    OutputFile file(scratch.file("pipe"));
    file.stream() << "text";
    file.commit();
    ::_exit(0);
  }
  EXPECT_EQ(file_text(scratch.file("pipe")), "text");
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(fs::is_fifo(scratch.file("pipe")));
}

TEST(OutputFile, a_report_beside_results_goes_with_them) {
  const ScratchDirectory scratch;
  write_output(scratch.file("o"), "run", "results.json", "1");
  {
    OutputFile report(scratch.file("o/report.html"));
    report.stream() << "of run 1";
    report.commit();
  }
  write_output(scratch.file("o"), "run", "results.json", "2");
  EXPECT_FALSE(fs::exists(scratch.file("o/report.html"))) << "would show another run";
}

}  // namespace
}  // namespace bondsim::tools
