#include "sim/trace/gzip_writer.hpp"

#include <fmt/format.h>

#include <utility>

#include "models/base/error.hpp"

namespace bondsim {
namespace {

constexpr std::size_t flushed_at = 1 << 16;

}  // namespace

GzipWriter::GzipWriter(std::string path, bool gzip) : path_(std::move(path)) {
  if (gzip) path_ += ".gz";
  handle_ = gzopen(path_.c_str(), gzip ? "wb6" : "wbT");
  if (handle_ == nullptr) throw ConfigError(fmt::format("{}: cannot be written", path_));
}

GzipWriter::~GzipWriter() {
  if (handle_ != nullptr) gzclose(handle_);
}

void GzipWriter::flush_if_full() {
  if (buffer_.size() >= flushed_at) flush();
}

void GzipWriter::flush() {
  if (buffer_.empty()) return;
  const int written = gzwrite(handle_, buffer_.data(), static_cast<unsigned>(buffer_.size()));
  failed_ = failed_ || written != static_cast<int>(buffer_.size());
  buffer_.clear();
}

void GzipWriter::finish() {
  flush();
  const int status = gzclose(std::exchange(handle_, nullptr));
  if (failed_ || status != Z_OK) throw ConfigError(fmt::format("{}: cannot be written", path_));
}

}  // namespace bondsim
