#include "tools/app/serving/iteration_form.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "mapping/cost/forms/make_cost_model.hpp"

namespace bondsim::tools {
namespace {

constexpr std::int64_t context_grid = 128;  ///< tokens between grid points of a context
constexpr std::int64_t prompt_grid = 32;    ///< and of a prompt
/// Entries of the table; beyond, it begins anew, so that memory stays as it is.
constexpr std::size_t most_entries = 1 << 18;

}  // namespace

/// Hands out one batch at a time.
class IterationForm::OneBatch : public BatchSource {
 public:
  std::optional<BatchStep> next(Picoseconds) override { return std::exchange(batch, std::nullopt); }
  std::optional<BatchStep> batch;
};

IterationForm::IterationForm(const System& system, Plan plan)
    : system_(system),
      form_(cost::make_cost_model("detailed", &system)),
      batches_(nullptr),
      by_place_(plan.workload.placement != KvPlacement::balanced),
      longest_(plan.workload.reserved_tokens(0)) {
  plan.kv_table = nullptr;  // shapes of equal length take equal time
  auto batches = std::make_unique<OneBatch>();
  batches_ = batches.get();
  schedule_ = make_schedule(std::move(plan), std::move(batches));
}

IterationForm::~IterationForm() = default;

Picoseconds IterationForm::evaluate(const Batch& batch) {
  ++evaluations_;
  batches_->batch = BatchStep{batch, 1, Picoseconds()};
  double seconds = 0;
  for (Block block; schedule_->next(block);) {
    if (!block.tasks.empty()) seconds += form_->block_seconds(block, system_) * static_cast<double>(block.executions());
  }
  return Picoseconds(std::llround(seconds * 1e12));
}

double IterationForm::kept(const Key& key, const Batch& batch) {
  const auto known = table_.find(key);
  if (known != table_.end()) return known->second;
  if (table_.size() >= most_entries) table_.clear();
  return table_[key] = static_cast<double>(evaluate(batch).value);
}

/// As many requests as the batch has, all at this context.
double IterationForm::even_ps(const Batch& batch, double context) {
  const auto below = std::max<std::int64_t>(1, static_cast<std::int64_t>(context) / context_grid) * context_grid;
  const auto n = static_cast<std::int64_t>(batch.requests.size());
  const auto at = [&](std::int64_t point) {
    Batch even = batch;
    // Requests of equal context would share their tasks, which those of different context cannot.
    for (std::int64_t i = 0; i < n; ++i)
      even.requests[static_cast<std::size_t>(i)].context = std::max<std::int64_t>(i + 1, point - n / 2 + i);
    Key key = {0, n, point};
    if (by_place_) {
      for (const BatchEntry& r : batch.requests) key.push_back(r.request);
    }
    return kept(key, even);
  };
  const double low = at(below);
  return low + (at(below + context_grid) - low) * (context - static_cast<double>(below)) / static_cast<double>(context_grid);
}

double IterationForm::decode_ps(const Batch& batch) {
  double sum = 0, off_the_line = 0;
  for (const BatchEntry& r : batch.requests) {
    Batch alone = batch;
    alone.requests = {r};
    const double exact = alone_ps(alone);
    if (batch.requests.size() == 1) return exact;
    sum += static_cast<double>(r.context);
    off_the_line += exact - even_ps(alone, static_cast<double>(r.context));
  }
  return even_ps(batch, sum / static_cast<double>(batch.requests.size())) + off_the_line;
}

/// Linear inside each interval of a grid, with both ends inside: times step where a tile begins, which is where an interval begins.
double IterationForm::alone_ps(const Batch& batch) {
  const BatchEntry& r = batch.requests.front();
  const bool prompt = r.phase == Phase::prefill;
  const std::int64_t grid = prompt ? prompt_grid : context_grid;
  const std::int64_t first = (r.context - 1) / grid * grid + 1, last = std::max(first + 1, std::min(first + grid - 1, longest_));
  const auto at = [&](std::int64_t context) {
    Batch other = batch;
    other.requests.front().context = context;
    if (prompt) other.requests.front().tokens = context;
    return kept({prompt ? 3 : 1, context}, other);
  };
  const double low = at(first);
  if (r.context == first) return low;
  return low + (at(last) - low) * static_cast<double>(r.context - first) / static_cast<double>(last - first);
}

double IterationForm::prompt_ps(const Batch& batch) {
  const BatchEntry& r = batch.requests.front();
  if (batch.requests.size() == 1 && r.context == r.tokens) return alone_ps(batch);
  Key key = {2};
  for (const BatchEntry& entry : batch.requests) key.insert(key.end(), {entry.tokens, entry.context, entry.yields});
  return kept(key, batch);
}

Picoseconds IterationForm::length(const Batch& batch) {
  if (!batch.has(Phase::prefill)) return Picoseconds(std::llround(decode_ps(batch)));
  if (!batch.has(Phase::decode)) return Picoseconds(std::llround(prompt_ps(batch)));
  Batch both = batch;
  Key key = {4};
  std::int64_t sum = 0, decodes = 0;
  for (const BatchEntry& r : batch.requests) {
    if (r.phase == Phase::prefill) {
      key.insert(key.end(), {r.tokens, r.context, r.yields});
    } else {
      sum += r.context;
      ++decodes;
    }
  }
  const std::int64_t mean = std::max<std::int64_t>(1, (sum / decodes + context_grid / 2) / context_grid) * context_grid;
  std::int64_t apart = -decodes / 2;
  for (BatchEntry& r : both.requests) {
    if (r.phase == Phase::decode) r.context = std::max<std::int64_t>(1, mean + apart++);
  }
  key.insert(key.end(), {-decodes, mean});
  return Picoseconds(std::llround(kept(key, both)));
}

}  // namespace bondsim::tools
