// Records which code a test reaches, for tools/mutate: linked into every program of a build with BONDSIM_REACH=ON, whose basic blocks all
// call __sanitizer_cov_trace_pc (-fsanitize-coverage=trace-pc of GCC and clang).
//
// With the environment variable BONDSIM_REACH=FOLDER each process writes at its end FOLDER/PROGRAM.PID-TIME: the test's name, a line, then
// the offsets of the blocks that ran as 32-bit integers, ascending. The test is the --gtest_filter of the process, or that of the process
// it was started by.
#include <sys/syscall.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

extern "C" char __executable_start;

namespace {

constexpr std::size_t code_bytes = 64u << 20;
unsigned char reached[code_bytes];  // by offset of the block; pages that no block touches take no memory

std::string test_of_command_line() {
  std::ifstream file("/proc/self/cmdline");
  std::string argument;
  const std::string option = "--gtest_filter=";
  while (std::getline(file, argument, '\0')) {
    if (argument.compare(0, option.size(), option) == 0) return argument.substr(option.size());
  }
  return {};
}

struct Recorder {
  Recorder() {
    const std::string test = test_of_command_line();
    if (!test.empty()) setenv("BONDSIM_REACH_TEST", test.c_str(), 1);
  }
  ~Recorder() { write(); }

  void write() const {
    const char* folder = std::getenv("BONDSIM_REACH");
    const char* test = std::getenv("BONDSIM_REACH_TEST");
    if (folder == nullptr || test == nullptr) return;
    char program[4096] = {};
    if (readlink("/proc/self/exe", program, sizeof program - 1) < 0) return;
    const char* slash = std::strrchr(program, '/');
    const auto now = std::chrono::system_clock::now().time_since_epoch().count();  // numbers of processes come again
    std::ofstream out(std::string(folder) + "/" + (slash + 1) + "." + std::to_string(getpid()) + "-" + std::to_string(now),
                      std::ios::binary);
    out << test << '\n';
    std::vector<std::uint32_t> offsets;
    for (std::uint32_t i = 0; i < code_bytes; ++i) {
      if (reached[i] != 0) offsets.push_back(i);
    }
    out.write(reinterpret_cast<const char*>(offsets.data()), static_cast<std::streamsize>(offsets.size() * sizeof(std::uint32_t)));
  }
};
Recorder recorder;

}  // namespace

/// Instead of the C library's: processes that end by it, as forked ones do, have reached code, too.
extern "C" [[noreturn]] void _exit(int status) {
  recorder.write();
  for (;;) syscall(SYS_exit_group, status);
}

extern "C" void __sanitizer_cov_trace_pc() {
  const auto offset = static_cast<std::size_t>(static_cast<char*>(__builtin_return_address(0)) - &__executable_start);
  if (offset < code_bytes) reached[offset] = 1;
}
