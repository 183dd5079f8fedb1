#pragma once
#include <cstddef>
#include <fstream>
#include <string>

#include "models/base/error.hpp"

namespace bondsim {

/// Bytes that a reader takes at most: a YAML file is written by hand, tables and results are not.
constexpr std::size_t max_yaml_bytes = std::size_t{4} << 20;
constexpr std::size_t max_table_bytes = std::size_t{256} << 20;

/// Why `path` cannot be read as an input, in words that follow a file name; empty when it can. Only regular files are inputs: a FIFO or a
/// device could wait or never end.
/// @param expected what the file should be, with its article: "a YAML file"
std::string input_problem(const std::string& path, const std::string& expected);

/// Whether this process has opened the file as an input, by whatever name.
bool was_input(const std::string& path);

/// The whole text of an input file without a byte order mark, line ends as `\n`.
/// @param max_bytes a longer file is refused
/// @throws ConfigError when the file cannot be opened, is no regular file, is longer, or is not UTF-8 text (with the first bad line)
/// @throws IoError when the system fails to read an opened file
std::string read_input_file(const std::string& path, const std::string& expected, std::size_t max_bytes);

/// An input that is read line by line, of any length. @throws ConfigError as read_input_file(), except for length and encoding
std::ifstream open_input_file(const std::string& path, const std::string& expected);

/// @throws ConfigError with the line of the first byte that is not UTF-8, or is a control character other than tab and line ends
void require_text(const std::string& text, const std::string& name);

}  // namespace bondsim
