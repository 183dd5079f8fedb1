#pragma once
#include "mapping/search/device/device_dataflow.hpp"
#include "mapping/tiling/tiling_file.hpp"

namespace bondsim::tools {

/// The best dataflow of a question that the mapper takes too. The search knows embedding and LM head, but not padding to rows, inputs and
/// outputs of NMP GEMMs and spilled activations: where memory is short, channels are left a little more free until it fits. @throws
/// InfeasibleError
search::DeviceDataflow find_fitting_dataflow(search::DeviceQuestion question, const TilingOverrides& tiling = {});

}  // namespace bondsim::tools
