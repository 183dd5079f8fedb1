#include "mapping/serving/scheduler.hpp"

#include <algorithm>
#include <utility>

#include "models/base/error.hpp"

namespace bondsim::serving {
namespace {

std::int64_t block_pages(const KvConfig& kv) { return kv.prefix_reuse ? prefix_block_tokens / kv.page_tokens : 1; }

}  // namespace

Scheduler::Scheduler(const ServingConfig& config, std::unique_ptr<RequestSource> requests, ServingListener& listener, PlaceLayout layout)
    : config_(config),
      requests_(std::move(requests)),
      listener_(listener),
      policy_(make_policy(config.batch)),
      layout_(std::move(layout)),
      pages_(config.pages(), config.kv.page_tokens, block_pages(config.kv)),
      swap_free_(config.swap_pages()),
      slots_(static_cast<std::size_t>(config.batch.max_batch)) {
  pages_.when_dropped([this](std::int64_t key) { caches_.push_back({CacheEvent::dropped, -1, key, 0, 0}); });
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
    check(swap_free_ == config_.swap_pages(), "{} of {} pages of the normal channels are free at the end", swap_free_,
          config_.swap_pages());
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

bool Scheduler::fits(const Sequence& sequence) const { return sequence.known() <= config_.longest_context(); }

void Scheduler::choose() {
  turn_.clear();
  order_.clear();
  tokens_ = 0;
  resume();
  policy_->choose(*this);
}

/// Those who were swapped out come back in the order in which they wait, as soon as there is room for them and a page for each that runs.
void Scheduler::resume() {
  while (!waiting_.empty() && waiting_.front()->swapped > 0) {
    const auto free = std::find(slots_.begin(), slots_.end(), nullptr);
    Sequence& s = *waiting_.front();
    const auto reserve = running_.empty() ? 0 : std::max(watermark_pages(), static_cast<std::int64_t>(running_.size()));
    if (free == slots_.end() || pages_.available() - pages_.pages_of(s.known()) < reserve || !pages_.grow(s.pages, s.known())) return;
    swap_free_ += std::exchange(s.swapped, 0);
    const auto place = static_cast<std::size_t>(free - slots_.begin());
    caches_.push_back({CacheEvent::swapped_in, static_cast<int>(place), s.request.id, 0, s.cached});
    give_place(place);
  }
}

std::int64_t Scheduler::watermark_pages() const {
  return static_cast<std::int64_t>(config_.kv.watermark * static_cast<double>(pages_.pages()));
}

/// The free place where most of the prompt's blocks can be used, the first one of these. @param blocks set to how many
std::size_t Scheduler::choose_place(const Sequence& s, std::int64_t& blocks) const {
  std::size_t best = slots_.size();
  std::set<int> seen;
  for (std::size_t place = 0; place < slots_.size(); ++place) {
    if (slots_[place] != nullptr || !seen.insert(alike(place)).second) continue;
    const std::int64_t known = config_.kv.prefix_reuse && s.produced == 0 ? pages_.known(alike(place), s.request.prefixes) : 0;
    if (best != slots_.size() && known <= blocks) continue;
    best = place;
    blocks = known;
  }
  return best;
}

void Scheduler::take_blocks(Sequence& s, std::size_t place, std::int64_t blocks) {
  pages_.reuse(s.pages, alike(place), s.request.prefixes, blocks);
  std::int64_t reusable = blocks * prefix_block_tokens;
  if (layout_.reusable && blocks > 0) reusable = layout_.reusable(static_cast<int>(place), reusable);
  // One token at least is computed: the next one comes of it.
  s.cached = s.reused = std::min(reusable, s.request.prompt_tokens - 1);
}

/// The request that waits longest runs from now on.
Sequence& Scheduler::give_place(std::size_t place) {
  slots_[place] = std::move(waiting_.front());
  waiting_.pop_front();
  Sequence& s = *slots_[place];
  s.slot = static_cast<int>(place);
  running_.push_back(&s);
  return s;
}

Sequence* Scheduler::admit() {
  if (waiting_.empty() || waiting_.front()->swapped > 0) return nullptr;
  Sequence& s = *waiting_.front();
  const auto whole = static_cast<std::size_t>(s.request.prompt_tokens / prefix_block_tokens);
  s.request.prefixes.resize(std::min(s.request.prefixes.size(), whole));
  std::int64_t blocks = 0;
  const std::size_t place = choose_place(s, blocks);
  if (place == slots_.size()) return nullptr;
  if (blocks > 0) take_blocks(s, place, blocks);
  const std::int64_t reserve = running_.empty() ? 0 : watermark_pages();
  const std::int64_t held = blocks * block_pages(config_.kv);
  const bool room = pages_.available() - (pages_.pages_of(s.known()) - held) >= reserve && pages_.grow(s.pages, s.known());
  if (!room) {
    pages_.release(s.pages);
    s.cached = s.reused = 0;
    return nullptr;
  }
  for (const KvBlockName& block : s.pages.blocks) {
    caches_.push_back({CacheEvent::attached, static_cast<int>(place), pages_.key(block), 0, 0});
  }
  if (s.produced == 0 && s.preempted == 0) listener_.scheduled(s, now_);
  return &give_place(place);
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

std::unique_ptr<Sequence> Scheduler::take_place(Sequence& sequence, const CacheChange& change) {
  const auto in_turn = turn_.find(sequence.slot);
  if (in_turn != turn_.end()) {
    tokens_ -= in_turn->second;
    turn_.erase(in_turn);
    order_.erase(std::find(order_.begin(), order_.end(), &sequence));
  }
  pages_.release(sequence.pages);
  running_.erase(std::find(running_.begin(), running_.end(), &sequence));
  caches_.push_back(change);
  auto owned = std::move(slots_[static_cast<std::size_t>(sequence.slot)]);
  owned->slot = -1;
  return owned;
}

void Scheduler::preempt(Sequence& sequence) {
  const std::int64_t pages = pages_.pages_of(sequence.cached);
  const bool swaps = sequence.cached > 0 && pages <= swap_free_;
  const CacheEvent event = swaps ? CacheEvent::swapped_out : CacheEvent::released;
  std::unique_ptr<Sequence> owned = take_place(sequence, {event, sequence.slot, sequence.request.id, 0, swaps ? sequence.cached : 0});
  if (swaps) {
    owned->swapped = pages;
    swap_free_ -= pages;
  } else {
    owned->cached = 0;
  }
  ++owned->preempted;
  listener_.preempted(*owned, now_);
  waiting_.push_front(std::move(owned));
}

BatchStep Scheduler::step() {
  BatchStep step;
  step.not_before = now_;
  step.batch.step = iterations_++;
  step.caches = std::exchange(caches_, {});
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
    const auto first = static_cast<std::int64_t>(block) * prefix_block_tokens, end = first + prefix_block_tokens;
    if (s.cached < end) return;
    const KvBlockName name{alike(static_cast<std::size_t>(s.slot)), hashes[block]};
    const CacheEvent event = pages_.share(s.pages, name) ? CacheEvent::shared : CacheEvent::attached;
    caches_.push_back({event, s.slot, pages_.key(name), first, end});
  }
}

void Scheduler::leave(Sequence& sequence, Ending ending) {
  const std::unique_ptr<Sequence> owned = take_place(sequence, {CacheEvent::released, sequence.slot, 0, 0, 0});
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
  if (config.kv.addresses == KvAddresses::paged) {
    w.page_tokens = config.kv.page_tokens;
    w.kv_pages = config.kv.capacity_tokens > 0 ? config.pages() : 0;
    w.shared_tokens = config.kv.prefix_reuse ? prefix_block_tokens : 0;
    w.swap_pages = config.swap_pages();
  }
  w.step_tokens = std::max({config.batch.max_batched_tokens, config.batch.chunk_tokens, config.kv.context_tokens});
  return w;
}

}  // namespace bondsim::serving
