#pragma once
#include "mapping/search/dataflow/dataflow.hpp"
#include "models/energy/counts.hpp"

namespace bondsim::search {

/// Actions of one layer's GEMMs under a dataflow: the prefill and all decode steps. On NMP channels: inputs and partial results over the
/// bus, operands through the HB ports, the weight buffer written once and read once for each row of the input. On the NPU: operands over
/// the bus, everything once through the scratchpad. A row of a bank is opened once for each page of bytes. Times are left at 0.
EnergyCounts gemm_counts(const OperatorTable& table, const FoundDataflow& dataflow, const System& system);

}  // namespace bondsim::search
