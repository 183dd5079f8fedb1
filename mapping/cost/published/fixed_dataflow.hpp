#pragma once
#include <string>
#include <vector>

#include "mapping/cost/cost_model.hpp"
#include "mapping/cost/published/published_layer.hpp"

namespace bondsim::cost {

/// Seconds of one layer: the prompt, and all generated tokens.
struct LayerLatency {
  double prefill_s = 0;
  double decode_s = 0;
  double total_s() const { return prefill_s + decode_s; }
};

/// A device of the published evaluation: `nmp.channels` NMP channels and `normal_channels` plain ones; `npu.channels` is not used.
struct LayerDevice {
  NmpDevice nmp;
  int normal_channels = 0;
  NpuDevice npu;
};

/// The fixed dataflows of the published evaluation; the operators of a layer run one after the other.
///   npu_only, 2x_npu_only: everything on the NPU, from every channel (2x: an NPU of twice the peak)
///   fc_offloading: prefill, qk and sv on the NPU, the other decode operators on the NMP channels
///   attention_offloading: prefill and weight GEMMs on the NPU, decode qk and sv on the NMP channels
///   attention_offloading_with_ffn_splitting: as the last, and f1, f3, f2 of decode shared by both, side by side
/// Operators on the NPU read from the NMP channels, and from the normal ones too where the NMP channels compute the other kind of operator.
std::vector<std::string> fixed_dataflow_names();

/// @throws ConfigError for an unknown name; InfeasibleError when the dataflow needs channels that the device has not.
LayerLatency fixed_dataflow_latency(const CostModel& model, const std::string& dataflow, const Layer& layer, const LayerDevice& device);

}  // namespace bondsim::cost
