#include "mapping/dataflow/channel_set.hpp"

#include <algorithm>
#include <numeric>

namespace bondsim {

FieldInfo channels_info(const std::string& doc) {
  return required(doc).shaped("all, none, or a list of channels",
                              R"({"anyOf": [{"enum": ["all", "none"]}, {"type": "array", "items": {"type": "integer", "minimum": 0}}]})");
}

ChannelSet decode_channels(const ConfigNode& node, const std::string& path) {
  ChannelSet set;
  set.where = node;
  if (node.kind == ConfigNode::Kind::sequence) {
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      set.channels.push_back(static_cast<int>(parse_integer(node.items[i], fmt::format("{}[{}]", path, i))));
    }
    return set;
  }
  const std::string text = parse_string(node, path);
  if (text != "all" && text != "none") {
    config_error(node, path, "'" + text + "' is not known, allowed: all, none, or a list of NMP channels");
  }
  set.all = text == "all";
  return set;
}

std::vector<int> resolve_channels(const ChannelSet& set, int nmp) {
  std::vector<int> channels = set.channels;
  if (set.all) {
    channels.resize(static_cast<std::size_t>(nmp));
    std::iota(channels.begin(), channels.end(), 0);
  }
  std::sort(channels.begin(), channels.end());
  for (std::size_t i = 0; i < channels.size(); ++i) {
    if (channels[i] < 0 || channels[i] >= nmp) {
      const std::string allowed = nmp > 0 ? fmt::format("0 to {}", nmp - 1) : std::string("none, the system has no NMP channels");
      config_error(set.where, "dataflow.nmp_channels", fmt::format("{} is not an NMP channel, allowed: {}", channels[i], allowed));
    }
    if (i > 0 && channels[i] == channels[i - 1]) {
      config_error(set.where, "dataflow.nmp_channels", fmt::format("channel {} is named twice, allowed: once", channels[i]));
    }
  }
  return channels;
}

}  // namespace bondsim
