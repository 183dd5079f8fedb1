#include "tools/app/serving/service.hpp"

#include <fmt/ostream.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace bondsim::tools {
namespace {

/// Of so many iterations that could be reused, one is simulated.
constexpr std::int64_t checked_each = 16;
/// Iterations kept for reuse; beyond, the table begins anew.
constexpr std::size_t most_known = 1 << 17;

std::vector<serving::ServingListener*> all_listeners(serving::ServingRecord& record, const ServeOptions& options) {
  std::vector<serving::ServingListener*> all = {&record};
  all.insert(all.end(), options.listeners.begin(), options.listeners.end());
  return all;
}

serving::PlaceLayout layout_of(const Plan& plan) {
  serving::PlaceLayout layout;
  if (!plan.kv_table || plan.workload.shared_tokens == 0) return layout;
  for (int place = 0; place < plan.workload.batch; ++place) layout.alike.push_back(plan.kv_table->alike(place));
  layout.reusable = [table = plan.kv_table](int place, std::int64_t tokens) { return table->whole_tokens(place, tokens); };
  return layout;
}

bool any_moves(const BatchStep& step) {
  return std::any_of(step.caches.begin(), step.caches.end(), [](const CacheChange& change) { return moves(change.event); });
}

}  // namespace

Service::Service(const Experiment& experiment, const Plan& plan, const ServeOptions& options, serving::ServingRecord& record)
    : options_(options),
      record_(record),
      listeners_(all_listeners(record, options)),
      scheduler_(*experiment.serving, serving::make_request_source(experiment.serving->requests), listeners_, layout_of(plan)),
      page_tokens_(experiment.serving->kv.page_tokens) {}

std::optional<BatchStep> Service::next(Picoseconds asked) {
  if (under_way_ && options_.reuse_pages) learn(asked - handed_out_);
  under_way_ = false;
  for (;;) {
    const Picoseconds now = asked + skipped_;
    end_iteration(now);
    if (options_.stop != nullptr && *options_.stop != 0) {
      scheduler_.stop();
      stopped_ = true;
    }
    present_ = scheduler_.next(now);
    if (!present_) return std::nullopt;
    caches_.insert(caches_.end(), present_->caches.begin(), present_->caches.end());
    if (options_.reuse_pages && take_known(now)) continue;
    BatchStep step = *present_;
    step.caches = std::exchange(caches_, {});
    step.not_before = std::max(asked, step.not_before - skipped_);
    handed_out_ = step.not_before;
    under_way_ = true;
    measured_ = {};
    ++reuse_.simulated;
    return step;
  }
}

void Service::energy(Attojoules total, double of_decode) {
  record_.energy(total, of_decode);
  const double before = to_joules(measured_.energy), part = to_joules(total);
  if (before + part > 0) measured_.of_decode = (measured_.of_decode * before + of_decode * part) / (before + part);
  measured_.energy += total;
}

Service::Signature Service::signature_of(const Batch& batch) const {
  std::vector<std::array<std::int64_t, 4>> entries;
  const auto pages = [&](std::int64_t tokens) { return (tokens + page_tokens_ - 1) / page_tokens_; };
  for (const BatchEntry& r : batch.requests) {
    entries.push_back({r.phase == Phase::decode ? 1 : 0, pages(r.tokens), pages(r.context), r.yields});
  }
  std::sort(entries.begin(), entries.end());
  Signature signature;
  for (const auto& entry : entries) signature.insert(signature.end(), entry.begin(), entry.end());
  return signature;
}

void Service::learn(Picoseconds length) {
  if (any_moves(*present_)) return;
  if (known_.size() >= most_known) known_.clear();
  const auto [at, fresh] = known_.try_emplace(signature_of(present_->batch));
  if (!fresh) {
    const double error = static_cast<double>(at->second.length.value) / static_cast<double>(length.value) - 1;
    ++reuse_.checked;
    reuse_.sum_error += error;
    reuse_.worst_error = std::max(reuse_.worst_error, std::abs(error));
    return;
  }
  measured_.length = length;
  at->second = measured_;
}

/// Takes the time of an equal iteration, if there is one and this is not the one that shows the error. An idle time before it is simulated.
bool Service::take_known(Picoseconds now) {
  if (any_moves(*present_)) return false;
  const auto at = known_.find(signature_of(present_->batch));
  if (at == known_.end() || present_->not_before > now || ++at->second.uses % checked_each == 0) return false;
  skipped_ += at->second.length;
  record_.energy(at->second.energy, at->second.of_decode);
  ++reuse_.reused;
  return true;
}

void Service::end_iteration(Picoseconds now) {
  if (!present_) return;
  const serving::ServingTotals& t = record_.totals();
  if (options_.progress) options_.progress({to_seconds(now), t.complete + t.truncated + t.rejected, t.output_tokens});
  if (options_.iterations == nullptr) return;
  const Batch& batch = present_->batch;
  const Batch prefill = batch.of(Phase::prefill), decode = batch.of(Phase::decode);
  const serving::Load& load = record_.load();
  fmt::print(*options_.iterations, "{},{},{},{},{},{},{},{},{},{}", batch.step, present_->not_before.value / 1000, now.value / 1000,
             prefill.requests.size(), prefill.tokens(), decode.requests.size(), load.running, load.waiting, load.kv_tokens, load.kv_pages);
  if (form_) fmt::print(*options_.iterations, ",{:.3f}", static_cast<double>(form_(*present_).value) * 1e-3);
  *options_.iterations << '\n';
}

}  // namespace bondsim::tools
