#pragma once
#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>

#include "models/base/error.hpp"

namespace bondsim {

/// Levels of lists and objects in each other; the library's own functions call themselves once a level.
constexpr int max_json_depth = 100;

/// 1-based line within `text` at which the byte of this index stands.
int line_of_byte(const std::string& text, std::size_t byte);

/// 1-based line at which the value of a path, e.g. `channels[1].time_ps.row`, begins; of the nearest value around it where there is none.
/// @param text valid JSON
int line_of_path(const std::string& text, const std::string& path);

/// @throws ConfigError `file:line: ...` when lists and objects nest deeper than max_json_depth
void require_shallow_json(const std::string& text, const std::string& file, int first_line);

/// Line of the number that the library's message quotes: the message has no position.
int line_of_number(const std::string& text, const std::string& message);

/// Parses JSON of a file, or one line of it that stands at `first_line`.
/// @throws ConfigError `file:line: ...` when it is not valid, nests too deep, or has a number that no double holds
template <class Json = nlohmann::json>
Json parse_json(const std::string& text, const std::string& file, int first_line = 1) {
  require_shallow_json(text, file, first_line);
  try {
    return Json::parse(text);
  } catch (const typename Json::parse_error& e) {
    const std::size_t byte = e.byte == 0 ? 0 : e.byte - 1;
    throw ConfigError(fmt::format("{}:{}: not valid JSON near byte {}", file, first_line - 1 + line_of_byte(text, byte), e.byte));
  } catch (const typename Json::out_of_range& e) {
    throw ConfigError(fmt::format("{}:{}: a number is out of range, allowed: up to 1.797e308 ({})", file,
                                  first_line - 1 + line_of_number(text, e.what()), e.what()));
  }
}

}  // namespace bondsim
