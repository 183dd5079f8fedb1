#include "mapping/serving/policy.hpp"

namespace bondsim::serving {
namespace {

/// Iteration-level batching (Orca, OSDI'22; vLLM's default before chunks): whole prompts as soon as there is room, decode otherwise.
class PrefillFirst : public Policy {
 public:
  void choose(Turn& turn) override {
    add_prompts(turn);
    while (prompt_fits(turn)) {
      Sequence* next = turn.admit();
      if (next == nullptr) break;
      turn.add(*next, next->missing());
    }
    if (turn.tokens() == 0) add_decodes(turn);
  }
};

}  // namespace

std::unique_ptr<Policy> make_prefill_first() { return std::make_unique<PrefillFirst>(); }

}  // namespace bondsim::serving
