#pragma once
#include <cstdint>
#include <string>

#include "models/base/fields.hpp"

namespace bondsim {

/// Shape of one channel. Defaults are none: a DRAM file gives every value.
///
/// Ranks share the command bus and the data bus; each has its own banks, activate window and refresh. Pseudo channels (HBM2 and later,
/// JESD235) share the command bus alone, which then is one bus for commands to rows and one for those to columns; each has its own ranks,
/// data bus, windows and refresh. Banks are numbered through all of them: bank = ((pseudo_channel * ranks + rank) * bank_groups +
/// bank_group) * banks_per_group + bank in the group.
struct DramOrganization {
  int pseudo_channels = 1;
  int ranks = 1;        ///< of a pseudo channel
  int bank_groups = 0;  ///< of a rank
  int banks_per_group = 0;
  std::int64_t rows = 0;      ///< per bank
  int columns = 0;            ///< per row, each of device_width_bits
  int device_width_bits = 0;  ///< DQ of a pseudo channel
  int burst_length = 0;       ///< beats of one RD or WR
  int burst_bytes = 0;        ///< data of them, where beats carry more than data (LPDDR6: 32 of 36 bytes); 0: all of their bits

  int banks_per_rank() const { return bank_groups * banks_per_group; }
  int banks_per_pseudo_channel() const { return ranks * banks_per_rank(); }
  int banks() const { return pseudo_channels * banks_per_pseudo_channel(); }
  int all_ranks() const { return pseudo_channels * ranks; }
  int rank_of(int bank) const { return bank / banks_per_rank(); }  ///< counted through all pseudo channels
  int pseudo_channel_of(int bank) const { return bank / banks_per_pseudo_channel(); }
  int access_bytes() const { return burst_bytes > 0 ? burst_bytes : device_width_bits * burst_length / 8; }
  /// Data of a row: whole bursts.
  int page_bytes() const { return burst_bytes > 0 ? columns / burst_length * burst_bytes : columns * device_width_bits / 8; }
  /// Columns that so many bytes of data take.
  int columns_of(int bytes) const { return bytes * burst_length / access_bytes(); }
  std::int64_t bank_bytes() const { return rows * page_bytes(); }
  std::int64_t channel_bytes() const { return bank_bytes() * banks(); }
};

template <class Visitor>
void fields(Visitor& v, DramOrganization& c) {
  v.field("pseudo_channels", c.pseudo_channels,
          defaulted("pseudo channels on the channel's command bus, each with its own data bus and as many banks (HBM: 2)").range(1, 4));
  v.field("ranks", c.ranks, defaulted("ranks of dies on the buses of a pseudo channel, each with as many banks").range(1, 4));
  v.field("bank_groups", c.bank_groups, required("bank groups of a rank").range(1, 16));
  v.field("banks_per_group", c.banks_per_group, required("banks in a bank group").range(1, 64));
  v.field("rows", c.rows, required("rows of a bank").range(1, 1 << 24));
  v.field("columns", c.columns, required("columns of a row, each device_width_bits wide").range(16, 1 << 16));
  v.field("device_width_bits", c.device_width_bits,
          required("data pins of a pseudo channel; of the channel where it has none").range(4, 1024).in("bit"));
  v.field("burst_length", c.burst_length, required("beats of a RD or WR").range(2, 64));
  v.field("burst_bytes", c.burst_bytes,
          defaulted("data of a RD or WR, where its beats carry metadata besides (LPDDR6: 32); 0: device_width_bits x burst_length / 8")
              .range(0, 512)
              .in("B"));
}

}  // namespace bondsim
