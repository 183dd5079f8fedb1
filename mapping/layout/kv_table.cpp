#include "mapping/layout/kv_table.hpp"

#include <algorithm>

#include "models/base/quantity.hpp"

namespace bondsim {
namespace {

/// A place's region in a channel.
struct Region {
  int channel = 0;
  int request = 0;
  std::int64_t offset = 0;
  std::int64_t bank_bytes = 0;
};

std::vector<Region> regions_of(const AttentionPlacement& a, const Workload& w, const MemoryMap& memory) {
  std::vector<Region> out;
  for (const HeadRun& run : a.runs) {
    out.push_back({run.channel, run.request, run.cache, cache_bank_bytes(a, run, w.reserved_tokens(run.request), memory)});
  }
  for (const HeadStripe& stripe : a.stripes) {
    const auto channels = static_cast<int>(stripe.channels.size());
    const std::int64_t units = tokens_of_part(w.reserved_tokens(stripe.request), channels, 0) * stripe.units_per_token;
    const std::int64_t bytes = ceil_div<std::int64_t>(units, memory.banks()) * memory.host_unit();
    for (std::size_t i = 0; i < stripe.channels.size(); ++i) {
      out.push_back({stripe.channels[i], stripe.request, stripe.offsets[i], bytes});
    }
  }
  return out;
}

}  // namespace

KvTable::KvTable(const std::vector<const AttentionPlacement*>& placements, const Workload& w, std::int64_t page_tokens, MemoryMap& memory) {
  std::vector<Region> all;
  for (const AttentionPlacement* a : placements) {
    for (const Region& region : regions_of(*a, w, memory)) all.push_back(region);
  }
  for (const Region& region : all) {
    Channel& c = channels_[region.channel];
    const std::int64_t of_page = ceil_div(region.bank_bytes * page_tokens, w.reserved_tokens(region.request));
    c.frame_bytes = std::max(c.frame_bytes, memory.padded(of_page));
    c.regions.emplace_back(region.offset, region.request);
    c.end = std::max(c.end, memory.page_aligned(region.offset + region.bank_bytes));
  }
  for (auto& [number, c] : channels_) {
    std::sort(c.regions.begin(), c.regions.end());
    // The regions of both caches and of all places follow one another.
    memory.reserve(number, Space::layer, c.frame_bytes, Holding::kv);
    c.frame_of_page.assign(static_cast<std::size_t>(ceil_div(c.end - c.regions.front().first, c.frame_bytes)), -1);
    c.page_of_frame = c.frame_of_page;
  }
}

std::int64_t KvTable::place(Channel& c, std::int64_t page) {
  std::int64_t& frame = c.frame_of_page.at(static_cast<std::size_t>(page));
  if (frame >= 0) return frame;
  while (c.lowest_free < c.page_of_frame.size() && c.page_of_frame[c.lowest_free] >= 0) ++c.lowest_free;
  check(c.lowest_free < c.page_of_frame.size(), "no KV frame is free, of {}", c.page_of_frame.size());
  frame = static_cast<std::int64_t>(c.lowest_free);
  c.page_of_frame[c.lowest_free++] = page;
  return frame;
}

std::vector<Extent> KvTable::translate(const std::vector<Extent>& extents) {
  std::vector<Extent> out;
  for (const Extent& e : extents) {
    Channel& c = channels_.at(e.channel);
    const std::int64_t base = c.regions.front().first;
    ++pieces_;
    const std::size_t before = out.size();
    for (std::int64_t from = 0; from < e.max_bytes_per_bank();) {
      const std::int64_t in_region = e.bank_offset - base + from;
      const std::int64_t page = in_region / c.frame_bytes, inside = in_region % c.frame_bytes;
      const std::int64_t to = std::min(e.max_bytes_per_bank(), from + c.frame_bytes - inside);
      const std::int64_t offset = base + place(c, page) * c.frame_bytes + inside;
      Extent piece = e.slice(from, to);
      piece.bank_offset = offset;
      from = to;
      if (piece.bytes() == 0) continue;
      // Frames that follow one another are one extent, as long as all banks hold equally much.
      Extent* last = out.size() > before ? &out.back() : nullptr;
      if (last != nullptr && last->longer_banks == 0 && last->bank_offset + last->bytes_per_bank == offset &&
          (piece.longer_banks == 0 || piece.bytes_per_bank > 0)) {
        const bool even = piece.longer_banks == 0;
        last->bytes_per_bank += piece.bytes_per_bank;
        if (!even) {
          last->extra_bytes = piece.extra_bytes;
          last->longer_banks = piece.longer_banks;
        }
        continue;
      }
      out.push_back(piece);
    }
    made_ += static_cast<std::int64_t>(out.size() - before);
  }
  return out;
}

void KvTable::release(int request) {
  for (auto& [number, c] : channels_) {
    const std::int64_t base = c.regions.front().first;
    for (std::size_t i = 0; i < c.regions.size(); ++i) {
      if (c.regions[i].second != request) continue;
      const std::int64_t end = i + 1 < c.regions.size() ? c.regions[i + 1].first : c.end;
      // A page at a border is the next region's too, and keeps its frame.
      const std::int64_t first = ceil_div(c.regions[i].first - base, c.frame_bytes), last = (end - base) / c.frame_bytes;
      for (std::int64_t page = first; page < last; ++page) {
        std::int64_t& frame = c.frame_of_page[static_cast<std::size_t>(page)];
        if (frame < 0) continue;
        c.page_of_frame[static_cast<std::size_t>(frame)] = -1;
        c.lowest_free = std::min(c.lowest_free, static_cast<std::size_t>(frame));
        frame = -1;
      }
    }
  }
}

std::int64_t KvTable::frames_in_use(int channel) const {
  const auto& frames = channels_.at(channel).page_of_frame;
  return static_cast<std::int64_t>(frames.size()) - std::count(frames.begin(), frames.end(), -1);
}

}  // namespace bondsim
