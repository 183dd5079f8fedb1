#pragma once
#include "mapping/cost/published/fixed_dataflow.hpp"
#include "models/system/system.hpp"

namespace bondsim::search {

/// A system as the closed forms of a layer see it.
cost::LayerDevice peak_device(const System& system);

/// The same with the HB bandwidth that streams of whole rows sustain: activates, precharges and refresh taken off; for PEs in the DRAM die,
/// whose accesses and MACs alternate, the MACs of a GEMV too. What the balance of a split operator must be made of if it is to hold in
/// cycles.
cost::LayerDevice sustained_device(const System& system);

}  // namespace bondsim::search
