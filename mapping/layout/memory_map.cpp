#include "mapping/layout/memory_map.hpp"

#include <algorithm>
#include <numeric>

#include "models/base/quantity.hpp"

namespace bondsim {

std::vector<Extent> side_by_side(const PeGroups& pes, std::int64_t bank_offset, const std::function<std::int64_t(int)>& bytes) {
  Extent e;
  e.channel = pes.channel;
  e.first_bank = pes.first_pe;
  e.banks = pes.groups * pes.banks;
  e.bank_offset = bank_offset;
  e.bytes_per_bank = bytes(pes.banks - 1);
  const std::int64_t longest = bytes(0);
  if (longest == 0) return {};
  if (longest > e.bytes_per_bank) {
    e.extra_bytes = longest - e.bytes_per_bank;
    e.groups = pes.groups;
    while (bytes(e.longer_banks) == longest) ++e.longer_banks;
  }
  for (int i = e.longer_banks; i < pes.banks; ++i) {
    check(bytes(i) == e.bytes_per_bank, "bank {} of a group holds {} bytes, {} or {} are expected", i, bytes(i), longest, e.bytes_per_bank);
  }
  return {e};
}

void ExtentBuilder::add(int channel, int bank, std::int64_t bank_offset, std::int64_t bytes) {
  if (bytes == 0) return;
  if (!extents_.empty()) {
    Extent& last = extents_.back();
    const bool adjacent = last.channel == channel && last.first_bank + last.banks == bank && last.bank_offset == bank_offset;
    if (adjacent && bytes == last.bytes_per_bank) {
      ++last.banks;
      return;
    }
    if (adjacent && last.longer_banks == 0 && bytes < last.bytes_per_bank) {
      last.extra_bytes = last.bytes_per_bank - bytes;
      last.bytes_per_bank = bytes;
      last.longer_banks = last.banks;
      ++last.banks;
      return;
    }
  }
  Extent e;
  e.channel = channel;
  e.first_bank = bank;
  e.banks = 1;
  e.bank_offset = bank_offset;
  e.bytes_per_bank = bytes;
  extents_.push_back(e);
}

std::vector<Extent> even_extents(const Extent& e) {
  if (e.longer_banks == 0) return {e};
  std::vector<Extent> out;
  for (std::int32_t first = e.first_bank; first < e.first_bank + e.banks; first += e.group_banks()) {
    Extent part = e;
    part.groups = 1;
    part.longer_banks = 0;
    part.extra_bytes = 0;
    part.first_bank = first;
    part.banks = e.longer_banks;
    part.bytes_per_bank = e.max_bytes_per_bank();
    out.push_back(part);
    part.first_bank = first + e.longer_banks;
    part.banks = e.group_banks() - e.longer_banks;
    part.bytes_per_bank = e.bytes_per_bank;
    if (part.bytes() > 0) out.push_back(part);
  }
  return out;
}

std::vector<Extent> part_of_banks(const Extent& extent, std::int64_t first, std::int64_t last, std::int64_t whole, std::int64_t unit) {
  std::vector<Extent> out;
  for (const Extent& e : even_extents(extent)) {
    const std::int64_t bytes = e.bytes_per_bank;
    const Extent part = e.slice(bytes * first / whole / unit * unit, std::min(bytes, ceil_div(bytes * last, whole * unit) * unit));
    if (part.bytes() > 0) out.push_back(part);
  }
  return out;
}

MemoryMap::MemoryMap(const System& system, int layers, const MemoryMap* before)
    : layers_(layers),
      banks_(system.dram.organization.banks()),
      page_bytes_(system.dram.organization.page_bytes()),
      host_unit_(system.dram.organization.access_bytes()),
      both_unit_(std::lcm<std::int64_t>(host_unit_, std::max(1, system.nmp.hb.access_bytes))),
      before_bytes_(static_cast<std::size_t>(system.channel_count()), 0),
      layer_bytes_(static_cast<std::size_t>(system.channel_count()), 0),
      shared_bytes_(static_cast<std::size_t>(system.channel_count()), 0),
      numbered_bytes_(static_cast<std::size_t>(system.channel_count()), 0),
      held_(static_cast<std::size_t>(system.channel_count())) {
  for (int c = 0; c < system.channel_count(); ++c) {
    bank_bytes_.push_back(system.dram_of(c).organization.bank_bytes());
    if (system.has_pes(c)) both_unit_ = std::lcm<std::int64_t>(both_unit_, std::max(1, system.nmp_of(c).hb.access_bytes));
    if (before != nullptr) before_bytes_[static_cast<std::size_t>(c)] = before->bytes_per_bank(c);
  }
  if (before != nullptr) held_ = before->held_;
}

std::int64_t MemoryMap::reserve(int channel, Space space, std::int64_t bytes_per_bank, Holding holding) {
  std::int64_t& top = (space == Space::layer ? layer_bytes_ : shared_bytes_)[static_cast<std::size_t>(channel)];
  const std::int64_t offset = top;
  top += ceil_div(bytes_per_bank, page_bytes_) * page_bytes_;
  held_[static_cast<std::size_t>(channel)][static_cast<std::size_t>(holding)] += bytes_per_bank * (space == Space::layer ? layers_ : 1);
  return offset;
}

std::int64_t MemoryMap::number_bytes(int channel, std::int64_t bytes_per_bank) {
  std::int64_t& top = numbered_bytes_[static_cast<std::size_t>(channel)];
  const std::int64_t offset = top;
  top += page_aligned(bytes_per_bank);
  return offset;
}

std::int64_t MemoryMap::address(int channel, Space space, std::int64_t offset, int layer) const {
  const std::int64_t frame = layer_bytes_[static_cast<std::size_t>(channel)];
  return before_bytes_[static_cast<std::size_t>(channel)] + offset + frame * (space == Space::layer ? layer : layers_);
}

std::vector<Extent> MemoryMap::place(std::vector<Extent> extents, Space space, int layer) const {
  for (Extent& e : extents) e.bank_offset = address(e.channel, space, e.bank_offset, layer);
  return extents;
}

std::int64_t MemoryMap::bytes_per_bank(int channel) const {
  const auto c = static_cast<std::size_t>(channel);
  return before_bytes_[c] + layer_bytes_[c] * layers_ + shared_bytes_[c];
}

std::int64_t MemoryMap::held_per_bank(int channel, Holding holding) const {
  return held_[static_cast<std::size_t>(channel)][static_cast<std::size_t>(holding)];
}

void MemoryMap::require_capacity() const {
  int fullest = 0;
  const auto over = [&](int c) { return bytes_per_bank(c) - bank_bytes(c); };
  for (int c = 1; c < channels(); ++c) {
    if (over(c) > over(fullest)) fullest = c;
  }
  if (channels() == 0 || over(fullest) <= 0) return;
  const auto gb = [this](std::int64_t bytes_of_bank) { return static_cast<double>(bytes_of_bank * banks_) / 1e9; };
  const std::int64_t weights = held_per_bank(fullest, Holding::weights);
  const std::int64_t kv = held_per_bank(fullest, Holding::kv);
  const std::int64_t buffers = held_per_bank(fullest, Holding::buffers);
  const std::int64_t needed = bytes_per_bank(fullest);
  throw CapacityError(
      fmt::format(
          "channel {} needs {:.3f} GB of {:.3f}: weights {:.3f}, KV {:.3f}, inputs and outputs {:.3f}, padding to whole rows {:.3f}",
          fullest, gb(needed), gb(bank_bytes(fullest)), gb(weights), gb(kv), gb(buffers), gb(needed - weights - kv - buffers)),
      text());
}

std::string MemoryMap::text() const {
  const auto mb = [this](std::int64_t bytes_of_bank) { return static_cast<double>(bytes_of_bank * banks_) / 1e6; };
  std::string out = fmt::format("  {:<10} {:>10} {:>10} {:>10} {:>10} {:>10} {:>10}  MB\n", "channel", "weights", "KV", "buffers",
                                "padding", "needed", "there");
  for (int c = 0; c < channels(); ++c) {
    const std::int64_t weights = held_per_bank(c, Holding::weights), kv = held_per_bank(c, Holding::kv),
                       buffers = held_per_bank(c, Holding::buffers), needed = bytes_per_bank(c);
    out +=
        fmt::format("  {:<10} {:>10.1f} {:>10.1f} {:>10.1f} {:>10.1f} {:>10.1f} {:>10.1f}  {:.1f} %{}\n", c, mb(weights), mb(kv),
                    mb(buffers), mb(needed - weights - kv - buffers), mb(needed), mb(bank_bytes(c)),
                    100.0 * static_cast<double>(needed) / static_cast<double>(bank_bytes(c)), needed > bank_bytes(c) ? ", too much" : "");
  }
  return out;
}

std::vector<Extent> MemoryMap::spread(int channel, std::int64_t offset, std::int64_t bytes, std::int64_t unit) const {
  const std::int64_t units = ceil_div(bytes, unit);
  ExtentBuilder out;
  for (int b = 0; b < banks_; ++b) out.add(channel, b, offset, (units / banks_ + (b < units % banks_ ? 1 : 0)) * unit);
  return out.take();
}

std::int64_t MemoryMap::spread_bank_bytes(std::int64_t bytes, std::int64_t unit) const {
  return ceil_div(ceil_div(bytes, unit), static_cast<std::int64_t>(banks_)) * unit;
}

void MemoryMap::stripe(ExtentBuilder& out, int channel, std::int64_t offset, std::int64_t first, std::int64_t last) const {
  const auto rows_before = [&](std::int64_t units, int bank) { return units / banks_ + (bank < units % banks_ ? 1 : 0); };
  for (int b = 0; b < banks_; ++b) {
    const std::int64_t from = rows_before(first, b);
    out.add(channel, b, offset + from * host_unit_, (rows_before(last, b) - from) * host_unit_);
  }
}

}  // namespace bondsim
