#include "mapping/speculation/rounds.hpp"

#include <algorithm>

namespace bondsim::speculation {

Rounds::Rounds(const Workload& w) : config_(*w.speculation), tree_(config_), acceptance_(config_) {
  for (int r = 0; r < w.batch; ++r) {
    const std::int64_t prompt = w.prompt_of(r);
    states_.push_back({r, prompt + 1, prompt, w.generated_tokens, 0, false});
  }
}

std::optional<Round> Rounds::next() {
  std::vector<State*> active;
  for (State& s : states_) {
    if (s.left > 0) active.push_back(&s);
  }
  if (active.empty()) return std::nullopt;
  Round round;
  round.verification.step = ++counts_.rounds;
  if (config_.depth > 0) draft(round, active);
  if (config_.schedule == DraftSchedule::parallel) draft_beside(round, active);
  for (State* s : active) verify(round, *s);
  for (auto* steps : {&round.drafts, &round.drafts_beside}) {
    for (Batch& step : *steps) step.step = counts_.rounds;
  }
  return round;
}

/// Steps of the draft: first the tokens that it does not have yet, then level by level the drafts of the level before.
void Rounds::draft(Round& round, const std::vector<State*>& active) {
  std::vector<State*> missing;
  std::copy_if(active.begin(), active.end(), std::back_inserter(missing), [](const State* s) { return !s->drafted; });
  if (missing.empty()) return;
  counts_.drafted += static_cast<std::int64_t>(missing.size()) * tree_.drafts();
  if (config_.draft == DraftKind::ngram) return;
  const int steps = config_.draft == DraftKind::heads ? 1 : tree_.depth();
  for (int step = 0; step < steps; ++step) {
    Batch batch;
    for (const State* s : missing) {
      const std::int64_t rows = step > 0 ? tree_.drafts_at(step - 1) : config_.draft == DraftKind::model ? s->known - s->drafts_cache : 1;
      batch.requests.push_back(entry(*s, rows, s->known + tree_.before(step), step > 0 ? rows : 1));
    }
    round.drafts.push_back(std::move(batch));
  }
}

/// The draft goes on from its last token: a guess of what the model adds to a draft that is accepted whole, then the next draft.
void Rounds::draft_beside(Round& round, const std::vector<State*>& active) {
  const std::int64_t depth = tree_.depth();
  for (std::int64_t step = 0; depth > 0 && step <= depth; ++step) {
    Batch batch;
    for (const State* s : active) batch.requests.push_back(entry(*s, 1, s->known + depth + step, 1));
    round.drafts_beside.push_back(std::move(batch));
  }
  if (depth > 0) counts_.drafted += static_cast<std::int64_t>(active.size()) * (depth + 1);
}

void Rounds::verify(Round& round, State& s) {
  const Accepted accepted = acceptance_.draw(s.request, s.verifications);
  const std::int64_t context = s.known - 1 + tree_.rows(), yields = std::min(accepted.tokens(), s.left);
  round.verification.requests.push_back({s.request, Phase::decode, tree_.rows(), context, yields, tree_.rows()});
  ++counts_.verifications;
  ++counts_.lengths[accepted.tokens()];
  counts_.tokens += accepted.tokens();
  counts_.dropped += accepted.tokens() - yields;
  counts_.accepted += accepted.tokens() - 1;
  counts_.scores += tree_.scores(context);
  counts_.masked_scores += tree_.masked_scores();
  s.left -= yields;
  if (s.left > 0) copy(round, s, accepted);
  keep_drafts(s, accepted);
  ++s.verifications;
}

/// Accepted tokens take the places behind the text; what was refused is overwritten by what comes next.
void Rounds::copy(Round& round, const State& s, const Accepted& accepted) {
  for (std::size_t level = 0; level < accepted.places.size(); ++level) {
    const std::int64_t from = s.known + tree_.before(static_cast<int>(level)) + accepted.places[level];
    const std::int64_t to = s.known + static_cast<std::int64_t>(level);
    if (from == to) continue;
    round.copies.push_back({s.request, from, to});
    ++counts_.copied;
    // The draft model has run no draft of the last level.
    if (config_.draft != DraftKind::model || static_cast<int>(level) + 1 == tree_.depth()) continue;
    round.draft_copies.push_back({s.request, from, to});
    ++counts_.copied;
  }
}

void Rounds::keep_drafts(State& s, const Accepted& accepted) {
  const std::int64_t depth = tree_.depth(), taken = accepted.tokens() - 1;
  const bool beside = config_.schedule == DraftSchedule::parallel && depth > 0;
  s.drafts_cache = s.known + std::min(taken, beside ? depth : std::max<std::int64_t>(0, depth - 1));
  if (depth == 0) s.drafts_cache = s.known;
  s.drafted = beside && taken == depth && acceptance_.guesses(s.request, s.verifications);
  if (beside && !s.drafted) counts_.unverified += depth + 1;
  s.known += accepted.tokens();
}

RoundCounts count_rounds(const Workload& workload) {
  Rounds rounds(workload);
  while (rounds.next()) {
  }
  return rounds.counts();
}

}  // namespace bondsim::speculation
