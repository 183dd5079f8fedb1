#include "sim/trace/text_lines.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "models/base/input_file.hpp"

namespace bondsim {
namespace {

constexpr std::size_t block = 1 << 16;

}  // namespace

TextLines::TextLines(std::string path) : path_(std::move(path)) {
  if (const std::string problem = input_problem(path_, "a file"); !problem.empty())
    throw ConfigError(fmt::format("{}: {}", path_, problem));
  handle_ = gzopen(path_.c_str(), "rb");
  if (handle_ == nullptr) throw ConfigError(fmt::format("{}: no such file, or it cannot be read", path_));
}

TextLines::~TextLines() { gzclose(handle_); }

bool TextLines::fill() {
  buffer_.erase(0, std::exchange(at_, 0));
  const std::size_t kept = buffer_.size();
  buffer_.resize(kept + block);
  const int got = gzread(handle_, buffer_.data() + kept, block);
  if (got < 0) throw ConfigError(fmt::format("{}: cannot be read to its end", path_));
  buffer_.resize(kept + static_cast<std::size_t>(got));
  return got > 0;
}

bool TextLines::next(std::string_view& line) {
  std::size_t end = buffer_.find('\n', at_);
  while (end == std::string::npos && !ended_) {
    const std::size_t searched = buffer_.size() - at_;
    ended_ = !fill();
    end = buffer_.find('\n', at_ + searched);
  }
  if (end == std::string::npos) {
    if (at_ >= buffer_.size()) return false;
    end = buffer_.size();
  }
  line = std::string_view(buffer_).substr(at_, end - at_);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  at_ = std::min(end + 1, buffer_.size());
  ++line_;
  return true;
}

void TextLines::fail(const std::string& message) const { throw ConfigError(fmt::format("{}:{}: {}", path_, line_, message)); }

}  // namespace bondsim
