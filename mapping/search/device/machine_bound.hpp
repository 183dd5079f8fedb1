#pragma once
#include "mapping/llm/model.hpp"
#include "mapping/llm/workload.hpp"
#include "models/system/system.hpp"

namespace bondsim::search {

/// Seconds that no dataflow of a model on a machine can beat.
struct MachineBound {
  double prefill_s = 0;  ///< all layers and the LM head
  double decode_s = 0;   ///< all generated tokens
  double total_s() const { return prefill_s + decode_s; }
};

/// Decode: every weight and every row of the KV cache that a step needs is read once, by the PEs of the channel that holds it or over its
/// bus, and a channel does one of both at a time. PEs read at what rows sustain (activate, columns, precharge, refresh) and not faster than
/// they multiply; the bus at its peak less refresh. The operands lie where they are read fastest: a fractional assignment of operators to
/// channels, solved exactly; capacity, dependencies, activations and the vector units cost nothing. Prefill: the arrays at their peak, or
/// all weights once over all buses, whichever is longer. Contexts count by their mean: the bound is convex in them.
MachineBound machine_bound(const System& system, const Model& model, const Workload& workload);

}  // namespace bondsim::search
