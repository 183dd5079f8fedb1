#pragma once
#include <vector>

#include "models/nmp/tile_loop.hpp"

namespace bondsim {

/// One step the NMP controller takes for an nmp_gemm, in program order.
struct TileStep : TileSpan {
  std::vector<Extent> extents;  ///< bytes that move through the HB ports
};

/// An operand as the fullest bank reads it: its extents one after the other, GEMMs side by side in one of them (`joined`).
class HbOperand {
 public:
  explicit HbOperand(const std::vector<Extent>& extents);
  /// Of the fullest bank.
  std::int64_t bytes() const { return bytes_; }
  std::size_t parts() const { return parts_.size(); }
  /// Bytes [from, to) of it, and the same part of every other bank.
  std::vector<Extent> slice(std::int64_t from, std::int64_t to) const;

 private:
  std::vector<Extent> parts_;
  std::int64_t bytes_ = 0;
};

/// Unpacks an nmp_gemm into steps: its loop nest, with the bytes of each step. Bytes are rounded up to whole HB accesses once per operand.
class TileProgram : public TileLoop {
 public:
  /// @throws InternalError when the tiling does not fit the buffers (the Schedule's validator rejects it earlier).
  TileProgram(const NmpGemm& gemm, const NmpConfig& nmp, bool finite_buffers = true);

  /// Element-wise work of an nmp_vector.
  TileProgram(const VectorWork& work, const NmpGemm& operands, const NmpConfig& nmp);

  TileStep next();

 private:
  const HbOperand& operand_of(const TileSpan& span) const;

  HbOperand input_, stationary_, output_, partials_;
  std::int64_t stationary_bytes_;  ///< of the PE with most columns, padding apart
  std::int64_t access_bytes_;
  bool direct_;
  bool vector_ = false;
};

/// Bytes of all of `extents`.
std::int64_t bytes_of_all(const std::vector<Extent>& extents);

/// Cycles of the PEs' clock that a channel's vector unit takes. @pre it has one
std::int64_t vector_unit_cycles(const VectorWork& work, const NmpConfig& nmp);

}  // namespace bondsim
