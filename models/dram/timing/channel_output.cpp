#include "models/dram/timing/channel_output.hpp"

#include <algorithm>

namespace bondsim {

void sort_commands(std::vector<CommandRecord>& records) {
  const auto access = [](const CommandRecord& c) { return c.command == DramCommand::nrd || c.command == DramCommand::nwr; };
  const auto before = [&](const CommandRecord& a, const CommandRecord& b) {
    if (a.time != b.time) return a.time < b.time;
    return a.bank != b.bank ? a.bank < b.bank : access(a) < access(b);
  };
  if (!std::is_sorted(records.begin(), records.end(), before)) std::stable_sort(records.begin(), records.end(), before);
}

}  // namespace bondsim
