#include "models/system/system.hpp"

#include "models/base/error.hpp"

namespace bondsim {

int System::channel_count() const {
  int sum = 0;
  for (const ChannelGroup& group : channels) sum += group.count;
  return sum;
}

namespace {

std::vector<int> channels_with(const System& system, ChannelEngine engine) {
  std::vector<int> list;
  int first = 0;
  for (const ChannelGroup& group : system.channels) {
    for (int i = 0; i < group.count && group.engine == engine; ++i) list.push_back(first + i);
    first += group.count;
  }
  return list;
}

}  // namespace

std::vector<std::string> System::channel_names() const {
  std::vector<std::string> names;
  for (const ChannelGroup& group : channels) {
    for (int i = 0; i < group.count; ++i) names.push_back(fmt::format("{}.channel{}", group.name, names.size()));
  }
  return names;
}

std::vector<int> System::nmp_channels() const { return channels_with(*this, ChannelEngine::bank_pes); }
std::vector<int> System::normal_channels() const { return channels_with(*this, ChannelEngine::none); }

const ChannelGroup& System::group_of(int channel) const {
  int left = channel;
  for (const ChannelGroup& group : channels) {
    if (left >= 0 && left < group.count) return group;
    left -= group.count;
  }
  throw InternalError(fmt::format("channel {} of a system of {}", channel, channel_count()));
}

bool System::uniform() const {
  for (const ChannelGroup& group : channels) {
    if (group.dram || group.controller || group.nmp || group.energy) return false;
  }
  return true;
}

void require_uniform(const System& system, const std::string& what) {
  if (system.uniform()) return;
  throw ConfigError(
      fmt::format("system {}: {} takes channels of one DRAM part and one kind of PEs, its channel_groups have their own; allowed: "
                  "run, map and replay, or channels without sections of their own",
                  system.name, what));
}

void System::set_channels(int nmp_count, int normal_count) {
  channels.clear();
  channels.reserve(2);
  counts = {nmp_count, normal_count};
  const auto add = [&](const char* group_name, int count, ChannelEngine engine) {
    if (count == 0) return;
    ChannelGroup& group = channels.emplace_back();
    group.name = group_name;
    group.count = count;
    group.engine = engine;
  };
  add("nmp", nmp_count, ChannelEngine::bank_pes);
  add("normal", normal_count, ChannelEngine::none);
}

}  // namespace bondsim
