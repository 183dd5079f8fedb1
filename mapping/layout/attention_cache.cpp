#include <algorithm>

#include "mapping/layout/attention.hpp"
#include "mapping/tiling/split.hpp"
#include "models/base/quantity.hpp"

/// Places of the K and V of heads in their banks. A cache is a sequence of groups of tokens, a group a sequence of blocks of elements, a
/// block token by token: the order in which tiles of `group_tokens` columns of K and `block_elements` of the head are read. V, and K that
/// is one block, are one group.
namespace bondsim {
namespace {

std::int64_t blocks_of(const AttentionPlacement& a, const HeadRun& run) { return ceil_div(elements_of_pe(a, run, 0), run.block_elements); }

bool has_whole_tokens(const AttentionPlacement& a) { return a.keys || a.in_keys; }

/// Bytes of a token in a block.
std::int64_t row_bytes(const AttentionPlacement& a, const HeadRun& run, int pe, std::int64_t block) {
  const std::int64_t left = elements_of_pe(a, run, pe) - block * run.block_elements;
  return bytes_of(std::clamp<std::int64_t>(left, 0, run.block_elements), a.bits.stationary);
}

/// Bytes from the begin of a group to block `block` of it; with `block` = blocks_of() to the next group.
std::int64_t block_offset(const AttentionPlacement& a, const HeadRun& run, std::int64_t block, const MemoryMap& memory) {
  std::int64_t sum = 0;
  for (std::int64_t b = 0; b < block; ++b) sum += memory.padded(run.group_tokens * row_bytes(a, run, 0, b));
  return sum;
}

/// Whether a full group of several blocks has bytes of no token in them.
bool has_padded_blocks(const AttentionPlacement& a, const HeadRun& run, const MemoryMap& memory) {
  const std::int64_t blocks = blocks_of(a, run);
  if (blocks == 1) return false;
  std::int64_t rows = 0;
  for (std::int64_t b = 0; b < blocks; ++b) rows += run.group_tokens * row_bytes(a, run, 0, b);
  return block_offset(a, run, blocks, memory) > rows;
}

}  // namespace

PeGroups pes_of(const HeadRun& run) { return {run.channel, run.first_pe, run.gemms, run.pes_per_gemm}; }

std::int64_t elements_of_pe(const AttentionPlacement& a, const HeadRun& run, int pe) {
  return has_whole_tokens(a) ? a.row_elements : even_part(a.head_dim, run.pes_per_gemm, pe, 1).size();
}

std::int64_t tokens_of_pe(const AttentionPlacement& a, const HeadRun& run, int pe, std::int64_t local) {
  return has_whole_tokens(a) ? tokens_of_part(local, run.pes_per_gemm, pe) : local;
}

int k_parts_of(const AttentionPlacement& a, const HeadRun& run) { return a.in_keys ? run.pes_per_gemm : 1; }

std::int64_t cache_bank_bytes(const AttentionPlacement& a, const HeadRun& run, std::int64_t tokens, const MemoryMap& memory) {
  const std::int64_t of_pe = tokens_of_pe(a, run, 0, tokens_of_part(tokens, run.parts, 0));
  return ceil_div(of_pe, std::max<std::int64_t>(1, run.group_tokens)) * block_offset(a, run, blocks_of(a, run), memory);
}

std::vector<Extent> cache_extents(const AttentionPlacement& a, const HeadRun& run, std::int64_t context, const MemoryMap& memory) {
  const std::int64_t local = tokens_of_part(context, run.parts, run.part);
  const std::int64_t blocks = blocks_of(a, run), stride = block_offset(a, run, blocks, memory);
  std::vector<Extent> out;
  const auto add = [&](std::int64_t offset, const std::function<std::int64_t(int)>& bytes) {
    for (const Extent& e : side_by_side(pes_of(run), run.cache + offset, bytes)) out.push_back(e);
  };
  // Only a cache with room for fewer tokens than fill accesses has padded blocks. They are extents of their own: padding lies at the ends.
  const bool padded = a.keys && has_padded_blocks(a, run, memory);
  check(!padded || tokens_of_pe(a, run, 0, local) <= run.group_tokens, "{}: padded groups of {} tokens, {} found", a.name, run.group_tokens,
        local);
  const bool in_groups = blocks > 1 && has_whole_tokens(a) && !padded;
  const std::int64_t full = in_groups ? tokens_of_pe(a, run, run.pes_per_gemm - 1, local) / run.group_tokens : 0;
  const std::int64_t before = full * run.group_tokens;
  // V in K: the blocks that are V, each through all groups. Else groups that all PEs have in full follow one another without a gap.
  if (!a.in_keys) add(0, [&](int) { return full * stride; });
  const std::int64_t wanted = a.in_keys ? a.head_dim / run.block_elements : blocks;
  for (std::int64_t block = 0; block < wanted; ++block) {
    const std::int64_t offset = block_offset(a, run, block, memory);
    for (std::int64_t group = 0; a.in_keys && group < full; ++group)
      add(group * stride + offset, [&](int pe) { return memory.padded(run.group_tokens * row_bytes(a, run, pe, block)); });
    add(full * stride + offset,
        [&](int pe) { return memory.padded((tokens_of_pe(a, run, pe, local) - before) * row_bytes(a, run, pe, block)); });
  }
  return out;
}

std::vector<Extent> append_extents(const AttentionPlacement& a, const HeadRun& run, std::int64_t first, std::int64_t last,
                                   const MemoryMap& memory) {
  const std::int64_t begin = tokens_of_part(first, run.parts, run.part);
  const std::int64_t end = tokens_of_part(last, run.parts, run.part);
  const std::int64_t unit = memory.host_unit();
  const std::int64_t stride = block_offset(a, run, blocks_of(a, run), memory);
  const std::int64_t blocks = a.in_keys ? a.head_dim / run.block_elements : blocks_of(a, run);
  const std::int64_t group = std::max<std::int64_t>(1, run.group_tokens);
  ExtentBuilder out;
  for (std::int64_t g = tokens_of_pe(a, run, run.pes_per_gemm - 1, begin) / group; g * group < tokens_of_pe(a, run, 0, end); ++g) {
    for (std::int64_t block = 0; block < blocks; ++block) {
      for (int i = 0; i < run.gemms * run.pes_per_gemm; ++i) {
        const int pe = i % run.pes_per_gemm;
        const std::int64_t row = row_bytes(a, run, pe, block);
        const std::int64_t from = std::clamp<std::int64_t>(tokens_of_pe(a, run, pe, begin) - g * group, 0, group);
        const std::int64_t to = std::clamp<std::int64_t>(tokens_of_pe(a, run, pe, end) - g * group, 0, group);
        if (to <= from || row == 0) continue;
        const std::int64_t first_byte = from * row / unit * unit;
        out.add(run.channel, run.first_pe + i, run.cache + g * stride + block_offset(a, run, block, memory) + first_byte,
                ceil_div(to * row, unit) * unit - first_byte);
      }
    }
  }
  return out.take();
}

}  // namespace bondsim
