#pragma once
#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "models/base/quantity.hpp"
#include "sim/trace/gzip_writer.hpp"

namespace bondsim {

/// A track of a trace viewer: threads of processes, in its words.
struct Track {
  int process = 0;
  int thread = 0;
};

/// Writes the Chrome trace-event format (JSON object form), which ui.perfetto.dev and chrome://tracing open. Times are written in
/// microseconds with six decimals: exact picoseconds.
class ChromeEvents {
 public:
  /// @param about a JSON object: what the file is of. @throws ConfigError when it cannot be written.
  ChromeEvents(const std::string& path, bool gzip, const std::string& about);

  void name_process(int process, const std::string& name);
  void name_thread(Track track, const std::string& name);
  /// @param arguments JSON members without the braces, or nothing.
  void slice(Track track, Picoseconds start, Picoseconds end, const std::string& name, const char* category, const std::string& arguments);
  void instant(Track track, Picoseconds at, const std::string& name, const std::string& arguments);
  /// An arrow from inside a slice to the beginning of another.
  void arrow(std::int64_t id, Track from, Picoseconds from_start, Picoseconds from_end, Track to, Picoseconds to_start);
  void counter(int process, Picoseconds at, const char* name, std::initializer_list<std::pair<const char*, double>> values);
  void counter(int process, Picoseconds at, const std::string& name, const std::vector<std::pair<std::string, double>>& values);

  /// Ends the file. @throws ConfigError when it could not be written.
  void finish();

 private:
  std::string& begin();
  void end();

  GzipWriter file_;
};

/// A string as JSON, with its quotes.
std::string json_string(const std::string& text);

}  // namespace bondsim
