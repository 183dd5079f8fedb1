#include "mapping/emit/head_caches.hpp"

#include <algorithm>
#include <tuple>

#include "mapping/layout/memory_map.hpp"
#include "models/base/quantity.hpp"

namespace bondsim {
namespace {

/// The part of every bank that holds heads [first, last) of `heads`, in whole accesses; neighbours may share one.
std::vector<Extent> heads_of(const std::vector<Extent>& extents, std::int64_t first, std::int64_t last, std::int64_t heads,
                             std::int64_t unit) {
  std::vector<Extent> out;
  for (const Extent& extent : extents) {
    for (const Extent& part : part_of_banks(extent, first, last, heads, unit)) out.push_back(part);
  }
  return out;
}

}  // namespace

std::vector<std::pair<HeadRun, ContextRows>> runs_of(const AttentionPlacement& placement, const Batch& batch) {
  std::map<int, ContextRows> rows;
  for (const BatchEntry& r : batch.requests) rows[r.request] = context_rows(r);
  std::vector<std::pair<HeadRun, ContextRows>> out;
  for (const HeadRun& run : placement.runs) {
    for (int first = 0, last = 0; first < run.gemms; first = last) {
      const auto alike = rows.find(run.requests[static_cast<std::size_t>(first)]);
      const auto belongs = [&](int g) {
        const auto other = rows.find(run.requests[static_cast<std::size_t>(g)]);
        return alike == rows.end() ? other == rows.end() : other != rows.end() && other->second == alike->second;
      };
      for (last = first + 1; last < run.gemms && belongs(last);) ++last;
      if (alike == rows.end()) continue;
      HeadRun part = run;
      part.first_pe += first * run.pes_per_gemm;
      part.gemms = last - first;
      part.first_head += first;
      part.requests.assign(run.requests.begin() + first, run.requests.begin() + last);
      part.request = part.requests.front();
      out.emplace_back(std::move(part), alike->second);
    }
  }
  return out;
}

HeadCaches::HeadCaches(const AttentionPlacement& placement, const Batch& batch, const ContextRows& rows) : placement_(placement) {
  const auto alike = [&](int request) {
    const BatchEntry* r = batch.find(request);
    return r != nullptr && context_rows(*r) == rows;
  };
  std::map<std::int64_t, Head> by_number;
  for (const auto& [run, of_run] : runs_of(placement, batch)) {
    if (of_run != rows) continue;
    for (int g = 0; g < run.gemms; ++g) {
      HeadRun alone = run;
      alone.first_pe += g * run.pes_per_gemm;
      alone.gemms = 1;
      by_number[run.first_head + g].parts.push_back(alone);
    }
  }
  std::map<int, int> on_channel;
  std::vector<std::tuple<int, int, Head>> order;  // how many heads its channel has before it, channel
  for (auto& [number, head] : by_number) {
    const int channel = head.parts.front().channel;
    order.emplace_back(on_channel[channel]++, channel, std::move(head));
  }
  std::stable_sort(order.begin(), order.end(), [](const auto& a, const auto& b) {
    return std::tie(std::get<0>(a), std::get<1>(a)) < std::tie(std::get<0>(b), std::get<1>(b));
  });
  for (auto& entry : order) heads_.push_back(std::move(std::get<2>(entry)));
  for (const HeadStripe& stripe : placement.stripes) {
    if (!alike(stripe.request)) continue;
    if (stripe.heads == 0) heads_.back().rest = &stripe;
    for (std::int64_t i = 0; i < stripe.heads; ++i) heads_.push_back({{}, &stripe, nullptr, i});
  }
}

std::map<int, std::vector<Extent>> HeadCaches::extents(std::int64_t first, std::int64_t last, std::int64_t begin, std::int64_t end,
                                                       const MemoryMap& memory) const {
  std::map<int, std::vector<Extent>> by_channel;
  const auto take = [&](const std::vector<Extent>& extents) {
    for (const Extent& e : extents) by_channel[e.channel].push_back(e);
  };
  for (std::int64_t h = first; h < last; ++h) {
    const Head& head = heads_[static_cast<std::size_t>(h)];
    for (const HeadRun& part : head.parts) take(append_extents(placement_, part, begin, end, memory));
    if (head.stripe == nullptr) continue;
    std::int64_t together = 1;
    while (h + together < last && heads_[static_cast<std::size_t>(h + together)].stripe == head.stripe) ++together;
    take(heads_of(stripe_extents(*head.stripe, begin, end, memory), head.index, head.index + together, head.stripe->heads,
                  memory.host_unit()));
    h += together - 1;
    const HeadStripe* rest = heads_[static_cast<std::size_t>(h)].rest;
    if (rest != nullptr) take(stripe_extents(*rest, begin, end, memory));
  }
  return by_channel;
}

}  // namespace bondsim
