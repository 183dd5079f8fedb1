#include "mapping/serving/scheduler.hpp"

#include <algorithm>
#include <utility>

#include "models/base/error.hpp"

namespace bondsim::serving {
namespace {

std::int64_t block_pages(const KvConfig& kv) { return kv.prefix_reuse ? prefix_block_tokens / kv.page_tokens : 1; }

}  // namespace

Scheduler::Scheduler(const ServingConfig& config, std::unique_ptr<RequestSource> requests, ServingListener& listener)
    : config_(config),
      requests_(std::move(requests)),
      listener_(listener),
      policy_(make_policy(config.batch)),
      pages_(config.pages(), config.kv.page_tokens, block_pages(config.kv)),
      slots_(static_cast<std::size_t>(config.batch.max_batch)) {
  if (config.speculation) acceptance_.emplace(*config.speculation);
}

std::optional<BatchStep> Scheduler::next(Picoseconds now) {
  now_ = std::max(now, now_);
  complete_iteration();
  while (!stopped_) {
    receive();
    choose();
    if (!order_.empty()) return step();
    if (!running_.empty() || !waiting_.empty()) {
      check(running_.empty(), "policy {} leaves {} running requests alone", config_.batch.policy, running_.size());
      // It fits the memory, which is free: only the watermark or the policy could have refused it.
      throw InternalError(fmt::format("policy {} does not admit a request while nothing runs", config_.batch.policy));
    }
    const Request* coming = requests_->peek();
    if (coming == nullptr) break;
    listener_.idle(now_);
    now_ = std::max(now_, coming->arrival);
  }
  listener_.finished(now_);
  if (running_.empty()) {
    pages_.forget();
    check(pages_.available() == pages_.pages() && pages_.allocated() == pages_.freed(), "{} of {} KV pages are free at the end",
          pages_.available(), pages_.pages());
  }
  return std::nullopt;
}

void Scheduler::receive() {
  for (const Request* coming = requests_->peek(); coming != nullptr && coming->arrival <= now_; coming = requests_->peek()) {
    auto sequence = std::make_unique<Sequence>();
    sequence->request = requests_->take();
    listener_.arrived(sequence->request, now_);
    if (fits(*sequence)) {
      waiting_.push_back(std::move(sequence));
    } else {
      listener_.left(*sequence, Ending::rejected, now_);
      requests_->ended(sequence->request, now_);
    }
  }
}

bool Scheduler::fits(const Sequence& sequence) const {
  return sequence.known() <= config_.kv.context_tokens && pages_.pages_of(sequence.known() + config_.drafts()) <= pages_.pages();
}

void Scheduler::choose() {
  turn_.clear();
  order_.clear();
  tokens_ = 0;
  policy_->choose(*this);
}

Sequence* Scheduler::admit() {
  const auto free = std::find(slots_.begin(), slots_.end(), nullptr);
  if (waiting_.empty() || free == slots_.end()) return nullptr;
  Sequence& s = *waiting_.front();
  if (config_.kv.prefix_reuse && s.produced == 0) {
    const auto whole = static_cast<std::size_t>(s.request.prompt_tokens / prefix_block_tokens);
    s.request.prefixes.resize(std::min(s.request.prefixes.size(), whole));
    const std::int64_t blocks = pages_.reuse(s.pages, s.request.prefixes);
    // One token at least is computed: the next one comes of it.
    s.cached = s.reused = std::min(blocks * prefix_block_tokens, s.request.prompt_tokens - 1);
  }
  const auto reserve = running_.empty() ? 0 : static_cast<std::int64_t>(config_.kv.watermark * static_cast<double>(pages_.pages()));
  const std::int64_t held = static_cast<std::int64_t>(s.pages.blocks.size()) * block_pages(config_.kv);
  const bool room = pages_.available() - (pages_.pages_of(s.known()) - held) >= reserve && pages_.grow(s.pages, s.known());
  if (!room) {
    pages_.release(s.pages);
    s.cached = s.reused = 0;
    return nullptr;
  }
  s.slot = static_cast<int>(free - slots_.begin());
  if (s.produced == 0 && s.preempted == 0) listener_.scheduled(s, now_);
  *free = std::move(waiting_.front());
  waiting_.pop_front();
  running_.push_back(free->get());
  return free->get();
}

bool Scheduler::add(Sequence& sequence, std::int64_t tokens) {
  check(tokens >= 1 && tokens <= sequence.missing(), "{} new tokens of a request that misses {}", tokens, sequence.missing());
  check(turn_.count(sequence.slot) == 0, "request {} is twice in an iteration", sequence.request.id);
  const std::int64_t drafts = sequence.decodes() ? config_.drafts() : 0;
  while (!pages_.grow(sequence.pages, sequence.cached + tokens + drafts)) {
    Sequence& latest = *running_.back();
    const bool itself = &latest == &sequence;
    preempt(latest);
    if (itself) return false;
  }
  turn_[sequence.slot] = tokens;
  order_.push_back(&sequence);
  tokens_ += tokens;
  return true;
}

std::unique_ptr<Sequence> Scheduler::take_place(Sequence& sequence) {
  const auto in_turn = turn_.find(sequence.slot);
  if (in_turn != turn_.end()) {
    tokens_ -= in_turn->second;
    turn_.erase(in_turn);
    order_.erase(std::find(order_.begin(), order_.end(), &sequence));
  }
  pages_.release(sequence.pages);
  running_.erase(std::find(running_.begin(), running_.end(), &sequence));
  released_.push_back(sequence.slot);
  auto owned = std::move(slots_[static_cast<std::size_t>(sequence.slot)]);
  owned->slot = -1;
  return owned;
}

void Scheduler::preempt(Sequence& sequence) {
  std::unique_ptr<Sequence> owned = take_place(sequence);
  owned->cached = 0;
  ++owned->preempted;
  listener_.preempted(*owned, now_);
  waiting_.push_front(std::move(owned));
}

BatchStep Scheduler::step() {
  BatchStep step;
  step.not_before = now_;
  step.batch.step = iterations_++;
  step.released = std::exchange(released_, {});
  std::vector<std::int64_t> ids;
  for (Sequence* s : order_) {
    const std::int64_t tokens = turn_.at(s->slot);
    const Phase phase = s->decodes() ? Phase::decode : Phase::prefill;
    const std::int64_t yields = tokens == s->missing() ? 1 : 0;
    if (phase == Phase::decode && acceptance_) {
      const std::int64_t rows = 1 + config_.drafts();
      step.batch.requests.push_back({s->slot, phase, rows, s->cached + rows, drawn_tokens(*s), rows});
    } else {
      step.batch.requests.push_back({s->slot, phase, tokens, s->cached + tokens, yields, yields});
    }
    ids.push_back(s->request.id);
  }
  listener_.iteration(step.batch, ids, load(), now_);
  return step;
}

Load Scheduler::load() const {
  Load load;
  load.running = static_cast<std::int64_t>(running_.size());
  load.waiting = static_cast<std::int64_t>(waiting_.size());
  load.kv_pages = pages_.held();
  for (const Sequence* s : running_) load.kv_tokens += s->cached + (turn_.count(s->slot) > 0 ? turn_.at(s->slot) : 0);
  return load;
}

void Scheduler::complete_iteration() {
  const std::vector<Sequence*> done = std::exchange(order_, {});
  const std::map<int, std::int64_t> tokens = std::exchange(turn_, {});
  for (Sequence* s : done) advance(*s, tokens.at(s->slot));
}

/// Tokens that the verification of a request gives; what goes beyond its answer is dropped.
std::int64_t Scheduler::drawn_tokens(Sequence& s) {
  const speculation::Accepted accepted = acceptance_->draw(static_cast<int>(s.request.id), s.verifications++);
  s.coming = std::min(accepted.tokens(), s.request.output_tokens - s.produced);
  return s.coming;
}

/// The tokens that a verification gave after its first one: they are in the cache, all but the last.
void Scheduler::decoded(Sequence& s) {
  for (; s.coming > 1 && s.produced < s.request.output_tokens && fits(s); --s.coming) {
    ++s.cached;
    ++s.produced;
    listener_.token(s, now_);
  }
  s.coming = 1;
}

void Scheduler::advance(Sequence& s, std::int64_t tokens) {
  s.cached += tokens;
  if (config_.kv.prefix_reuse) share_blocks(s);
  if (s.missing() > 0) return;
  ++s.produced;
  listener_.token(s, now_);
  decoded(s);
  if (s.produced == s.request.output_tokens) {
    leave(s, Ending::complete);
  } else if (!fits(s)) {
    leave(s, Ending::truncated);
  }
}

void Scheduler::share_blocks(Sequence& s) {
  const std::vector<std::int64_t>& hashes = s.request.prefixes;
  for (std::size_t block = s.pages.blocks.size(); block < hashes.size(); ++block) {
    if (s.cached < static_cast<std::int64_t>(block + 1) * prefix_block_tokens) return;
    pages_.share(s.pages, hashes[block]);
  }
}

void Scheduler::leave(Sequence& sequence, Ending ending) {
  const std::unique_ptr<Sequence> owned = take_place(sequence);
  listener_.left(*owned, ending, now_);
  requests_->ended(owned->request, now_);
}

Workload serving_workload(const ServingConfig& config, LayerMode layers) {
  Workload w;
  w.name = config.name;
  w.batch = config.batch.max_batch;
  w.prompt_tokens = config.kv.context_tokens;
  w.layers = layers;
  w.apart = true;
  w.placement = config.kv.placement;
  w.speculation = config.speculation;
  if (config.kv.addresses == KvAddresses::paged) w.page_tokens = config.kv.page_tokens;
  w.step_tokens = std::max({config.batch.max_batched_tokens, config.batch.chunk_tokens, config.kv.context_tokens});
  return w;
}

}  // namespace bondsim::serving
