#include "mapping/emit/npu_chunks.hpp"

#include <algorithm>
#include <map>

#include "models/base/quantity.hpp"

namespace bondsim {
namespace {

/// Idealised buffers: chunks of 4 KiB, but no more than 1024. Where rows take time, of a row of every bank: less would close rows under the
/// streams beside it, which costs more than it gains.
constexpr std::int64_t fine_bytes = 4096;
constexpr std::int64_t most_fine_chunks = 1024;

}  // namespace

std::int32_t npu_chunks(const System& system, const std::vector<Extent>& stationary) {
  std::map<int, std::int64_t> bytes;
  std::int64_t most = 0;
  for (const Extent& e : stationary) most = std::max(most, bytes[e.channel] += e.bytes());
  std::int64_t chunks = ceil_div(most, static_cast<std::int64_t>(system.npu.dma_chunk_kib * 1024));
  if (!system.fidelity.finite_buffers) {
    const DramOrganization& o = system.dram.organization;
    const std::int64_t fine = system.fidelity.row_timing ? std::int64_t{o.page_bytes()} * o.banks() : fine_bytes;
    chunks = std::max(chunks, std::min(ceil_div(most, fine), most_fine_chunks));
  }
  return static_cast<std::int32_t>(std::max<std::int64_t>(1, chunks));
}

}  // namespace bondsim
