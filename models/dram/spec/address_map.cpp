#include "models/dram/spec/address_map.hpp"

#include <algorithm>
#include <regex>
#include <utility>

#include "models/base/error.hpp"

namespace bondsim {
namespace {

constexpr const char* field_names[] = {"row", "bank_group", "bank", "column", "rank", "pseudo_channel"};
constexpr const char* fields_key = "controller.address_map.fields";
constexpr const char* xor_key = "controller.address_map.xor";

int bits_of(std::int64_t count, const char* what) {
  int bits = 0;
  while ((std::int64_t{1} << bits) < count) ++bits;
  if ((std::int64_t{1} << bits) != count) {
    throw ConfigError(fmt::format("{}: {} {} are not a power of two, which an address map needs", fields_key, count, what));
  }
  return bits;
}

}  // namespace

AddressMap::AddressMap(const AddressMapConfig& config, const DramOrganization& organization)
    : banks_per_group_(organization.banks_per_group),
      banks_per_rank_(organization.banks_per_rank()),
      banks_per_pseudo_channel_(organization.banks_per_pseudo_channel()),
      burst_bits_(bits_of(organization.access_bytes(), "bytes of a burst")) {
  widths_[row] = bits_of(organization.rows, "rows");
  widths_[bank_group] = bits_of(organization.bank_groups, "bank groups");
  widths_[bank] = bits_of(organization.banks_per_group, "banks of a group");
  widths_[rank] = bits_of(organization.ranks, "ranks");
  widths_[pseudo_channel] = bits_of(organization.pseudo_channels, "pseudo channels");
  widths_[column] = bits_of(organization.page_bytes() / organization.access_bytes(), "bursts of a row");
  add_parts(config);
  for (const std::string& term : config.xors) add_xor(term);
}

AddressMap::Field AddressMap::field_named(const std::string& name, const std::string& where) {
  for (int f = 0; f < field_count; ++f) {
    if (name == field_names[f]) return static_cast<Field>(f);
  }
  throw ConfigError(fmt::format("{}: '{}' is not known, allowed: row, bank_group, bank, column, rank, pseudo_channel", where, name));
}

void AddressMap::add_parts(const AddressMapConfig& config) {
  int left[field_count];
  std::copy(std::begin(widths_), std::end(widths_), left);
  const bool named = std::any_of(config.fields.begin(), config.fields.end(), [](const std::string& f) { return f.rfind("rank", 0) == 0; });
  if (!named && left[rank] > 0) {
    parts_.push_back({rank, 0, left[rank], 0});
    left[rank] = 0;
  }
  for (const std::string& text : config.fields) {
    static const std::regex form("([a-z_]+)(?::([0-9]{1,2}))?");
    std::smatch match;
    if (!std::regex_match(text, match, form)) {
      throw ConfigError(fmt::format("{}: '{}' is not a field, allowed: NAME or NAME:BITS", fields_key, text));
    }
    const Field field = field_named(match[1], fields_key);
    const int bits = match[2].matched ? std::stoi(match[2]) : left[field];
    if (bits > left[field]) {
      throw ConfigError(fmt::format("{}: '{}' takes {} bits, allowed: the {} left of the field's {}", fields_key, text, bits, left[field],
                                    widths_[field]));
    }
    left[field] -= bits;
    parts_.push_back({field, left[field], bits, 0});
  }
  if (std::none_of(config.fields.begin(), config.fields.end(), [](const std::string& f) { return f.rfind("pseudo_channel", 0) == 0; })) {
    parts_.push_back({pseudo_channel, 0, std::exchange(left[pseudo_channel], 0), 0});
  }
  for (int f = 0; f < field_count; ++f) {
    if (left[f] > 0) throw ConfigError(fmt::format("{}: {} bits of '{}' are missing", fields_key, left[f], field_names[f]));
  }
  int shift = burst_bits_;
  for (auto part = parts_.rbegin(); part != parts_.rend(); ++part) {
    part->shift = shift;
    shift += part->bits;
  }
}

void AddressMap::add_xor(const std::string& term) {
  static const std::regex form(R"(\s*([a-z_]+)\s*\^=\s*([a-z_]+)\s*\[\s*([0-9]{1,2})\s*(?::\s*([0-9]{1,2})\s*)?\]\s*)");
  std::smatch match;
  if (!std::regex_match(term, match, form)) {
    throw ConfigError(fmt::format("{}: '{}' is not a term, allowed: FIELD ^= FIELD[HIGH:LOW]", xor_key, term));
  }
  Xor x{field_named(match[1], xor_key), field_named(match[2], xor_key), 0, 0};
  const int high = std::stoi(match[3]);
  x.low = match[4].matched ? std::stoi(match[4]) : high;
  if (x.target == x.source) throw ConfigError(fmt::format("{}: '{}' changes its own source, which is not reversible", xor_key, term));
  if (x.low > high || high >= widths_[x.source] || high - x.low >= widths_[x.target]) {
    throw ConfigError(fmt::format("{}: '{}' does not fit, '{}' has {} bits and '{}' has {}", xor_key, term, field_names[x.target],
                                  widths_[x.target], field_names[x.source], widths_[x.source]));
  }
  x.mask = (std::int64_t{1} << (high - x.low + 1)) - 1;
  xors_.push_back(x);
}

BurstAddress AddressMap::decode(std::int64_t address) const {
  Values values = {};
  for (const Part& part : parts_) values[part.field] |= (address >> part.shift & ((std::int64_t{1} << part.bits) - 1)) << part.low;
  for (const Xor& x : xors_) values[x.target] ^= values[x.source] >> x.low & x.mask;
  return {static_cast<std::int32_t>(values[pseudo_channel] * banks_per_pseudo_channel_ + values[rank] * banks_per_rank_ +
                                    values[bank_group] * banks_per_group_ + values[bank]),
          static_cast<std::int32_t>(values[row]), static_cast<std::int32_t>(values[column])};
}

std::int64_t AddressMap::encode(const BurstAddress& burst) const {
  Values values = {burst.row,    burst.bank % banks_per_rank_ / banks_per_group_,          burst.bank % banks_per_group_,
                   burst.column, burst.bank % banks_per_pseudo_channel_ / banks_per_rank_, burst.bank / banks_per_pseudo_channel_};
  for (auto x = xors_.rbegin(); x != xors_.rend(); ++x) values[x->target] ^= values[x->source] >> x->low & x->mask;
  std::int64_t address = 0;
  for (const Part& part : parts_) address |= (values[part.field] >> part.low & ((std::int64_t{1} << part.bits) - 1)) << part.shift;
  return address;
}

}  // namespace bondsim
