#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "models/dram/spec/extent_cursor.hpp"
#include "models/dram/spec/timing_rules.hpp"
#include "models/dram/timing/channel_output.hpp"

namespace bondsim {

/// One request of a list: a burst with an arrival time.
struct ListedRequest {
  BurstAddress at;
  bool write = false;
  Picoseconds arrival;  ///< no earlier than this; 0: as fast as the queue accepts
  std::uint64_t id = 0;
};

/// Requests in order, owned by whoever submitted them until they have ended, or, of a pseudo channel, by the list.
struct RequestList {
  const ListedRequest* items = nullptr;
  std::size_t count = 0;
  std::shared_ptr<const std::vector<ListedRequest>> owned = nullptr;
};

/// Which of a channel's pseudo channels a controller serves.
struct PseudoChannel {
  int index = 0;
  int count = 1;
  std::int32_t first_bank = 0;  ///< in the numbers of the channel
};

/// What a channel's command buses carry at one cycle: pseudo channels share a bus for commands to rows and one for those to columns.
struct CommandBuses {
  bool row = false;
  bool column = false;
};

/// One burst in the controller's queues.
struct Request {
  Cycle accepted = 0;
  std::int64_t order = 0;  ///< requests are numbered as they are accepted
  BurstAddress at;
  std::int32_t stream = 0;  ///< slot of its stream
  std::int32_t next = -1;   ///< in its chain, or in the list of free requests
  std::int32_t previous = -1;
  std::uint64_t id = 0;  ///< of a listed request
  Picoseconds arrival;
  bool write = false;
  bool listed = false;
  bool started = false;  ///< a command was issued for it
  RequestOutcome::Row row_outcome = RequestOutcome::Row::hit;
};

}  // namespace bondsim
