#include "models/base/json_text.hpp"

#include <algorithm>

namespace bondsim {

int line_of_byte(const std::string& text, std::size_t byte) {
  const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(byte, text.size()));
  return 1 + static_cast<int>(std::count(text.begin(), end, '\n'));
}

void require_shallow_json(const std::string& text, const std::string& file, int first_line) {
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\') ++i;
      if (c == '"') quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > max_json_depth) {
        throw ConfigError(fmt::format("{}:{}: nested deeper than {} levels", file, first_line - 1 + line_of_byte(text, i), max_json_depth));
      }
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
}

namespace {

/// A place in valid JSON.
class Cursor {
 public:
  explicit Cursor(const std::string& text) : text_(text) { skip_blanks(); }

  std::size_t at() const { return at_; }
  char character() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void advance() {
    ++at_;
    skip_blanks();
  }
  /// The text between the quotes of a string, as written.
  std::string string() {
    const std::size_t begin = at_ + 1;
    for (++at_; character() != '"' && character() != '\0'; ++at_) at_ += character() == '\\' ? 1 : 0;
    const std::size_t end = std::min(at_, text_.size());
    advance();
    return text_.substr(begin, end - begin);
  }
  /// To what follows a value: a comma, or the end of what it stands in.
  void skip_value() {
    int depth = 0;
    while (character() != '\0') {
      if (character() == '"') {
        string();
        continue;
      }
      if (depth == 0 && (character() == ',' || character() == ']' || character() == '}')) return;
      depth += character() == '[' || character() == '{' ? 1 : character() == ']' || character() == '}' ? -1 : 0;
      advance();
    }
  }

 private:
  void skip_blanks() { at_ = std::min(text_.find_first_not_of(" \t\r\n", at_), text_.size()); }

  const std::string& text_;
  std::size_t at_ = 0;
};

/// Whether a path goes on with a member of this name. @return characters of the path taken; 0: no
std::size_t taken(const std::string& path, const std::string& key) {
  const std::size_t dot = path.compare(0, 1, ".") == 0 ? 1 : 0;
  if (path.compare(dot, key.size(), key) != 0) return 0;
  const std::size_t end = dot + key.size();
  return end == path.size() || path[end] == '.' || path[end] == '[' ? end : 0;
}

}  // namespace

int line_of_path(const std::string& text, const std::string& path) {
  Cursor cursor(text);
  std::size_t found = cursor.at();
  for (std::string rest = path; !rest.empty();) {
    const char open = cursor.character();
    if (open != '{' && open != '[') break;
    cursor.advance();
    std::size_t used = 0;
    for (int i = 0; used == 0 && cursor.character() != '\0' && cursor.character() != (open == '{' ? '}' : ']'); ++i) {
      if (cursor.character() == ',') cursor.advance();
      const std::string key = open == '{' ? cursor.string() : fmt::format("[{}]", i);
      if (open == '{') cursor.advance();  // the colon
      used = taken(rest, key);
      if (used == 0) cursor.skip_value();
    }
    if (used == 0) break;
    found = cursor.at();
    rest.erase(0, used);
  }
  return line_of_byte(text, found);
}

int line_of_number(const std::string& text, const std::string& message) {
  const std::size_t begin = message.find('\'');
  const std::size_t end = begin == std::string::npos ? begin : message.find('\'', begin + 1);
  if (end == std::string::npos) return 1;
  const std::size_t found = text.find(message.substr(begin + 1, end - begin - 1));
  return found == std::string::npos ? 1 : line_of_byte(text, found);
}

}  // namespace bondsim
