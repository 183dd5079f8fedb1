#pragma once
#include <string>

#include <zlib.h>

namespace bondsim {

/// A text file written as it grows, plain or gzipped. Only the constructor and finish() throw: in between the simulation kernel may be
/// the caller, and exceptions lose their type crossing it.
class GzipWriter {
 public:
  /// @param path without the `.gz` that `gzip` adds. @throws IoError when it cannot be written.
  GzipWriter(std::string path, bool gzip);
  ~GzipWriter();
  GzipWriter(const GzipWriter&) = delete;
  GzipWriter& operator=(const GzipWriter&) = delete;

  /// Append to this, then call flush_if_full() now and then.
  std::string& text() { return buffer_; }
  void flush_if_full();
  /// Ends the file. @throws IoError when something could not be written.
  void finish();

 private:
  void flush();
  void note_failure(bool failed);

  std::string path_;
  gzFile handle_ = nullptr;
  std::string buffer_;
  bool failed_ = false;
  int error_ = 0;  ///< errno of the first failure
};

}  // namespace bondsim
