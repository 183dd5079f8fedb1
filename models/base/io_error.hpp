#pragma once
#include <fmt/format.h>

#include <stdexcept>

namespace bondsim {

/// A file or directory that cannot be written or read for a reason that is not in the request, with the system's own words: exit status 1.
class IoError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace bondsim
