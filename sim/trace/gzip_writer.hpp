#pragma once
#include <string>

#include <zlib.h>

namespace bondsim {

/// A text file written as it grows, plain or gzipped. Only the constructor and finish() throw: in between the simulation kernel may be
/// the caller, and exceptions lose their type crossing it.
class GzipWriter {
 public:
  /// @param path without the `.gz` that `gzip` adds. @throws ConfigError when it cannot be written.
  GzipWriter(std::string path, bool gzip);
  ~GzipWriter();
  GzipWriter(const GzipWriter&) = delete;
  GzipWriter& operator=(const GzipWriter&) = delete;

  /// Append to this, then call flush_if_full() now and then.
  std::string& text() { return buffer_; }
  void flush_if_full();
  /// Ends the file. @throws ConfigError when something could not be written.
  void finish();

 private:
  void flush();

  std::string path_;
  gzFile handle_ = nullptr;
  std::string buffer_;
  bool failed_ = false;
};

}  // namespace bondsim
