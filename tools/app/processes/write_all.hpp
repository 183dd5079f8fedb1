#pragma once
#include <string>

namespace bondsim::tools {

/// Writes the whole text to a file descriptor. @return false when the other side is gone
bool write_all(int file, const std::string& text);

}  // namespace bondsim::tools
