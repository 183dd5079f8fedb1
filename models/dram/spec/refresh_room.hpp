#pragma once
#include <string>

#include "models/dram/spec/config.hpp"

namespace bondsim {

/// Key of the part and what is wrong with it, when its refreshes leave no time between them for one row to be opened, accessed and closed:
/// such a channel would refresh for ever and serve nothing. Times are at the part's temperature, of the kind of refresh that is on.
struct RefreshFault {
  const char* key = nullptr;  ///< below `dram`; null: there is room
  std::string what;
};
RefreshFault refresh_fault(const DramConfig& dram, RefreshKind kind);

}  // namespace bondsim
