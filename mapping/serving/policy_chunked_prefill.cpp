#include "mapping/serving/policy.hpp"

namespace bondsim::serving {
namespace {

/// Prompts in chunks of `chunk_tokens`, an iteration of decode after each (Sarathi-Serve, OSDI'24): a prompt holds others up by a chunk at
/// most. A chunk and a step of decode have the machine in turn; co_processing lets them have it together.
class ChunkedPrefill : public Policy {
 public:
  void choose(Turn& turn) override {
    if (chunk_last_) add_decodes(turn);
    chunk_last_ = false;
    if (turn.tokens() > 0) return;
    add_chunks(turn, turn.config().chunk_tokens);
    chunk_last_ = turn.tokens() > 0;
    if (!chunk_last_) add_decodes(turn);
  }

 private:
  bool chunk_last_ = false;
};

}  // namespace

std::unique_ptr<Policy> make_chunked_prefill() { return std::make_unique<ChunkedPrefill>(); }

}  // namespace bondsim::serving
