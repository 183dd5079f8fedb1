#include "mapping/serving/policy.hpp"

namespace bondsim::serving {
namespace {

/// A chunk of prompts on the NPU beside a token of every request that decodes, in one iteration: both phases contend for channels, their
/// modes and the vector units as the machine says. Decode comes first in the executors' order, prefill takes what it leaves.
class CoProcessing : public Policy {
 public:
  void choose(Turn& turn) override {
    add_decodes(turn);
    add_chunks(turn, turn.config().chunk_tokens);
  }
};

}  // namespace

std::unique_ptr<Policy> make_co_processing() { return std::make_unique<CoProcessing>(); }

}  // namespace bondsim::serving
