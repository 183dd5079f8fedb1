#pragma once
#include <string>

#include "models/base/error.hpp"

namespace bondsim::test {

/// Message of the ConfigError that `read` throws; `no error` when it throws none.
template <class Read>
std::string error_of(const Read& read) {
  try {
    read();
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "no error";
}

}  // namespace bondsim::test
