#include "mapping/layout/kv_regions.hpp"

#include <algorithm>

#include "models/base/quantity.hpp"

namespace bondsim {
namespace {

AttentionPlacement without_places(const AttentionPlacement& a) {
  AttentionPlacement shape = a;
  shape.runs.clear();
  shape.stripes.clear();
  return shape;
}

void add_regions(const AttentionPlacement& a, std::size_t cache, const Workload& w, const MemoryMap& memory, std::vector<KvRegion>& out) {
  for (const HeadRun& run : a.runs) {
    const std::int64_t tokens = w.reserved_tokens(run.request);
    out.push_back({run.channel, run.request, cache, run.cache, cache_bank_bytes(a, run, tokens, memory), tokens, run, {}});
  }
  for (const HeadStripe& stripe : a.stripes) {
    const std::int64_t tokens = w.reserved_tokens(stripe.request);
    const auto channels = static_cast<int>(stripe.channels.size());
    const std::int64_t units = tokens_of_part(tokens, channels, 0) * stripe.units_per_token;
    const std::int64_t bytes = ceil_div<std::int64_t>(units, memory.banks()) * memory.host_unit();
    for (std::size_t i = 0; i < stripe.channels.size(); ++i) {
      out.push_back({stripe.channels[i], stripe.request, cache, stripe.offsets[i], bytes, tokens, {}, stripe});
    }
  }
}

}  // namespace

KvRegions::KvRegions(const std::vector<const AttentionPlacement*>& placements, const Workload& w, const MemoryMap& memory)
    : memory_(memory), of_request_(static_cast<std::size_t>(w.batch)) {
  for (const AttentionPlacement* a : placements) {
    add_regions(*a, shapes_.size(), w, memory, all_);
    shapes_.push_back(without_places(*a));
  }
  for (std::size_t i = 0; i < all_.size(); ++i) of_request_.at(static_cast<std::size_t>(all_[i].request)).push_back(i);
  std::map<std::vector<std::int64_t>, int> known;
  for (int r = 0; r < w.batch; ++r) alike_.push_back(known.try_emplace(geometry(r), static_cast<int>(known.size())).first->second);
}

std::vector<std::int64_t> KvRegions::geometry(int request) const {
  std::vector<std::int64_t> out;
  for (const std::size_t i : of_request(request)) {
    const KvRegion& r = all_[i];
    const HeadRun& h = r.run;
    out.insert(out.end(),
               {r.channel, static_cast<std::int64_t>(r.cache), r.bank_bytes, r.tokens, h.number, h.first_pe, h.gemms, h.pes_per_gemm,
                h.part, h.parts, h.block_elements, h.group_tokens, r.stripe.heads, static_cast<std::int64_t>(r.stripe.channels.size())});
  }
  return out;
}

std::map<int, std::int64_t> KvRegions::frame_bytes(std::int64_t page_tokens) const {
  std::map<int, std::int64_t> bytes;
  for (const KvRegion& r : all_) {
    std::int64_t& most = bytes[r.channel];
    most = std::max(most, memory_.padded(ceil_div(r.bank_bytes * page_tokens, r.tokens)));
  }
  return bytes;
}

KvRegions::Frames KvRegions::frames_of(const KvRegion& region, const std::vector<Extent>& extents, std::int64_t frame_bytes) const {
  Frames frames;
  for (const Extent& e : extents) {
    if (e.channel != region.channel || e.bytes() == 0) continue;
    const std::int64_t from = e.bank_offset - region.offset;
    for (std::int64_t f = from / frame_bytes; f * frame_bytes < from + e.max_bytes_per_bank(); ++f) frames.insert(frames.end(), f);
  }
  return frames;
}

KvRegions::Frames KvRegions::touched(const KvRegion& r, std::int64_t tokens, std::int64_t frame_bytes) const {
  const bool on_pes = r.run.gemms > 0;
  return frames_of(r, on_pes ? cache_extents(shape(r), r.run, tokens, memory_) : stripe_extents(r.stripe, 0, tokens, memory_), frame_bytes);
}

std::vector<Extent> KvRegions::extents(const KvRegion& r, std::int64_t first, std::int64_t last) const {
  if (r.run.gemms > 0) return append_extents(shape(r), r.run, first, last, memory_);
  std::vector<Extent> out;
  for (const Extent& e : stripe_extents(r.stripe, first, last, memory_)) {
    if (e.channel == r.channel) out.push_back(e);
  }
  return out;
}

std::vector<Extent> KvRegions::extents(int request, std::int64_t first, std::int64_t last) const {
  std::vector<Extent> out;
  for (const std::size_t number : of_request(request)) {
    const auto of_region = extents(all_[number], first, last);
    out.insert(out.end(), of_region.begin(), of_region.end());
  }
  return out;
}

std::int64_t KvRegions::token_bytes() const {
  const std::int64_t tokens = all_.front().tokens;
  std::int64_t bytes = 0;
  for (const Extent& e : extents(all_.front().request, 0, tokens)) bytes += e.bytes();
  return ceil_div(bytes, tokens);
}

KvRegions::Frames KvRegions::whole(const KvRegion& r, std::int64_t tokens, std::int64_t frame_bytes) const {
  Frames frames = touched(r, tokens, frame_bytes);
  for (const std::int64_t f : frames_of(r, extents(r, tokens, r.tokens), frame_bytes)) frames.erase(f);
  return frames;
}

}  // namespace bondsim
