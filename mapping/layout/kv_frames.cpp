#include <algorithm>
#include <cmath>
#include <tuple>

#include "mapping/layout/kv_table.hpp"
#include "models/base/quantity.hpp"

namespace bondsim {
namespace {

/// Pages of a context whose frames are counted one by one.
constexpr std::int64_t most_looked_at = 2048;

/// Frames by pages: at most `each` a page and `beside` more, however many pages; `all` for the longest context.
struct Need {
  double each = 0;
  double beside = 0;
  std::int64_t all = 0;
};

Need& operator+=(Need& a, const Need& b) {
  a.each += b.each;
  a.beside += b.beside;
  a.all += b.all;
  return a;
}

Need need_of(const KvRegions& regions, const KvRegion& region, std::int64_t page_tokens, std::int64_t frame_bytes) {
  const std::int64_t pages = ceil_div(region.tokens, page_tokens);
  Need need;
  need.all = static_cast<std::int64_t>(regions.touched(region, region.tokens, frame_bytes).size());
  need.each = static_cast<double>(need.all) / static_cast<double>(pages);
  // Of long contexts some pages are looked at: those in between touch at most what the next one does.
  const std::int64_t step = ceil_div(pages, most_looked_at);
  for (std::int64_t p = step; p < pages; p += step) {
    const auto touched = regions.touched(region, p * page_tokens, frame_bytes).size();
    need.beside = std::max(need.beside, static_cast<double>(touched) - need.each * static_cast<double>(p - step + 1));
  }
  need.beside += need.each * static_cast<double>(step - 1);
  return need;
}

/// Needs of all requests in a channel. Regions of equal shape need equally much.
std::map<int, std::vector<Need>> needs_of(const KvRegions& regions, const Workload& w, const std::map<int, std::int64_t>& frame_bytes) {
  using Shape = std::tuple<std::size_t, std::int64_t, std::int64_t, int, int, int, std::int64_t, std::int64_t, std::int64_t>;
  std::map<std::pair<int, Shape>, Need> known;
  std::map<int, std::vector<Need>> needs;
  for (const auto& entry : frame_bytes) needs[entry.first].resize(static_cast<std::size_t>(w.batch));
  for (const KvRegion& r : regions.all()) {
    const HeadRun& h = r.run;
    const Shape shape(r.cache, r.bank_bytes, r.tokens, h.gemms, h.pes_per_gemm, h.parts, h.part, h.block_elements, h.group_tokens);
    const auto at = known.try_emplace({r.channel, shape});
    if (at.second) at.first->second = need_of(regions, r, w.page_tokens, frame_bytes.at(r.channel));
    needs.at(r.channel)[static_cast<std::size_t>(r.request)] += at.first->second;
  }
  return needs;
}

/// All of their longest contexts at a time: also as many as the numbered bytes take when a page lies in the frame of its number.
std::int64_t frames_of_all(const std::vector<Need>& needs, std::int64_t numbered_frames) {
  std::int64_t all = 0;
  for (const Need& need : needs) all += need.all;
  return std::max(all, numbered_frames);
}

/// The pages go to the requests that need most frames a page, up to the longest context of each.
double worst_division(std::vector<Need> needs, double pages, double pages_each) {
  std::sort(needs.begin(), needs.end(), [](const Need& a, const Need& b) { return a.each > b.each; });
  double frames = 0;
  for (const Need& need : needs) {
    frames += need.beside + need.each * std::min(pages, pages_each);
    pages = std::max(0.0, pages - pages_each);
  }
  return frames;
}

/// Blocks stay when their requests have gone: as many pages as there are may be where a page needs most. A block has a frame more than its
/// bytes fill.
double worst_sharing(const std::vector<Need>& needs, double pages, double block_pages) {
  Need most;
  for (const Need& need : needs) {
    most.each = std::max(most.each, need.each);
    most.beside = std::max(most.beside, need.beside + 1);
  }
  return most.each * pages + (pages / block_pages + static_cast<double>(needs.size())) * most.beside;
}

}  // namespace

std::map<int, std::int64_t> kv_frames(const KvRegions& regions, const Workload& w, const std::map<int, std::int64_t>& frame_bytes) {
  std::map<int, std::int64_t> end;
  for (const KvRegion& r : regions.all()) end[r.channel] = std::max(end[r.channel], r.offset + r.bank_bytes);
  const auto pages_each = static_cast<double>(ceil_div(w.reserved_tokens(0), w.page_tokens));
  const double pages = w.kv_pages > 0 ? static_cast<double>(w.kv_pages) : pages_each * w.batch;
  std::map<int, std::int64_t> frames;
  for (const auto& [channel, needs] : needs_of(regions, w, frame_bytes)) {
    const std::int64_t all = frames_of_all(needs, ceil_div(end.at(channel), frame_bytes.at(channel)));
    const double shared = static_cast<double>(w.shared_tokens) / static_cast<double>(w.page_tokens);
    const double most = w.shared_tokens > 0 ? worst_sharing(needs, pages, shared) : worst_division(needs, pages, pages_each);
    const auto needed = static_cast<std::int64_t>(std::ceil(most - 1e-6));
    frames[channel] = w.shared_tokens > 0 ? needed : std::min(all, needed);
    if (w.kv_pages == 0 && w.shared_tokens == 0) frames[channel] = all;
  }
  return frames;
}

}  // namespace bondsim
