#include "sim/trace/gzip_writer.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "models/base/io_error.hpp"

namespace bondsim {
namespace {

constexpr std::size_t flushed_at = 1 << 16;

}  // namespace

GzipWriter::GzipWriter(std::string path, bool gzip) : path_(std::move(path)) {
  if (gzip) path_ += ".gz";
  handle_ = gzopen(path_.c_str(), gzip ? "wb6" : "wbT");
  if (handle_ == nullptr) throw_unwritable(path_);
}

GzipWriter::~GzipWriter() {
  if (handle_ != nullptr) gzclose(handle_);
}

void GzipWriter::flush_if_full() {
  if (buffer_.size() >= flushed_at) flush();
}

void GzipWriter::flush() {
  if (buffer_.empty()) return;
  errno = 0;
  const int written = gzwrite(handle_, buffer_.data(), static_cast<unsigned>(buffer_.size()));
  note_failure(written != static_cast<int>(buffer_.size()));
  buffer_.clear();
}

/// The first failure is the cause of others.
void GzipWriter::note_failure(bool failed) {
  if (!failed || failed_) return;
  failed_ = true;
  error_ = errno;
}

void GzipWriter::finish() {
  flush();
  errno = 0;
  note_failure(gzclose(std::exchange(handle_, nullptr)) != Z_OK);
  if (!failed_) return;
  errno = error_;
  throw_unwritable(path_);
}

}  // namespace bondsim
