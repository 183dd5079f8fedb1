#include "tools/app/serving/iteration_form.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "tools/app/studies/plan_experiment.hpp"

namespace bondsim::tools {
namespace {

constexpr std::int64_t context_grid = 128;  ///< tokens between grid points of a context
constexpr std::int64_t prompt_grid = 32;    ///< and of a prompt
/// Entries of the table; beyond, it begins anew, so that memory stays as it is.
constexpr std::size_t most_entries = 1 << 18;

/// On the line from (x0, low) to (x1, high).
IterationCost on_line(const IterationCost& low, const IterationCost& high, double share) {
  return {low.ps + (high.ps - low.ps) * share, low.joules + (high.joules - low.joules) * share, low.of_decode,
          low.load + (high.load - low.load) * share};
}

/// The part of a block's MACs that requests in decode have.
double decode_macs(const Block& block, const ScheduleHeader& header, double& all) {
  double decode = 0;
  for (const OperatorWork& work : block.work) {
    const double macs = static_cast<double>(work.shape.macs()) * static_cast<double>(block.executions());
    all += macs;
    if (header.operators[static_cast<std::size_t>(work.op)].phase == Phase::decode) decode += macs;
  }
  return decode;
}

}  // namespace

Picoseconds IterationCost::length() const { return Picoseconds(std::llround(ps)); }

Attojoules IterationCost::energy() const { return Attojoules(static_cast<WideInt>(joules * 1e18)); }

/// Hands out one batch at a time.
class IterationForm::OneBatch : public BatchSource {
 public:
  std::optional<BatchStep> next(Picoseconds) override { return std::exchange(step, std::nullopt); }
  std::optional<BatchStep> step;
};

IterationForm::IterationForm(const System& system, speculation::Plans plans)
    : system_(system),
      form_(cost::make_cost_model("detailed", &system)),
      count_(system_),
      load_(plans.target),
      batches_(nullptr),
      by_place_(plans.target.workload.placement != KvPlacement::balanced),
      longest_(plans.target.workload.reserved_tokens(0)),
      page_tokens_(std::max<std::int64_t>(1, plans.target.workload.page_tokens)) {
  plans.lay_pages_in_turn();  // shapes of equal length take equal time
  auto batches = std::make_unique<OneBatch>();
  batches_ = batches.get();
  schedule_ = schedule_batches(std::move(plans), std::move(batches));
}

IterationForm::~IterationForm() = default;

/// Adds what a block takes.
void IterationForm::add(const Block& block, Ledger& ledger, IterationCost& cost) const {
  const double seconds = form_->block_seconds(block, system_);
  cost.ps += seconds * 1e12 * static_cast<double>(block.executions());
  add_commands(ledger, count_, block);
  const Picoseconds length(std::llround(seconds * 1e12));
  for (int c = 0; c < system_.channel_count(); ++c) {
    ledger.add_commands(c, -1, block.phase, refreshes(system_, seconds), 1);
    ledger.add_rows_open(c, block.phase, length, 1);  // a closed form opens no rows: the dearer standby
  }
  cost.joules += to_joules(ledger.end_block(length, 1)) * static_cast<double>(block.executions());
}

IterationCost IterationForm::evaluate(const Batch& batch) {
  ++evaluations_;
  batches_->step = BatchStep{batch, 1, Picoseconds()};
  IterationCost cost;
  double decode = 0, all = 0;
  Ledger ledger(system_, schedule_->header());
  for (Block block; schedule_->next(block);) {
    if (block.tasks.empty()) continue;
    add(block, ledger, cost);
    decode += decode_macs(block, schedule_->header(), all);
  }
  cost.of_decode = all > 0 ? decode / all : 0;
  cost.load = load_.of(batch);
  return cost;
}

/// A step with the least batch there is, whose first blocks move a cache out and in again.
const IterationForm::MoveCosts& IterationForm::move_costs(std::int64_t tokens) {
  const auto [known, fresh] = moves_.try_emplace(tokens);
  if (!fresh) return known->second;
  ++evaluations_;
  BatchStep step;
  step.batch.requests.push_back({0, Phase::decode, 1, 1, 1});
  step.caches = {{CacheEvent::swapped_out, 0, 0, 0, tokens}, {CacheEvent::swapped_in, 0, 0, 0, tokens}};
  batches_->step = step;
  Ledger ledger(system_, schedule_->header());
  for (Block block; schedule_->next(block);) {
    if (block.tasks.empty() || block.tasks.front().op < 0) continue;
    const std::string& op = schedule_->header().operators[static_cast<std::size_t>(block.tasks.front().op)].name;
    if (op == "swap_out") add(block, ledger, known->second.out);
    if (op == "swap_in") add(block, ledger, known->second.in);
  }
  return known->second;
}

IterationCost IterationForm::moves(const std::vector<CacheChange>& changes) {
  IterationCost cost;
  for (const CacheChange& change : changes) {
    if (!bondsim::moves(change.event)) continue;
    const MoveCosts& costs = move_costs(ceil_div(change.tokens, page_tokens_) * page_tokens_);
    const IterationCost& one = change.event == CacheEvent::swapped_out ? costs.out : costs.in;
    cost.ps += one.ps;
    cost.joules += one.joules;
  }
  return cost;
}

IterationCost IterationForm::cost(const BatchStep& step) {
  IterationCost cost = this->cost(step.batch);
  const IterationCost moved = moves(step.caches);
  cost.ps += moved.ps;
  cost.joules += moved.joules;
  return cost;
}

double IterationForm::idle_watts() {
  constexpr double second_ps = 1e12;
  Ledger ledger(system_, schedule_->header());
  for (int c = 0; c < system_.channel_count(); ++c) ledger.add_commands(c, -1, Phase::decode, refreshes(system_, 1), 1);
  return to_joules(ledger.end_block(Picoseconds(static_cast<std::int64_t>(second_ps)), 1));
}

const IterationCost& IterationForm::kept(const Key& key, const Batch& batch) {
  const auto known = table_.find(key);
  if (known != table_.end()) return known->second;
  if (table_.size() >= most_entries) table_.clear();
  return table_[key] = evaluate(batch);
}

/// As many requests as the batch has, all around this context, its channels as full as with the batch's own.
IterationCost IterationForm::even(const Batch& batch, double context) {
  const auto below = std::max<std::int64_t>(1, static_cast<std::int64_t>(context) / context_grid) * context_grid;
  const auto n = static_cast<std::int64_t>(batch.requests.size());
  const auto at = [&](std::int64_t point) {
    Batch even = batch;
    // Requests of equal context would share their tasks, which those of different context cannot.
    for (std::int64_t i = 0; i < n; ++i) {
      BatchEntry& r = even.requests[static_cast<std::size_t>(i)];
      r.context = std::max<std::int64_t>(i + r.tokens, point - n / 2 + i);
    }
    Key key = {0, n, point};
    if (by_place_) {
      for (const BatchEntry& r : batch.requests) key.push_back(r.request);
    }
    return kept(key, even);
  };
  const IterationCost low = at(below), high = at(below + context_grid);
  IterationCost cost = on_line(low, high, (context - static_cast<double>(below)) / static_cast<double>(context_grid));
  if (high.load > low.load) cost.ps += (high.ps - low.ps) * (load_.of(batch) - cost.load) / (high.load - low.load);
  return cost;
}

IterationCost IterationForm::decode(const Batch& batch) {
  double sum = 0, more_ps = 0, more_joules = 0;
  for (const BatchEntry& r : batch.requests) {
    Batch one = batch;
    one.requests = {r};
    const IterationCost exact = alone(one);
    if (batch.requests.size() == 1) return exact;
    sum += static_cast<double>(r.context);
    const IterationCost line = even(one, static_cast<double>(r.context));
    more_ps += exact.ps - line.ps;
    more_joules += exact.joules - line.joules;
  }
  IterationCost cost = even(batch, sum / static_cast<double>(batch.requests.size()));
  cost.ps += more_ps;
  cost.joules += more_joules;
  return cost;
}

/// Linear inside each interval of a grid, with both ends inside: times step where a tile begins, which is where an interval begins.
IterationCost IterationForm::alone(const Batch& batch) {
  const BatchEntry& r = batch.requests.front();
  const bool prompt = r.phase == Phase::prefill;
  const std::int64_t grid = prompt ? prompt_grid : context_grid;
  const std::int64_t first = std::max(prompt ? 1 : r.tokens, (r.context - 1) / grid * grid + 1),
                     last = std::max(first + 1, std::min(first + grid - 1, longest_));
  const auto at = [&](std::int64_t context) {
    Batch other = batch;
    other.requests.front().context = context;
    if (prompt) other.requests.front().tokens = context;
    return kept({prompt ? 3 : 1, context}, other);
  };
  const IterationCost low = at(first);
  if (r.context == first) return low;
  return on_line(low, at(last), static_cast<double>(r.context - first) / static_cast<double>(last - first));
}

IterationCost IterationForm::prompt(const Batch& batch) {
  const BatchEntry& r = batch.requests.front();
  if (batch.requests.size() == 1 && r.context == r.tokens) return alone(batch);
  Key key = {2};
  for (const BatchEntry& entry : batch.requests) key.insert(key.end(), {entry.tokens, entry.context, entry.yields});
  return kept(key, batch);
}

IterationCost IterationForm::cost(const Batch& batch) {
  if (!batch.has(Phase::prefill)) return decode(batch);
  if (!batch.has(Phase::decode)) return prompt(batch);
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
    if (r.phase == Phase::decode) r.context = std::max<std::int64_t>(r.tokens, mean + apart++);
  }
  key.insert(key.end(), {-decodes, mean});
  return kept(key, both);
}

}  // namespace bondsim::tools
