#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "models/base/error.hpp"
#include "models/schedule/extent.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// Collects bytes bank by bank and merges neighbours that an Extent can say at once.
class ExtentBuilder {
 public:
  /// Nothing is added for zero bytes.
  void add(int channel, int bank, std::int64_t bank_offset, std::int64_t bytes);
  std::vector<Extent> take() { return std::move(extents_); }

 private:
  std::vector<Extent> extents_;
};

/// PEs of GEMMs side by side in a channel: `groups` GEMMs on `banks` neighbouring PEs (= banks) each, from `first_pe` on.
struct PeGroups {
  int channel = 0;
  int first_pe = 0;
  int groups = 1;
  int banks = 1;
};

/// The bytes of such GEMMs as one extent, which the HB ports move in all banks at once; none when all is empty.
/// @param bytes of the i-th bank of a group: those of the first, falling once at most
std::vector<Extent> side_by_side(const PeGroups& pes, std::int64_t bank_offset, const std::function<std::int64_t(int)>& bytes);

/// The extent as extents whose banks hold equally much.
std::vector<Extent> even_extents(const Extent& extent);

/// The part [first, last) of `whole` equal parts of what each bank holds of an extent, in whole `unit`s; neighbours may share one.
std::vector<Extent> part_of_banks(const Extent& extent, std::int64_t first, std::int64_t last, std::int64_t whole, std::int64_t unit);

/// Which part of a bank a tensor lies in.
enum class Space {
  layer,  ///< once a layer: weights, KV
  shared  ///< once: embedding, LM head, inputs and outputs of NMP GEMMs
};

/// For what a region of memory is reserved.
enum class Holding { weights, kv, buffers };

/// The model does not fit the memory of a channel; with less to hold it may.
class CapacityError : public InfeasibleError {
 public:
  /// @param memory what every channel would hold: MemoryMap::text()
  CapacityError(const std::string& what, std::string memory) : InfeasibleError(what), memory_(std::move(memory)) {}
  const std::string& memory() const { return memory_; }

 private:
  std::string memory_;
};

/// Hands out row-aligned regions of the channels' banks; a region takes the same bytes in every bank of its channel.
/// Layer frames lie one after the other from byte 0 of a bank on, the shared space follows. Addresses are known once everything is
/// reserved.
class MemoryMap {
 public:
  /// @param before what lies in the banks before all of this: another model; null: nothing
  MemoryMap(const System& system, int layers, const MemoryMap* before = nullptr);

  /// Offset inside the space.
  std::int64_t reserve(int channel, Space space, std::int64_t bytes_per_bank, Holding holding = Holding::buffers);

  /// The next so many bytes of every bank of a row of numbered bytes, whole rows: caches in pages, whose bytes KvTable lays into frames.
  std::int64_t number_bytes(int channel, std::int64_t bytes_per_bank);

  /// Bank offset of a reserved region.
  std::int64_t address(int channel, Space space, std::int64_t offset, int layer) const;
  std::vector<Extent> place(std::vector<Extent> extents, Space space, int layer) const;

  /// @throws CapacityError naming the fullest channel, the bytes needed and there, and what needs them.
  void require_capacity() const;
  /// A line a channel: what it holds for whom, and how much there is.
  std::string text() const;

  std::int64_t bytes_per_bank(int channel) const;  ///< in use, all layers, with what lies before
  /// The part of it for `holding`, as the widest bank needs it, all layers; what all parts leave is padding to whole rows.
  std::int64_t held_per_bank(int channel, Holding holding) const;
  std::int64_t bank_bytes(int channel) const { return bank_bytes_[static_cast<std::size_t>(channel)]; }
  int banks() const { return banks_; }
  int channels() const { return static_cast<int>(layer_bytes_.size()); }

  /// Bytes of one host access, and of the unit that is whole for host and HB port alike.
  std::int64_t host_unit() const { return host_unit_; }
  std::int64_t both_unit() const { return both_unit_; }
  std::int64_t padded(std::int64_t bytes) const { return (bytes + both_unit_ - 1) / both_unit_ * both_unit_; }

  std::int64_t page_aligned(std::int64_t bytes) const { return (bytes + page_bytes_ - 1) / page_bytes_ * page_bytes_; }

  /// `bytes` laid over all banks of the channel as evenly as whole `unit`s allow, from `offset` on.
  std::vector<Extent> spread(int channel, std::int64_t offset, std::int64_t bytes, std::int64_t unit) const;
  /// Bytes spread() takes in its fullest bank.
  std::int64_t spread_bank_bytes(std::int64_t bytes, std::int64_t unit) const;
  /// Units [first, last) of a region whose unit j lies in bank j mod banks, in row j / banks of units.
  void stripe(ExtentBuilder& out, int channel, std::int64_t offset, std::int64_t first, std::int64_t last) const;

 private:
  int layers_ = 0;
  int banks_ = 0;
  std::int64_t page_bytes_ = 0;
  std::int64_t host_unit_ = 0;
  std::int64_t both_unit_ = 0;
  std::vector<std::int64_t> bank_bytes_;  ///< by channel, like the next four
  std::vector<std::int64_t> before_bytes_;
  std::vector<std::int64_t> layer_bytes_;
  std::vector<std::int64_t> shared_bytes_;
  std::vector<std::int64_t> numbered_bytes_;
  std::vector<std::array<std::int64_t, 3>> held_;  ///< by channel and Holding
};

}  // namespace bondsim
