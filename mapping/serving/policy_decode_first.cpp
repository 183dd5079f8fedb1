#include "mapping/serving/policy.hpp"

namespace bondsim::serving {
namespace {

/// Decode has priority: between two prompts lie `decode_iterations` iterations of decode, while anything decodes.
class DecodeFirst : public Policy {
 public:
  void choose(Turn& turn) override {
    const bool due = since_prompt_ >= turn.config().decode_iterations;
    if (!due) add_decodes(turn);
    if (turn.tokens() == 0) {
      add_prompts(turn);
      if (turn.tokens() == 0) {
        if (Sequence* next = turn.admit()) turn.add(*next, next->missing());
      }
      if (turn.tokens() > 0) {
        since_prompt_ = 0;
        return;
      }
      add_decodes(turn);
    }
    ++since_prompt_;
  }

 private:
  std::int64_t since_prompt_ = 0;
};

}  // namespace

std::unique_ptr<Policy> make_decode_first() { return std::make_unique<DecodeFirst>(); }

}  // namespace bondsim::serving
