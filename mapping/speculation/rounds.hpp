#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "mapping/llm/batch.hpp"
#include "mapping/speculation/acceptance.hpp"
#include "mapping/speculation/token_tree.hpp"

namespace bondsim::speculation {

/// K and V of a token that move to another place of their request's cache.
struct TokenCopy {
  int request = 0;
  std::int64_t from = 0;  ///< places, from 0
  std::int64_t to = 0;
};

/// A verification of all requests that are not complete, with the drafts made for it. Batches have the round's number as their step.
struct Round {
  std::vector<Batch> drafts;         ///< steps of the draft, one after the other, before the verification
  std::vector<Batch> drafts_beside;  ///< beside it: of the next round, should it accept all
  Batch verification;
  std::vector<TokenCopy> copies;        ///< in the model's cache, after the verification
  std::vector<TokenCopy> draft_copies;  ///< in the draft model's
};

/// What the rounds of a run came to.
struct RoundCounts {
  std::int64_t rounds = 0;
  std::int64_t verifications = 0;                ///< a request's part of a round each
  std::map<std::int64_t, std::int64_t> lengths;  ///< by tokens of a verification: how many gave so many
  std::int64_t tokens = 0;                       ///< of all verifications
  std::int64_t dropped = 0;                      ///< of these, beyond what was to be generated
  std::int64_t drafted = 0;                      ///< drafts made
  std::int64_t unverified = 0;                   ///< of these, made beside a verification that did not accept all before them
  std::int64_t accepted = 0;
  std::int64_t copied = 0;         ///< accepted tokens whose K and V moved, in the model's cache and in the draft's
  std::int64_t scores = 0;         ///< of a head in verifications
  std::int64_t masked_scores = 0;  ///< of these, computed and zeroed by the mask
};

/// Decides the rounds of a fixed workload: every request its own accepted lengths. Knows no time: the same seed, the same rounds.
class Rounds {
 public:
  /// @pre the workload has a speculation
  explicit Rounds(const Workload& workload);

  /// Empty when every request has its tokens.
  std::optional<Round> next();
  const RoundCounts& counts() const { return counts_; }
  const TokenTree& tree() const { return tree_; }

 private:
  /// A request whose prompt is in the caches; the first token of its answer is known and in none.
  struct State {
    int request = 0;
    std::int64_t known = 0;         ///< tokens, the last one in no cache yet
    std::int64_t drafts_cache = 0;  ///< tokens in the draft model's cache
    std::int64_t left = 0;          ///< tokens to be generated
    std::int64_t verifications = 0;
    bool drafted = false;  ///< the coming round's drafts were made beside the last verification
  };

  void draft(Round& round, const std::vector<State*>& active);
  void draft_beside(Round& round, const std::vector<State*>& active);
  void verify(Round& round, State& s);
  void copy(Round& round, const State& s, const Accepted& accepted);
  void keep_drafts(State& s, const Accepted& accepted);
  BatchEntry entry(const State& s, std::int64_t tokens, std::int64_t context, std::int64_t logits) const {
    return {s.request, Phase::decode, tokens, context, 0, logits};
  }

  SpeculationConfig config_;
  TokenTree tree_;
  Acceptance acceptance_;
  std::vector<State> states_;
  RoundCounts counts_;
};

/// All rounds of a workload counted.
RoundCounts count_rounds(const Workload& workload);

}  // namespace bondsim::speculation
