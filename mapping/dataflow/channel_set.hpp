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

/// Schema of a key that is a ChannelSet.
FieldInfo channels_info(const std::string& doc);

/// @throws ConfigError
ChannelSet decode_channels(const ConfigNode& node, const std::string& path);

/// Reads `nmp_channels` of a section. @param doc what the channels are for
template <class Visitor>
void channels_field(Visitor& v, ChannelSet& set, const std::string& doc) {
  const ConfigNode* node = v.raw("nmp_channels", channels_info(doc));
  if (node != nullptr) set = decode_channels(*node, v.path_of("nmp_channels"));
}

/// Channel numbers, ascending. @param nmp the system's NMP channels, ascending. @throws ConfigError for a channel that is none of them, or
/// is named twice.
std::vector<int> resolve_channels(const ChannelSet& set, const std::vector<int>& nmp);

}  // namespace bondsim
