#include "mapping/llm/batch.hpp"

#include <algorithm>
#include <set>

#include "models/base/error.hpp"

namespace bondsim {

bool Batch::has(Phase phase) const {
  return std::any_of(requests.begin(), requests.end(), [&](const BatchEntry& r) { return r.phase == phase; });
}

Batch Batch::of(Phase phase) const {
  Batch part;
  part.step = step;
  for (const BatchEntry& r : requests) {
    if (r.phase == phase) part.requests.push_back(r);
  }
  return part;
}

std::int64_t Batch::tokens() const {
  std::int64_t sum = 0;
  for (const BatchEntry& r : requests) sum += r.tokens;
  return sum;
}

std::int64_t Batch::logits() const {
  std::int64_t sum = 0;
  for (const BatchEntry& r : requests) sum += r.logits;
  return sum;
}

const BatchEntry* Batch::find(int request) const {
  const auto at = std::find_if(requests.begin(), requests.end(), [&](const BatchEntry& r) { return r.request == request; });
  return at == requests.end() ? nullptr : &*at;
}

void check_batch(const Batch& batch) {
  check(!batch.requests.empty(), "step {}: a batch without requests", batch.step);
  std::set<int> seen;
  for (const BatchEntry& r : batch.requests) {
    check(seen.insert(r.request).second, "step {}: request {} twice in a batch", batch.step, r.request);
    check(r.tokens >= 1 && r.context >= r.tokens, "step {}: request {} has {} new tokens and a context of {}", batch.step, r.request,
          r.tokens, r.context);
    check(r.logits >= 0 && r.logits <= r.tokens, "step {}: request {} has {} new tokens, {} of them go through the LM head", batch.step,
          r.request, r.tokens, r.logits);
  }
}

Batch lockstep_batch(const Workload& w, std::int64_t step) {
  Batch batch;
  batch.step = step;
  for (int r = 0; r < w.batch; ++r) {
    const Phase phase = step == 0 ? Phase::prefill : Phase::decode;
    batch.requests.push_back({r, phase, step == 0 ? w.prompt_of(r) : 1, w.prompt_of(r) + step, 1});
  }
  return batch;
}

Batch widest_batch(const Workload& w, std::int64_t step) {
  Batch batch = lockstep_batch(w, step);
  for (BatchEntry& r : batch.requests) {
    if (r.phase != Phase::decode) continue;
    r.context += w.decode_rows - 1;
    r.tokens = r.logits = w.decode_rows;
  }
  return batch;
}

}  // namespace bondsim
