#include "mapping/layout/kv_table.hpp"

#include <algorithm>

#include "models/base/quantity.hpp"

namespace bondsim {
namespace {

/// Frames that a region begins to grow into, where so many are free together; others begin behind them.
constexpr std::size_t frames_of_run = 8;

/// The first frame of the lowest free run, whose number is a multiple of its length: with frames of a part of a row, a whole row. Where
/// there is none, the lowest free frame.
std::size_t first_of_run(const std::vector<int>& users, std::size_t lowest_free) {
  for (std::size_t first = ceil_div(lowest_free, frames_of_run) * frames_of_run; first + frames_of_run <= users.size();
       first += frames_of_run) {
    const auto begin = users.begin() + static_cast<std::ptrdiff_t>(first);
    if (std::all_of(begin, begin + frames_of_run, [](int of_frame) { return of_frame == 0; })) return first;
  }
  return lowest_free;
}

}  // namespace

KvTable::KvTable(const std::vector<const AttentionPlacement*>& placements, const Workload& w, MemoryMap& memory)
    : regions_(placements, w, memory), pages_(regions_.all().size()) {
  const auto frame_bytes = regions_.frame_bytes(w.page_tokens);
  const auto frames = kv_frames(regions_, w, frame_bytes);
  for (const auto& [number, bytes] : frame_bytes) {
    Channel& c = channels_[number];
    c.frame_bytes = bytes;
    c.users.assign(static_cast<std::size_t>(frames.at(number)), 0);
    c.base = memory.reserve(number, Space::layer, frames.at(number) * bytes, Holding::kv);
  }
  for (std::size_t i = 0; i < pages_.size(); ++i) {
    const KvRegion& r = regions_.all()[i];
    Channel& c = channels_.at(r.channel);
    c.regions.emplace_back(r.offset, i);
    pages_[i].assign(static_cast<std::size_t>(ceil_div(r.bank_bytes, c.frame_bytes)), -1);
  }
  for (auto& entry : channels_) std::sort(entry.second.regions.begin(), entry.second.regions.end());
}

std::int64_t KvTable::frame_of(Channel& c, std::size_t region, std::int64_t page) {
  std::int64_t& frame = pages_[region].at(static_cast<std::size_t>(page));
  if (frame >= 0) return frame;
  while (c.lowest_free < c.users.size() && c.users[c.lowest_free] > 0) ++c.lowest_free;
  check(c.lowest_free < c.users.size(), "no KV frame is free, of {}", c.users.size());
  const std::int64_t before = page > 0 ? pages_[region][static_cast<std::size_t>(page - 1)] : -1;
  const auto next = static_cast<std::size_t>(before + 1);
  const bool follows = before >= 0 && next < c.users.size() && c.users[next] == 0;
  frame = static_cast<std::int64_t>(follows ? next : first_of_run(c.users, c.lowest_free));
  c.users[static_cast<std::size_t>(frame)] = 1;
  return frame;
}

void KvTable::leave(Channel& c, std::int64_t frame) {
  int& users = c.users.at(static_cast<std::size_t>(frame));
  check(users > 0, "KV frame {} is given back twice", frame);
  if (--users == 0) c.lowest_free = std::min(c.lowest_free, static_cast<std::size_t>(frame));
}

void KvTable::put(std::size_t region, std::int64_t page, std::int64_t frame) {
  Channel& c = channels_.at(regions_.all()[region].channel);
  std::int64_t& present = pages_[region].at(static_cast<std::size_t>(page));
  ++c.users.at(static_cast<std::size_t>(frame));
  if (present >= 0) leave(c, present);
  present = frame;
}

const std::pair<std::int64_t, std::size_t>& KvTable::region_at(const Channel& c, std::int64_t offset) const {
  const auto after =
      std::upper_bound(c.regions.begin(), c.regions.end(), offset, [](std::int64_t at, const auto& region) { return at < region.first; });
  check(after != c.regions.begin(), "byte {} lies in no KV region", offset);
  return *std::prev(after);
}

void KvTable::translate(Channel& c, const Extent& e, std::vector<Extent>& out) {
  const auto& [begin, region] = region_at(c, e.bank_offset);
  const std::size_t before = out.size();
  const std::int64_t all = static_cast<std::int64_t>(c.users.size()) * c.frame_bytes;
  for (std::int64_t from = 0; from < e.max_bytes_per_bank();) {
    std::int64_t offset = 0, to = 0;
    if (in_turn_) {
      const std::int64_t at = (e.bank_offset + from) % all;
      to = std::min(e.max_bytes_per_bank(), from + all - at);
      offset = c.base + at;
    } else {
      const std::int64_t in_region = e.bank_offset - begin + from;
      const std::int64_t page = in_region / c.frame_bytes, inside = in_region % c.frame_bytes;
      to = std::min(e.max_bytes_per_bank(), from + c.frame_bytes - inside);
      offset = c.base + frame_of(c, region, page) * c.frame_bytes + inside;
    }
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

std::vector<Extent> KvTable::translate(const std::vector<Extent>& extents) {
  std::vector<Extent> out;
  for (const Extent& e : extents) {
    ++pieces_;
    translate(channels_.at(e.channel), e, out);
  }
  return out;
}

void KvTable::release(int request) {
  for (const std::size_t region : regions_.of_request(request)) {
    Channel& c = channels_.at(regions_.all()[region].channel);
    for (std::int64_t& frame : pages_[region]) {
      if (frame >= 0) leave(c, frame);
      frame = -1;
    }
  }
}

void KvTable::share(std::int64_t key, int request, std::int64_t first, std::int64_t tokens) {
  Block block;
  for (const std::size_t number : regions_.of_request(request)) {
    const KvRegion& region = regions_.all()[number];
    Channel& c = channels_.at(region.channel);
    const auto before = first > 0 ? regions_.whole(region, first, c.frame_bytes) : KvRegions::Frames();
    auto& frames = block.emplace_back(Part{region.channel, {}}).frames;
    for (const std::int64_t page : regions_.whole(region, tokens, c.frame_bytes)) {
      if (before.count(page) > 0) continue;
      // A page that was not written in the run, because an iteration's time was taken from another, gets its frame now.
      const std::int64_t frame = frame_of(c, number, page);
      ++c.users[static_cast<std::size_t>(frame)];
      frames.emplace_back(page, frame);
    }
  }
  check(blocks_.emplace(key, std::move(block)).second, "block {} is shared twice", key);
}

void KvTable::attach(std::int64_t key, int request) {
  const Block& block = blocks_.at(key);
  const auto& regions = regions_.of_request(request);
  check(block.size() == regions.size(), "block {} lies in {} regions, request {} has {}", key, block.size(), request, regions.size());
  for (std::size_t i = 0; i < regions.size(); ++i) {
    for (const auto& [page, frame] : block[i].frames) put(regions[i], page, frame);
  }
}

void KvTable::drop(std::int64_t key) {
  const auto block = blocks_.find(key);
  check(block != blocks_.end(), "block {} is dropped and not there", key);
  for (const Part& part : block->second) {
    for (const auto& entry : part.frames) leave(channels_.at(part.channel), entry.second);
  }
  blocks_.erase(block);
}

std::int64_t KvTable::whole_tokens(int request, std::int64_t tokens) {
  const auto known = whole_tokens_.find({alike(request), tokens});
  if (known != whole_tokens_.end()) return known->second;
  std::int64_t fewest = tokens;
  for (const std::size_t number : regions_.of_request(request)) {
    const KvRegion& region = regions_.all()[number];
    const std::int64_t bytes = channels_.at(region.channel).frame_bytes;
    const auto whole = regions_.whole(region, tokens, bytes);
    std::int64_t low = 0, high = fewest + 1;
    while (high - low > 1) {
      const std::int64_t middle = (low + high) / 2;
      const auto touched = regions_.touched(region, middle, bytes);
      (std::includes(whole.begin(), whole.end(), touched.begin(), touched.end()) ? low : high) = middle;
    }
    fewest = low;
  }
  return whole_tokens_[{alike(request), tokens}] = fewest;
}

std::int64_t KvTable::frames_in_use(int channel) const {
  const auto& users = channels_.at(channel).users;
  return static_cast<std::int64_t>(users.size()) - std::count(users.begin(), users.end(), 0);
}

}  // namespace bondsim
