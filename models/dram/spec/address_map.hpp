#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "models/dram/spec/extent_cursor.hpp"
#include "models/dram/spec/organization.hpp"

namespace bondsim {

/// How a byte address of a channel is laid out, as configuration gives it.
struct AddressMapConfig {
  /// From the most to the least significant bits above the burst: rank, row, bank_group, bank, column (in bursts), pseudo_channel. A rank
  /// that is not named comes first, a pseudo channel last. `name:bits` is a part of a field, its more significant parts first; a name
  /// without bits is all that is left of the field.
  std::vector<std::string> fields = {"row", "bank", "column", "bank_group"};
  /// Applied in order after the split: `bank ^= column[3:2]`, the lowest bit of both sides aligned.
  std::vector<std::string> xors;
};
template <class Visitor>
void fields(Visitor& v, AddressMapConfig& c) {
  v.field("fields", c.fields,
          defaulted("fields from most to least significant bits: row, bank_group, bank, column, rank (first where it is not named) "
                    "and pseudo_channel (last where it is not named), or parts name:bits"));
  v.field("xor", c.xors, defaulted("terms like 'bank ^= column[3:2]', applied in order"));
}

/// Byte addresses of a channel to bursts and back; a bijection.
class AddressMap {
 public:
  /// @throws ConfigError saying which field or term is wrong and what is allowed.
  AddressMap(const AddressMapConfig& config, const DramOrganization& organization);

  /// @param address in bytes, below the channel's size; bits inside a burst are dropped.
  BurstAddress decode(std::int64_t address) const;
  std::int64_t encode(const BurstAddress& burst) const;

 private:
  enum Field : std::uint8_t { row, bank_group, bank, column, rank, pseudo_channel };
  static constexpr int field_count = 6;
  struct Part {
    Field field;
    int low;  ///< lowest bit of the field it holds
    int bits;
    int shift;  ///< place in the address
  };
  struct Xor {
    Field target;
    Field source;
    int low;
    std::int64_t mask;
  };
  using Values = std::int64_t[field_count];

  static Field field_named(const std::string& name, const std::string& where);
  void add_parts(const AddressMapConfig& config);
  void add_xor(const std::string& term);

  int widths_[field_count] = {0, 0, 0, 0, 0, 0};
  int banks_per_group_ = 0;
  int banks_per_rank_ = 0;
  int banks_per_pseudo_channel_ = 0;
  int burst_bits_ = 0;
  std::vector<Part> parts_;
  std::vector<Xor> xors_;
};

}  // namespace bondsim
