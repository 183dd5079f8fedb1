#pragma once
#include <cstdint>
#include <vector>

#include "mapping/llm/batch.hpp"
#include "mapping/serving/sequence.hpp"
#include "models/base/quantity.hpp"

namespace bondsim::serving {

/// Why a request left.
enum class Ending {
  complete,   ///< all its tokens came
  truncated,  ///< its context reached the longest allowed, or all of the KV memory
  rejected    ///< its prompt does not fit, no token came
};

/// Requests in the system between two iterations.
struct Load {
  std::int64_t running = 0;
  std::int64_t waiting = 0;
  std::int64_t kv_tokens = 0;  ///< in the caches of running requests
  std::int64_t kv_pages = 0;   ///< held by them
};

/// Hears what a scheduler does, in order of time; changes nothing. Each call is empty by default.
class ServingListener {
 public:
  virtual ~ServingListener() = default;
  /// Told at `now`, when an iteration has ended or nothing ran; the request came at its own time, not later.
  virtual void arrived(const Request& /*request*/, Picoseconds /*now*/) {}
  /// The request's first iteration begins.
  virtual void scheduled(const Sequence& /*sequence*/, Picoseconds /*now*/) {}
  /// An output token has come; `sequence.produced` counts it.
  virtual void token(const Sequence& /*sequence*/, Picoseconds /*now*/) {}
  virtual void preempted(const Sequence& /*sequence*/, Picoseconds /*now*/) {}
  virtual void left(const Sequence& /*sequence*/, Ending /*ending*/, Picoseconds /*now*/) {}
  /// An iteration has been decided on. Until the next call, idle() or finished() the load is as said.
  /// @param requests of each entry of the batch, by its place, the request's number
  virtual void iteration(const Batch& /*batch*/, const std::vector<std::int64_t>& /*requests*/, const Load& /*load*/, Picoseconds /*now*/) {
  }
  /// Nothing is in the system from now on.
  virtual void idle(Picoseconds /*now*/) {}
  virtual void finished(Picoseconds /*now*/) {}
};

}  // namespace bondsim::serving
