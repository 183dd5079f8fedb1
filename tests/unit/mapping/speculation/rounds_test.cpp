#include "mapping/speculation/rounds.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

#include "mapping/speculation/plans.hpp"

namespace bondsim::speculation {
namespace {

/// A workload with random lengths, drafts and tree.
Workload random_workload(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto between = [&](int low, int high) { return low + static_cast<int>(random() % static_cast<std::uint64_t>(high - low + 1)); };
  Workload w;
  w.batch = between(1, 4);
  for (int r = 0; r < w.batch; ++r) w.prompts.push_back(between(1, 40));
  w.generated_tokens = between(1, 60);
  SpeculationConfig c;
  c.seed = seed;
  c.depth = between(0, 5);
  c.acceptance = {0.1 * between(0, 10)};
  if (between(0, 2) > 0) c.width = {between(1, 3), between(1, 2), 1};
  c.draft = std::vector<DraftKind>{DraftKind::ngram, DraftKind::layers, DraftKind::model, DraftKind::heads}[random() % 4];
  if (c.width.empty() && c.draft == DraftKind::model && between(0, 1) == 1) c.schedule = DraftSchedule::parallel;
  w.speculation = c;
  return w;
}

/// A cache that says which token lies where: a token of the text by its number, a draft by a number of its own.
using Cache = std::map<std::int64_t, std::int64_t>;

/// Writes what a step appends, all of it unknown.
void append_drafts(Cache& cache, const BatchEntry& r) {
  for (std::int64_t at = r.context - r.tokens; at < r.context; ++at) cache[at] = -1;
}

class Replayed {
 public:
  explicit Replayed(const Workload& w) : w_(w), rounds_(w), acceptance_(*w.speculation), tree_(*w.speculation) {
    for (int r = 0; r < w.batch; ++r) {
      known_[r] = w.prompt_of(r) + 1;
      for (std::int64_t at = 0; at < w.prompt_of(r); ++at) target_[r][at] = draft_[r][at] = at;
    }
  }

  void run() {
    while (const auto round = rounds_.next()) {
      for (const Batch& step : round->drafts) draft_step(step);
      for (const Batch& step : round->drafts_beside) draft_step(step);
      for (const BatchEntry& r : round->verification.requests) verify(r);
      for (const TokenCopy& c : round->copies) copied_[c.request].push_back(c);
      for (const TokenCopy& c : round->draft_copies) draft_copied_[c.request].push_back(c);
      for (const BatchEntry& r : round->verification.requests) settle(r.request);
    }
    for (int r = 0; r < w_.batch; ++r) EXPECT_EQ(generated_[r], w_.generated_tokens) << "request " << r;
  }

 private:
  /// The draft's new tokens follow what it has: no gap, and the text before them is the request's.
  void draft_step(const Batch& step) {
    for (const BatchEntry& r : step.requests) {
      if (w_.speculation->draft != DraftKind::model) continue;
      Cache& cache = draft_[r.request];
      for (std::int64_t at = 0; at < std::min(known_[r.request] - 1, r.context - r.tokens); ++at) {
        ASSERT_EQ(cache.count(at) > 0 ? cache[at] : -2, at) << "request " << r.request;
      }
      append_drafts(cache, r);
      // Tokens of the text among them are known.
      for (std::int64_t at = r.context - r.tokens; at < std::min(r.context, known_[r.request]); ++at) cache[at] = at;
    }
  }

  void verify(const BatchEntry& r) {
    const std::int64_t known = known_[r.request];
    Cache& cache = target_[r.request];
    for (std::int64_t at = 0; at < known - 1; ++at) ASSERT_EQ(cache[at], at) << "request " << r.request;
    ASSERT_EQ(r.context - r.tokens, known - 1);
    append_drafts(cache, r);
    cache[known - 1] = known - 1;
    const std::int64_t verification = verification_[r.request]++;
    const Accepted accepted = acceptance_.draw(r.request, verification);
    for (std::size_t level = 0; level < accepted.places.size(); ++level) {
      const std::int64_t at = known + tree_.before(static_cast<int>(level)) + accepted.places[level];
      const std::int64_t token = known + static_cast<std::int64_t>(level);
      cache[at] = token;
      Cache& drafts = draft_[r.request];
      if (drafts.count(at) > 0) drafts[at] = token;
    }
    EXPECT_LE(r.yields, accepted.tokens());
    generated_[r.request] += r.yields;
    known_[r.request] += accepted.tokens();
    // A draft made beside the verification has the model's own token already when its guess was right.
    const bool beside = w_.speculation->schedule == DraftSchedule::parallel && accepted.tokens() == tree_.depth() + 1;
    if (beside && acceptance_.guesses(r.request, verification)) draft_[r.request][known_[r.request] - 1] = known_[r.request] - 1;
  }

  void settle(int request) {
    move(target_[request], copied_[request]);
    move(draft_[request], draft_copied_[request]);
  }

  static void move(Cache& cache, std::vector<TokenCopy>& copies) {
    const Cache before = cache;
    for (const TokenCopy& c : copies) cache[c.to] = before.at(c.from);
    copies.clear();
  }

  Workload w_;
  Rounds rounds_;
  Acceptance acceptance_;
  TokenTree tree_;
  std::map<int, std::int64_t> known_, generated_, verification_;
  std::map<int, Cache> target_, draft_;
  std::map<int, std::vector<TokenCopy>> copied_, draft_copied_;
};

TEST(Rounds, caches_hold_the_text_before_every_step) {
  for (std::uint64_t seed = 700; seed < 1000; ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    Replayed(random_workload(seed)).run();
    if (HasFatalFailure() || HasNonfatalFailure()) return;
  }
}

TEST(Rounds, no_step_reaches_beyond_what_is_reserved) {
  for (std::uint64_t seed = 700; seed < 1000; ++seed) {
    const Workload w = random_workload(seed);
    const Workload target = target_workload(w), draft = draft_workload(w);
    Rounds rounds(w);
    while (const auto round = rounds.next()) {
      for (const BatchEntry& r : round->verification.requests) {
        ASSERT_LE(r.context, target.reserved_tokens(r.request)) << "seed " << seed;
        ASSERT_LE(r.tokens, target.decode_rows) << "seed " << seed;
      }
      for (const auto* steps : {&round->drafts, &round->drafts_beside}) {
        for (const Batch& step : *steps) {
          for (const BatchEntry& r : step.requests) {
            ASSERT_LE(r.context, draft.reserved_tokens(r.request)) << "seed " << seed;
            ASSERT_LE(r.tokens, draft.decode_rows) << "seed " << seed;
          }
        }
      }
    }
  }
}

TEST(Rounds, counts_add_up) {
  for (std::uint64_t seed = 700; seed < 800; ++seed) {
    const Workload w = random_workload(seed);
    const RoundCounts c = count_rounds(w);
    EXPECT_EQ(c.tokens - c.dropped, w.batch * w.generated_tokens) << "seed " << seed;
    EXPECT_EQ(c.tokens, c.accepted + c.verifications) << "seed " << seed;
    std::int64_t verifications = 0, tokens = 0;
    for (const auto& [length, count] : c.lengths) {
      verifications += count;
      tokens += length * count;
    }
    EXPECT_EQ(verifications, c.verifications) << "seed " << seed;
    EXPECT_EQ(tokens, c.tokens) << "seed " << seed;
  }
}

TEST(Rounds, a_chain_copies_nothing) {
  Workload w = random_workload(5);
  w.speculation->width.clear();
  EXPECT_EQ(count_rounds(w).copied, 0);
}

}  // namespace
}  // namespace bondsim::speculation
