#pragma once
#include <string>
#include <vector>

#include "models/base/fields.hpp"

namespace bondsim {

/// A set of NMP channels as a file names it: `all`, `none` or a list of indices.
struct ChannelSet {
  bool all = false;
  std::vector<int> channels;
  ConfigNode where;  ///< for messages of a later check
};

/// What a file says for a key that is a ChannelSet.
FieldInfo channels_info(const std::string& doc);

/// @throws ConfigError
ChannelSet decode_channels(const ConfigNode& node, const std::string& path);

/// Indices, ascending. @throws ConfigError for one that the system does not have, or has been named before.
std::vector<int> resolve_channels(const ChannelSet& set, int nmp);

}  // namespace bondsim
