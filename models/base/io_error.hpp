#pragma once
#include <fmt/format.h>

#include <stdexcept>
#include <string>

namespace bondsim {

/// A file or directory that cannot be written or read for a reason that is not in the request, with the system's own words: exit status 1.
class IoError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// @throws IoError `path: cannot be written: No space left on device`, by errno as it is now; a stream does not always leave one: 0 is said
/// to be a full disk
[[noreturn]] void throw_unwritable(const std::string& path);

}  // namespace bondsim
