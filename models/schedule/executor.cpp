#include "models/schedule/executor.hpp"

#include <algorithm>

#include "models/base/error.hpp"

namespace bondsim {

std::int32_t ExecutorId::channel() const {
  check(is_channel(), "an executor that is no channel is asked for its number");
  return channel_;
}

std::string executor_name(ExecutorId executor, const std::vector<std::string>& channels) {
  if (executor == ExecutorId::arrays()) return "npu.arrays";
  if (executor == ExecutorId::vector_units()) return "npu.vector";
  if (executor == ExecutorId::npu()) return "npu";
  if (!executor.is_channel()) return "none";
  const std::int32_t number = executor.channel();
  if (number < 0 || number >= static_cast<std::int32_t>(channels.size())) return fmt::format("channel{}?", number);
  return channels[static_cast<std::size_t>(number)];
}

std::optional<ExecutorId> executor_named(const std::string& name, const std::vector<std::string>& channels) {
  for (const ExecutorId id : {ExecutorId(), ExecutorId::arrays(), ExecutorId::vector_units()}) {
    if (name == executor_name(id, channels)) return id;
  }
  const auto at = std::find(channels.begin(), channels.end(), name);
  if (at == channels.end()) return std::nullopt;
  return ExecutorId::of_channel(static_cast<std::int32_t>(at - channels.begin()));
}

}  // namespace bondsim
