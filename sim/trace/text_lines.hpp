#pragma once
#include <string>
#include <string_view>

#include <zlib.h>

namespace bondsim {

/// The lines of a text file, plain or gzipped, with their numbers for messages.
class TextLines {
 public:
  /// @throws ConfigError when the file cannot be read.
  explicit TextLines(std::string path);
  ~TextLines();
  TextLines(const TextLines&) = delete;
  TextLines& operator=(const TextLines&) = delete;

  /// The next line without its end; valid until the next call. False at the end of the file. @throws ConfigError on a read error.
  bool next(std::string_view& line);

  /// @throws ConfigError `file:line: message`, for the line read last.
  [[noreturn]] void fail(const std::string& message) const;

 private:
  bool fill();

  std::string path_;
  gzFile handle_ = nullptr;
  std::string buffer_;
  std::size_t at_ = 0;
  bool ended_ = false;
  int line_ = 0;
};

}  // namespace bondsim
