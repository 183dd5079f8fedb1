#include "mapping/serving/kv_pages.hpp"

#include <algorithm>

#include "models/base/error.hpp"

namespace bondsim::serving {

KvPages::KvPages(std::int64_t pages, std::int64_t page_tokens, std::int64_t block_pages)
    : pages_(pages), page_tokens_(page_tokens), block_pages_(block_pages), free_(pages) {}

void KvPages::give_back(std::int64_t pages) {
  free_ += pages;
  freed_ += pages;
  check(free_ <= pages_, "{} pages are free, there are {}", free_, pages_);
}

void KvPages::drop_oldest() {
  const auto block = shared_.find(unheld_.front());
  if (tell_dropped_) tell_dropped_(block->second.key);
  shared_.erase(block);
  unheld_.pop_front();
  give_back(block_pages_);
}

bool KvPages::grow(KvHolding& holding, std::int64_t tokens) {
  const std::int64_t held = static_cast<std::int64_t>(holding.blocks.size()) * block_pages_ + holding.own;
  const std::int64_t missing = std::max<std::int64_t>(0, pages_of(tokens) - held);
  if (missing > available()) return false;
  while (free_ < missing) drop_oldest();
  free_ -= missing;
  allocated_ += missing;
  holding.own += missing;
  return true;
}

void KvPages::hold(Shared& block) {
  if (block.holders++ == 0) unheld_.erase(block.place);
}

std::int64_t KvPages::known(int alike, const std::vector<std::int64_t>& hashes) const {
  const auto unknown = std::find_if(hashes.begin(), hashes.end(), [&](std::int64_t hash) { return shared_.count({alike, hash}) == 0; });
  return unknown - hashes.begin();
}

void KvPages::reuse(KvHolding& holding, int alike, const std::vector<std::int64_t>& hashes, std::int64_t count) {
  check(holding.blocks.empty() && holding.own == 0, "a request that holds {} pages looks for known blocks", holding.own);
  for (std::int64_t i = 0; i < count; ++i) {
    holding.blocks.push_back({alike, hashes[static_cast<std::size_t>(i)]});
    hold(shared_.at(holding.blocks.back()));
  }
}

bool KvPages::share(KvHolding& holding, const KvBlockName& name) {
  check(holding.own >= block_pages_, "a block of {} pages, the request has {}", block_pages_, holding.own);
  holding.own -= block_pages_;
  holding.blocks.push_back(name);
  const auto [block, fresh] = shared_.try_emplace(name);
  if (fresh) {
    block->second.key = ++last_key_;
    block->second.holders = 1;
    return true;
  }
  give_back(block_pages_);
  hold(block->second);
  return false;
}

void KvPages::release(KvHolding& holding) {
  give_back(holding.own);
  // The first blocks of a prompt are those that others share most, so they are given up last.
  for (auto name = holding.blocks.rbegin(); name != holding.blocks.rend(); ++name) {
    Shared& block = shared_.at(*name);
    if (--block.holders > 0) continue;
    block.place = unheld_.insert(unheld_.end(), *name);
  }
  holding = {};
}

void KvPages::forget() {
  while (!unheld_.empty()) drop_oldest();
}

}  // namespace bondsim::serving
