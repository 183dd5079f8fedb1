#pragma once
#include <cstdint>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mapping/serving/requests/requests_config.hpp"

namespace bondsim::serving {

/// A row of a trace.
struct TraceRow {
  double seconds = 0;  ///< as written; Azure: since the first row
  std::int64_t prompt_tokens = 0;
  std::int64_t output_tokens = 0;
  std::vector<std::int64_t> prefixes;
};

/// Reads a trace row by row. Rows have to be in order of time. BurstGPT's failed requests (no response) are left out.
class TraceReader {
 public:
  virtual ~TraceReader() = default;
  /// @throws ConfigError `file:line: column: what was found, what is allowed`
  virtual std::optional<TraceRow> next() = 0;
};

/// @pre format is not `made`. @throws ConfigError when the file cannot be read or has other columns
std::unique_ptr<TraceReader> open_trace(TraceFormat format, const std::string& file);

/// The format that the file's first line has. @throws ConfigError when it is none of them
TraceFormat format_of(const std::string& file);

}  // namespace bondsim::serving
