#include "models/base/io_error.hpp"

#include <cerrno>
#include <cstring>

namespace bondsim {

void throw_unwritable(const std::string& path) {
  const int error = errno == 0 ? ENOSPC : errno;
  throw IoError(fmt::format("{}: cannot be written: {}", path, std::strerror(error)));
}

}  // namespace bondsim
