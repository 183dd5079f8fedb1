#include "mapping/dataflow/channel_set.hpp"

#include <algorithm>

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

std::vector<int> resolve_channels(const ChannelSet& set, const std::vector<int>& nmp) {
  std::vector<int> channels = set.all ? nmp : set.channels;
  std::sort(channels.begin(), channels.end());
  for (std::size_t i = 0; i < channels.size(); ++i) {
    if (!std::binary_search(nmp.begin(), nmp.end(), channels[i])) {
      const bool one_run = !nmp.empty() && nmp.back() - nmp.front() + 1 == static_cast<int>(nmp.size());
      const std::string allowed = nmp.empty() ? std::string("none, the system has no NMP channels")
                                  : one_run   ? fmt::format("{} to {}", nmp.front(), nmp.back())
                                              : fmt::format("{}", fmt::join(nmp, ", "));
      config_error(set.where, "dataflow.nmp_channels", fmt::format("{} is not an NMP channel, allowed: {}", channels[i], allowed));
    }
    if (i > 0 && channels[i] == channels[i - 1]) {
      config_error(set.where, "dataflow.nmp_channels", fmt::format("channel {} is named twice, allowed: once", channels[i]));
    }
  }
  return channels;
}

}  // namespace bondsim
