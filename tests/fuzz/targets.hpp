#pragma once
#include <string>
#include <vector>

/// Readers of untrusted input as functions of bytes: libFuzzer drives them (fuzz_main.cpp), and each test run reads the committed files of
/// regressions/ through them.
namespace bondsim::fuzz {

/// What became of an input.
enum class Outcome {
  read,
  named,   ///< refused with the name of the file and a line
  unnamed  ///< refused without: the file as a whole, or a binary format
};

struct Target {
  const char* name;
  const char* corpus;  ///< shipped files to begin from: globs relative to the source tree, separated by blanks
  void (*read)(const std::string& input);
};

const std::vector<Target>& targets();

/// @throws std::out_of_range for a name that is none
const Target& target_called(const std::string& name);

/// Reads the input. Bad input may be refused by ConfigError, InfeasibleError or IoError; whatever else is thrown is a defect, and passes.
Outcome run(const Target& target, const std::string& input);

/// Name of the input in messages.
inline constexpr const char* input_name = "input";

/// A file in memory with a path: for readers that open what they read.
class MemoryFile {
 public:
  explicit MemoryFile(const std::string& content);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  const std::string& path() const { return path_; }

 private:
  int fd_;
  std::string path_;
};

// By file: text_targets.cpp, model_targets.cpp, trace_targets.cpp
void read_yaml(const std::string& input);
void read_override(const std::string& input);
void read_csv(const std::string& input);
void read_schedule_text(const std::string& input);
void read_results_text(const std::string& input);
void read_hub_model(const std::string& input);
void read_onnx_model(const std::string& input);
void read_routing(const std::string& input);
void read_request_trace(const std::string& input);
void read_memory_requests(const std::string& input);
void check_commands(const std::string& input);
void summarise_trace(const std::string& input);
void slice(const std::string& input);

}  // namespace bondsim::fuzz
