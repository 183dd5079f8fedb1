#pragma once
#include <vector>

#include "models/nmp/tile_loop.hpp"

namespace bondsim {

/// One step the NMP controller takes for an nmp_gemm, in program order.
struct TileStep : TileSpan {
  std::vector<Extent> extents;  ///< what moves through the HB ports
};

/// Unpacks an nmp_gemm into steps: its loop nest, with the bytes of each step. Bytes are rounded up to whole HB accesses once per operand.
class TileProgram : public TileLoop {
 public:
  /// @throws InternalError when the tiling does not fit the buffers (the Schedule's validator rejects it earlier).
  TileProgram(const NmpGemm& gemm, const NmpConfig& nmp, bool finite_buffers = true);

  TileStep next();

 private:
  NmpGemm gemm_;
  std::int64_t access_bytes_;
};

}  // namespace bondsim
