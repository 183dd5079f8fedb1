#pragma once
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "mapping/llm/workload.hpp"
#include "models/base/quantity.hpp"
#include "models/schedule/schedule.hpp"

namespace bondsim {

/// The part of one request in a step.
struct BatchEntry {
  int request = 0;              ///< id: index into the plan's workload, where the request's cache has its place
  Phase phase = Phase::decode;  ///< prefill: prompt tokens, computed by the NPU; decode: as the dataflow says
  std::int64_t tokens = 0;      ///< new ones, a row each of every GEMM's input; decode: 1, of a verification its drafts and one
  std::int64_t context = 0;     ///< tokens in the cache at the end of the step, the new ones included
  std::int64_t yields = 1;      ///< output tokens that the request has more at the end of the step; 0: a part of a prompt, a draft
  std::int64_t logits = 1;      ///< of the new tokens, the last ones that go through the LM head; 0: a part of a prompt
};

/// Entries of a batch whose attention is alike: context, new tokens.
using ContextRows = std::pair<std::int64_t, std::int64_t>;
inline ContextRows context_rows(const BatchEntry& r) { return {r.context, r.tokens}; }

/// The requests that one step works on. Requests of both phases may stand in one batch.
struct Batch {
  std::int64_t step = 0;  ///< number of the step in the run; experts' routing changes with it
  std::vector<BatchEntry> requests;

  bool has(Phase phase) const;
  /// The entries of one phase; the same step.
  Batch of(Phase phase) const;
  /// New tokens of all requests.
  std::int64_t tokens() const;
  /// Positions of all requests that go through the LM head.
  std::int64_t logits() const;
  /// Null when the batch does not have the request.
  const BatchEntry* find(int request) const;
};

/// Checks that a batch can be mapped: some requests, each once, tokens >= 1, context >= tokens. @throws InternalError
void check_batch(const Batch& batch);

/// What became of a request's cache between two steps.
enum class CacheEvent {
  released,     ///< its memory is free
  swapped_out,  ///< moved to the normal channels; its memory is free
  swapped_in,   ///< moved back, into memory that it takes now
  shared,       ///< a block of it stays when the request goes, until the block is dropped
  attached,     ///< it has a block that another request shared
  dropped       ///< nobody needs the block any more
};

inline bool moves(CacheEvent event) { return event == CacheEvent::swapped_out || event == CacheEvent::swapped_in; }

/// A CacheEvent with its subjects; events of a step stand in the order in which they happened.
struct CacheChange {
  CacheEvent event = CacheEvent::released;
  int request = 0;          ///< id as in BatchEntry; none of `dropped`
  std::int64_t key = 0;     ///< of swapped_*: number under which the moved cache is known; of the others: that of the block
  std::int64_t first = 0;   ///< of `shared` and `attached`: the block has tokens [first, tokens)
  std::int64_t tokens = 0;  ///< of swapped_*: tokens that move
};

/// A batch with what it stands for and when it may begin.
struct BatchStep {
  Batch batch;
  std::int64_t stands_for = 1;           ///< steps of a sampled run, itself included
  Picoseconds not_before;                ///< the run pauses until this time
  std::vector<CacheChange> caches = {};  ///< since the step before
};

/// Hands out the batches of a run, one after the other: a fixed workload, a serving policy, speculation.
class BatchSource {
 public:
  virtual ~BatchSource() = default;
  /// @param now the run's time when the batch before has ended, 0 at the start. Empty when the run is complete.
  virtual std::optional<BatchStep> next(Picoseconds now) = 0;
};

/// Step `step` of a fixed workload: 0 is the prefill of all prompts, s the s-th token of every request.
Batch lockstep_batch(const Workload& workload, std::int64_t step);

/// The largest step that has the s-th token as its first: with all rows that a request of decode may have.
Batch widest_batch(const Workload& workload, std::int64_t step);

}  // namespace bondsim
