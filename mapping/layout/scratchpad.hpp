#pragma once
#include <cstdint>
#include <vector>

#include "mapping/layout/memory_map.hpp"
#include "mapping/llm/batch.hpp"
#include "mapping/llm/graph.hpp"
#include "mapping/llm/model.hpp"

namespace bondsim {

/// Bytes of every operator's output in the NPU's scratchpad, by vertex; appends leave none.
/// @param rows rows of an operator's input, by vertex
/// @param scores of score_gemms and what works on them, by vertex; none where attention is fused: its tiles have a room of their own
std::vector<std::int64_t> output_bytes(const OperatorGraph& graph, const Model& model, const std::vector<std::int64_t>& rows,
                                       const std::vector<std::int64_t>& scores);

/// The part of an output that does not fit the scratchpad: written to DRAM beside its operator, read back beside each that needs it.
struct Spill {
  std::int64_t bytes = 0;
  std::int64_t bank_offset = 0;  ///< inside the spill regions, the same in every bank of every channel
};

/// Spills of all outputs when operators run in level order: an output takes what those before it that are still needed leave of `capacity`.
/// Vector work is done in place where its input is not needed any more. An output takes the place of an earlier one in the spill regions
/// when all who need that come before it in the graph.
/// @param most when given, set to the most bytes that are in the scratchpad at once
std::vector<Spill> scratchpad_spills(const OperatorGraph& graph, const std::vector<std::int64_t>& output_bytes, std::int64_t capacity,
                                     const MemoryMap& memory, std::int64_t* most = nullptr);

/// Bytes of every bank that so many spilled bytes take, spread over all channels; whole rows.
std::int64_t spilled_bank_bytes(std::int64_t bytes, const MemoryMap& memory);

/// Bytes of every bank that the spills take.
std::int64_t spill_bank_bytes(const std::vector<Spill>& spills, const MemoryMap& memory);

/// A spill on one of the memory's channels; offsets inside the spill region.
std::vector<Extent> spill_extents(const Spill& spill, int channel, std::int64_t region, const MemoryMap& memory);

/// Scratchpad bytes of the stationary operand: two chunks of every channel's stream.
std::int64_t stream_capacity(const System& system);

/// Scratchpad bytes that activations may take: what the stationary operand and the residual stream leave.
std::int64_t activation_capacity(const System& system, const Model& model, std::int64_t tokens);

}  // namespace bondsim
