#include "models/dram/timing/channel_output.hpp"

#include <algorithm>

namespace bondsim {

void sort_commands(std::vector<CommandRecord>& records) {
  const auto before = [](const CommandRecord& a, const CommandRecord& b) { return a.time != b.time ? a.time < b.time : a.bank < b.bank; };
  if (!std::is_sorted(records.begin(), records.end(), before)) std::stable_sort(records.begin(), records.end(), before);
}

}  // namespace bondsim
