#include "mapping/serving/policy.hpp"

namespace bondsim::serving {
namespace {

/// Request-level batching, as FasterTransformer: those that wait when the machine is free form a batch, and the next one forms when the
/// last of them has ended.
class StaticPolicy : public Policy {
 public:
  void choose(Turn& turn) override {
    if (turn.running().empty()) {
      while (turn.admit() != nullptr) {
      }
    }
    add_prompts(turn);
    if (turn.tokens() == 0) add_decodes(turn);
  }
};

}  // namespace

std::unique_ptr<Policy> make_static() { return std::make_unique<StaticPolicy>(); }

}  // namespace bondsim::serving
