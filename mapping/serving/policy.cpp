#include "mapping/serving/policy.hpp"

#include <algorithm>
#include <utility>

#include "models/base/error.hpp"

namespace bondsim::serving {
namespace {

using Maker = std::unique_ptr<Policy> (*)();

const std::vector<std::pair<std::string, Maker>>& makers() {
  static const std::vector<std::pair<std::string, Maker>> list = {{"static", make_static},
                                                                  {"prefill_first", make_prefill_first},
                                                                  {"decode_first", make_decode_first},
                                                                  {"chunked_prefill", make_chunked_prefill},
                                                                  {"co_processing", make_co_processing}};
  return list;
}

/// Calls `step` for each running request, also when some lose their place meanwhile.
template <class Step>
void for_running(Turn& turn, const Step& step) {
  const auto& running = turn.running();
  const std::vector<Sequence*> at_first(running.begin(), running.end());
  for (Sequence* sequence : at_first) {
    if (std::find(running.begin(), running.end(), sequence) != running.end()) step(*sequence);
  }
}

}  // namespace

const std::vector<std::string>& policy_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const auto& entry : makers()) out.push_back(entry.first);
    return out;
  }();
  return names;
}

bool is_policy(const std::string& name) {
  const auto& names = policy_names();
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::unique_ptr<Policy> make_policy(const BatchingConfig& config) {
  for (const auto& [name, make] : makers()) {
    if (name == config.policy) return make();
  }
  throw InternalError("policy '" + config.policy + "' is not known");
}

void add_decodes(Turn& turn) {
  for_running(turn, [&](Sequence& s) {
    if (s.decodes()) turn.add(s, 1);
  });
}

void add_prompts(Turn& turn) {
  for_running(turn, [&](Sequence& s) {
    const bool fits = turn.tokens() == 0 || turn.tokens() + s.missing() <= turn.config().max_batched_tokens;
    if (!s.decodes() && fits) turn.add(s, s.missing());
  });
}

bool prompt_fits(const Turn& turn) {
  const Sequence* next = turn.waiting();
  return next != nullptr && (turn.tokens() == 0 || turn.tokens() + next->missing() <= turn.config().max_batched_tokens);
}

void add_chunks(Turn& turn, std::int64_t budget) {
  const auto add = [&](Sequence& s) {
    const std::int64_t tokens = std::min(budget, s.missing());
    if (tokens > 0 && turn.add(s, tokens)) budget -= tokens;
  };
  for_running(turn, [&](Sequence& s) {
    if (!s.decodes()) add(s);
  });
  while (budget > 0) {
    Sequence* next = turn.admit();
    if (next == nullptr) return;
    add(*next);
  }
}

}  // namespace bondsim::serving
