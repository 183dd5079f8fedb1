#include "tests/fuzz/targets.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <regex>
#include <stdexcept>

#include "models/base/error.hpp"
#include "models/base/io_error.hpp"

namespace bondsim::fuzz {
namespace {

/// `input:12: ...`, whatever its path, or `--set a.b=c`, which has no line.
bool names_its_place(const std::string& message) {
  static const std::regex place("(^|[ /])(input|[0-9]+):[0-9]+:|^--set ");
  return std::regex_search(message.substr(0, 400), place);
}

void write_all(int fd, const std::string& content) {
  for (std::size_t done = 0; done < content.size();) {
    const ssize_t n = ::write(fd, content.data() + done, content.size() - done);
    if (n <= 0) throw std::runtime_error("a file in memory cannot be written");
    done += static_cast<std::size_t>(n);
  }
}

}  // namespace

MemoryFile::MemoryFile(const std::string& content) : fd_(::memfd_create(input_name, MFD_CLOEXEC)) {
  if (fd_ < 0) throw std::runtime_error("a file in memory cannot be made");
  path_ = "/proc/self/fd/" + std::to_string(fd_);
  write_all(fd_, content);
}

MemoryFile::~MemoryFile() { ::close(fd_); }

const std::vector<Target>& targets() {
  static const std::vector<Target> list = {
      {"yaml", "configs/*/*.yaml", read_yaml},
      {"override", "tests/fuzz/corpus/override/*", read_override},
      {"csv", "tests/data/*.csv", read_csv},
      {"schedule", "traces/*.schedule tests/fuzz/corpus/schedule/*", read_schedule_text},
      {"results", "tests/fuzz/corpus/results/*", read_results_text},
      {"hub", "tests/data/hub/*", read_hub_model},
      {"onnx", "tests/fuzz/corpus/onnx/*", read_onnx_model},
      {"routing", "tests/data/routing.csv", read_routing},
      {"requests", "traces/*.jsonl traces/*.csv tests/fuzz/corpus/requests/*", read_request_trace},
      {"memory_requests", "traces/*.requests", read_memory_requests},
      {"commands", "tests/fuzz/corpus/commands/*", check_commands},
      {"trace_summary", "tests/fuzz/corpus/trace_summary/* tests/fuzz/corpus/commands/*", summarise_trace},
      {"trace_slice", "tests/fuzz/corpus/trace_summary/* tests/fuzz/corpus/commands/*", slice}};
  return list;
}

const Target& target_called(const std::string& name) {
  for (const Target& target : targets()) {
    if (name == target.name) return target;
  }
  throw std::out_of_range("no target is called " + name);
}

Outcome run(const Target& target, const std::string& input) {
  try {
    target.read(input);
    return Outcome::read;
  } catch (const ConfigError& e) {
    return names_its_place(e.what()) ? Outcome::named : Outcome::unnamed;
  } catch (const InfeasibleError&) {
    return Outcome::read;
  } catch (const IoError&) {
    return Outcome::unnamed;
  }
}

}  // namespace bondsim::fuzz
