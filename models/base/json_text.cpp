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

int line_of_number(const std::string& text, const std::string& message) {
  const std::size_t begin = message.find('\'');
  const std::size_t end = begin == std::string::npos ? begin : message.find('\'', begin + 1);
  if (end == std::string::npos) return 1;
  const std::size_t found = text.find(message.substr(begin + 1, end - begin - 1));
  return found == std::string::npos ? 1 : line_of_byte(text, found);
}

}  // namespace bondsim
