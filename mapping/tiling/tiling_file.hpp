#pragma once
#include <functional>
#include <map>
#include <string>

#include "mapping/tiling/tiling.hpp"
#include "models/base/config_node.hpp"

namespace bondsim {

/// Tilings of weight GEMMs by name, given by the user instead of chosen by the cost model.
class TilingOverrides {
 public:
  TilingOverrides() = default;
  /// `schema: bondsim.tiling/1`, `operators:` a list of {name, n_tile, k_tile, order}. @throws ConfigError
  explicit TilingOverrides(const ConfigNode& node);

  /// Null when nothing is given for the operator.
  const NmpTiling* find(const std::string& name) const;
  /// @throws ConfigError for a name that `known` does not know.
  void require_known(const std::function<bool(const std::string&)>& known) const;

 private:
  struct Entry {
    NmpTiling tiling;
    std::string where;
  };
  std::map<std::string, Entry> entries_;
};

/// The tiling cut to the size of the problem. @throws InfeasibleError with what does not fit.
NmpTiling fitted(NmpTiling tiling, const NmpConfig& nmp, const TilingProblem& problem, const std::string& name, int channel);

}  // namespace bondsim
