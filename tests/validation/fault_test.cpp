#include <gtest/gtest.h>
#include <sys/wait.h>

#include <filesystem>
#include <map>
#include <random>
#include <set>

#include "tests/support/command.hpp"
#include "tests/support/scale.hpp"

/// What can go wrong around the command: disks, directories, pipes, signals, memory, other processes.
namespace bondsim::test {
namespace {

namespace fs = std::filesystem;

const std::string narrow =
    " configs/experiment/h2llm-llama3-8b-sharegpt.yaml --set model.hidden=512 --set model.vocab=2048 --set model.intermediate=1024"
    " --set model.layers=2";
const std::string short_run = "run" + narrow + " --set workload.prompt_tokens=8 --set workload.generated_tokens=2";

/// Bytes of every file below a directory by name, hidden ones too; what differs from run to run left out.
std::map<std::string, std::string> contents(const std::string& directory) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(directory)) {
    if (entry.is_directory()) continue;
    std::string text = file_text(entry.path().string());
    if (const std::size_t at = text.find("\"wall_s\""); at != std::string::npos) text.erase(at, text.find('\n', at) - at);
    files[entry.path().lexically_relative(directory).string()] = text;
  }
  return files;
}

std::set<std::string> names_in(const std::string& directory) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(directory)) names.insert(entry.path().filename().string());
  return names;
}

/// Runs a line of bash in the source tree: $B is the command, $D a directory. @return status as of a shell, and all output
CommandResult shell(const std::string& line, const std::string& directory) {
  const ScratchDirectory log;
  const std::string script =
      log.write("script", "cd '" + tests::source_dir() + "'\nB='" + tests::binary() + "'\nD='" + directory + "'\n" + line);
  CommandResult result;
  const int status = std::system(("timeout 60 bash '" + script + "' > '" + log.file("log") + "' 2>&1").c_str());
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  result.output = file_text(log.file("log"));
  return result;
}

struct Fault {
  const char* name;
  std::string line;
  int status;
  const char* says;              ///< part of the output
  std::set<std::string> leaves;  ///< in the directory, beside `earlier`
};

void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.name; }

const std::string little_disk = "trap '' XFSZ; ulimit -f 8; $B ";

const std::vector<Fault> faults = {
    {"full_disk_for_traces", little_disk + short_run + " --trace tasks --out $D/o", 1, "cannot be written: File too large", {}},
    {"full_disk_without_a_handler", "ulimit -f 8; $B " + short_run + " --trace tasks --out $D/o", 1, "File too large", {}},
    {"full_disk_for_power", little_disk + short_run + " --trace perfetto --out $D/o", 1, "File too large", {}},
    {"full_disk_for_a_file", "ulimit -f 1; $B map" + narrow + " --out $D/o", 1, "cannot be written: File too large", {}},
    {"full_disk_for_a_search", little_disk + "dse configs/space/h2llm.yaml -j 1 --out $D/o", 1, "disk I/O error", {"o"}},
    {"full_disk_for_requests",
     little_disk + "serve" + narrow + " --set serving.requests.limit=60 --tier detailed --out $D/o",
     1,
     "cannot be written",
     {}},
    {"full_device", "$B " + short_run + " > /dev/full", 1, "standard output cannot be written: No space left on device", {}},
    {"output_closed", "$B " + short_run + " --out $D/o >&-", 1, "standard output cannot be written: Bad file descriptor", {"o"}},
    {"input_output_and_errors_closed", "$B " + short_run + " --out $D/o <&- >&- 2>&-", 1, "", {"o"}},
    {"errors_closed", "$B run none.yaml 2>&-", 2, "", {}},
    {"reader_gone", "set -o pipefail; $B schema system | head -c 10 > /dev/null; exit 0", 0, "", {}},
    {"no_place_in_proc", "$B " + short_run + " --out /proc/o", 1, "--out /proc/o: cannot be made: No such file or directory", {}},
    {"no_place_in_sys", "$B " + short_run + " --out /sys/o", 1, "--out /sys/o: cannot be made: ", {}},
    {"place_below_a_file", "$B " + short_run + " --out $D/earlier/results.json/o", 1, "cannot be made: Not a directory", {}},
    {"place_is_a_file", "$B " + short_run + " --out $D/earlier/results.json", 2, "exists and is no directory, it is left alone", {}},
    {"place_is_a_link", "ln -s $D/earlier $D/l; $B " + short_run + " --out $D/l", 2, "is a link, which is left alone", {"l"}},
    {"place_is_a_link_to_nothing", "ln -s $D/none $D/l; $B " + short_run + " --out $D/l", 2, "is a link, which is left alone", {"l"}},
    {"file_is_a_link", "ln -s $D/earlier/results.json $D/l; $B map" + narrow + " --out $D/l", 2, "is no regular file", {"l"}},
    {"name_too_long", "$B " + short_run + " --out $D/$(printf 'x%.0s' {1..300})", 1, "File name too long", {}},
    {"working_directory_gone",
     "H=$PWD; mkdir $D/g; cd $D/g; rmdir $D/g; cd -P . 2> /dev/null; $B run $H/none.yaml --out o",
     2,
     "none.yaml",
     {}},
    {"place_vanishes",
     "mkdir $D/v; (while [ -z \"$(ls -A $D/v)\" ]; do sleep 0.01; done; rm -rf $D/v) & $B run" + narrow +
         " --set workload.prompt_tokens=8 --set workload.generated_tokens=200 --set workload.layers=all --out $D/v/o; S=$?; wait; exit $S",
     1,
     "No such file or directory",
     {}},
    {"too_few_file_descriptors", "ulimit -n 12; $B " + short_run + " --trace tasks,commands --out $D/o", 1, "Too many open files", {}},
    {"too_few_file_descriptors_within_the_simulation",
     "ulimit -n 16; $B " + short_run + " --trace tasks,commands --out $D/o",
     1,
     "Too many open files",
     {}},
    {"no_temporary_directory", "TMPDIR=/none $B " + short_run + " --out $D/o", 0, "written to", {"o"}},
    {"no_home", "HOME=/none $B " + short_run + " --out $D/o", 0, "written to", {"o"}},
    {"home_that_cannot_be_written",
     "HOME=/proc $B validate" + narrow +
         " --set workload.prompt_tokens=8 --set workload.generated_tokens=1 --forms detailed --no-plot --out $D/o",
     0,
     "written to",
     {"o"}},
    {"input_is_a_fifo", "mkfifo $D/f; $B run $D/f", 2, "is a FIFO, a YAML file is expected", {"f"}},
    {"input_is_a_device", "$B run" + narrow + " --model /dev/zero", 2, "is a device, a YAML file is expected", {}},
    {"input_is_a_loop_of_links", "ln -s $D/l $D/l; $B run $D/l", 2, "Too many levels of symbolic links", {"l"}}};

class Faults : public testing::TestWithParam<Fault> {};

TEST_P(Faults, end_in_words_and_lose_nothing) {
  const ScratchDirectory scratch;
  ASSERT_EQ(bondsim_command(short_run + " --out " + scratch.file("earlier")).status, 0);
  const auto earlier = contents(scratch.file("earlier"));
  const CommandResult result = shell(GetParam().line, scratch.file(""));
  EXPECT_EQ(result.status, GetParam().status) << result.output;
  EXPECT_NE(result.output.find(GetParam().says), std::string::npos) << result.output;
  EXPECT_EQ(result.output.find("internal error"), std::string::npos) << result.output;
  EXPECT_EQ(contents(scratch.file("earlier")), earlier);
  std::set<std::string> left = GetParam().leaves;
  left.insert("earlier");
  EXPECT_EQ(names_in(scratch.file("")), left);
}

INSTANTIATE_TEST_SUITE_P(Each, Faults, testing::ValuesIn(faults), [](const auto& info) { return std::string(info.param.name); });

#if !defined(__SANITIZE_ADDRESS__)
TEST(Fault, little_memory_is_said_in_words) {
  const ScratchDirectory scratch;
  const CommandResult result = shell(
      "v=40000; until (ulimit -v $v; $B --version > /dev/null 2>&1); do v=$((v + 2000)); done 2> /dev/null\n"  // libraries are loaded
      "ulimit -v $((v + 6000)); $B run configs/experiment/h2llm-llama3-8b-sharegpt.yaml --set workload.batch=74 --out $D/o",
      scratch.file(""));
  EXPECT_EQ(result.status, 1) << result.output;
  EXPECT_NE(result.output.find("not enough memory"), std::string::npos) << result.output;
  EXPECT_EQ(names_in(scratch.file("")), std::set<std::string>{});
}
#endif

TEST(Fault, results_are_the_same_in_every_locale) {
  const ScratchDirectory scratch;
  std::map<std::string, std::string> first;
  for (const char* locale : {"C", "C.UTF-8", "de_DE.UTF-8", "tr_TR.UTF-8"}) {
    const std::string line = "export LC_ALL=" + std::string(locale) + " LANG=" + locale + "\n$B " + short_run + " --out $D/o";
    ASSERT_EQ(shell(line, scratch.file("")).status, 0);
    const auto files = contents(scratch.file("o"));
    if (first.empty()) first = files;
    EXPECT_EQ(files, first) << locale;
  }
}

/// Two processes write to one place at the same time: each ends as if alone, and one whole output stands there.
TEST(Fault, two_at_a_time_with_one_place) {
  const std::map<std::string, std::string> commands = {
      {"run", short_run},
      {"sweep", "sweep" + narrow + " --set workload.prompt_tokens=8 --set workload.generated_tokens=2 --set workload.batch=1,2"}};
  for (const auto& [name, command] : commands) {
    const ScratchDirectory scratch;
    ASSERT_EQ(bondsim_command(command + " --out " + scratch.file("alone")).status, 0);
    const CommandResult both =
        shell("$B " + command + " --out $D/o & A=$!\n$B " + command + " --out $D/o; S=$?\nwait $A && exit $S", scratch.file(""));
    EXPECT_EQ(both.status, 0) << name << "\n" << both.output;
    EXPECT_EQ(contents(scratch.file("o")), contents(scratch.file("alone"))) << name;
    EXPECT_EQ(names_in(scratch.file("")), (std::set<std::string>{"alone", "o"})) << name;
  }
}

/// A command that is ended at random moments.
struct Ended {
  const char* name;
  std::string command;
  std::set<std::string> resumes;  ///< what may be left of an unfinished one, from which the same command goes on
};

void PrintTo(const Ended& ended, std::ostream* out) { *out << ended.name; }

class Signals : public testing::TestWithParam<Ended> {};

/// SIGINT and SIGTERM leave nothing half-written, SIGKILL nothing that looks whole; an earlier output stands, and what goes on afterwards
/// ends with the same bytes.
TEST_P(Signals, leave_the_earlier_output_or_the_new_one_whole) {
  const ScratchDirectory scratch;
  const std::string command = "$B " + GetParam().command + " --out $D/o";
  const CommandResult undisturbed = shell(command, scratch.file(""));
  ASSERT_EQ(undisturbed.status, 0) << undisturbed.output;
  const auto whole = contents(scratch.file("o"));
  const double seconds = bondsim_command(GetParam().command + " --out " + scratch.file("o")).seconds;
  std::mt19937 random(7);
  for (const char* signal : {"INT", "TERM", "KILL"}) {
    for (int i = 0; i < 2; ++i) {
      const double after_s = seconds * (0.1 + 0.8 * static_cast<double>(random() % 1000) / 1000);
      shell("timeout -s " + std::string(signal) + " " + std::to_string(after_s) + " " + command, scratch.file(""));
      EXPECT_EQ(contents(scratch.file("o")), whole) << signal << " after " << after_s << " s";
      if (std::string(signal) == "KILL") continue;
      for (const std::string& name : names_in(scratch.file("")))
        EXPECT_TRUE(name == "o" || GetParam().resumes.count(name) > 0) << name << ", " << signal;
    }
  }
  EXPECT_EQ(shell(command, scratch.file("")).status, 0);
  EXPECT_EQ(contents(scratch.file("o")), whole);
}

INSTANTIATE_TEST_SUITE_P(
    Each, Signals,
    testing::Values(
        Ended{"run",
              "run" + narrow + " --set workload.prompt_tokens=8 --set workload.generated_tokens=30 --set workload.layers=all --trace tasks",
              {}},
        Ended{"sweep",
              "sweep" + narrow + " --set workload.prompt_tokens=8 --set workload.generated_tokens=2 --set workload.batch=1,2,3,4",
              {"o.answers"}},
        Ended{"validate",
              "validate" + narrow +
                  " --set workload.prompt_tokens=8 --set workload.generated_tokens=1 --samples 1 --forms detailed --no-plot",
              {"o.answers"}},
        Ended{"reproduce", "reproduce h2llm --quick --tier analytical --models llama --datasets he --batches 1", {"o.answers"}}),
    [](const auto& info) { return std::string(info.param.name); });

/// Requests that were served until then are results too, marked as partial.
TEST(Signal, ends_serving_with_partial_results_that_say_so) {
  const ScratchDirectory scratch;
  const CommandResult result =
      shell("timeout -s INT 0.5 $B serve" + narrow + " --set serving.requests.limit=100000 --out $D/o", scratch.file(""));
  for (const std::string& name : names_in(scratch.file(""))) EXPECT_EQ(name, "o") << result.output;
  if (!fs::exists(scratch.file("o"))) return;  // ended before the first request
  EXPECT_NE(file_text(scratch.file("o/serving.json")).find("\"partial\": true"), std::string::npos) << result.output;
}

}  // namespace
}  // namespace bondsim::test
