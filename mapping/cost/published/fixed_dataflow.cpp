#include "mapping/cost/published/fixed_dataflow.hpp"

#include <algorithm>
#include <cmath>

#include "models/base/quantity.hpp"

namespace bondsim::cost {
namespace {

enum class Offload { nothing, weights, attention, attention_and_ffn_share };

struct NamedDataflow {
  const char* name;
  Offload offload;
  double peak_factor;
};

constexpr NamedDataflow dataflows[] = {
    {"npu_only", Offload::nothing, 1},
    {"2x_npu_only", Offload::nothing, 2},
    {"fc_offloading", Offload::weights, 1},
    {"attention_offloading", Offload::attention, 1},
    {"attention_offloading_with_ffn_splitting", Offload::attention_and_ffn_share, 1},
};

class Evaluation {
 public:
  Evaluation(const CostModel& model, const NamedDataflow& dataflow, const LayerDevice& device)
      : model_(model), dataflow_(dataflow), device_(device) {
    const bool needs_nmp = dataflow.offload != Offload::nothing;
    if (needs_nmp && device.nmp.channels < 1)
      throw InfeasibleError(fmt::format("{}: needs NMP channels, the device has none", dataflow.name));
    if (dataflow.offload == Offload::attention_and_ffn_share && device.normal_channels < 1) {
      throw InfeasibleError(fmt::format("{}: needs normal channels, the device has none", dataflow.name));
    }
    device_.npu.peak_tmacs *= dataflow.peak_factor;
  }

  double prefill_seconds(const LayerOperator& op) const { return npu_seconds(op, op.prefill); }

  double decode_seconds(const LayerOperator& op) const {
    const bool on_nmp = op.attention ? dataflow_.offload == Offload::attention || dataflow_.offload == Offload::attention_and_ffn_share
                                     : dataflow_.offload == Offload::weights;
    if (on_nmp) return nmp_seconds(op.decode);
    const bool ffn = op.name[0] == 'f';
    if (ffn && dataflow_.offload == Offload::attention_and_ffn_share) return shared_seconds(op);
    return npu_seconds(op, op.decode);
  }

 private:
  double nmp_seconds(const GemmShape& gemm) const { return model_.nmp_seconds(gemm, published_element_bytes, device_.nmp); }

  /// The normal channels hold operands of the kind of operator that stays on the NPU.
  double npu_seconds(const LayerOperator& op, const GemmShape& gemm) const {
    const bool normal_too = dataflow_.offload == Offload::nothing || op.attention == (dataflow_.offload == Offload::weights);
    NpuDevice npu = device_.npu;
    npu.channels = device_.nmp.channels + (normal_too ? device_.normal_channels : 0);
    return model_.npu_seconds(gemm, published_element_bytes, npu);
  }

  /// The columns of a weight GEMM shared by NPU and NMP channels. r compares the port of one PE, not of all, with a normal channel: as
  /// published.
  double shared_seconds(const LayerOperator& op) const {
    const auto r = static_cast<std::int64_t>(
        std::floor(device_.nmp.channels * device_.nmp.hb_bandwidth_gbps / (device_.normal_channels * device_.npu.channel_bandwidth_gbps)));
    const std::int64_t n = op.decode.n;
    GemmShape on_npu = op.decode, on_nmp = on_npu;
    if (model_.split_shares() == SplitShares::published) {
      on_npu.n = ceil_div(n * r, r + 1);
      on_nmp.n = ceil_div(n, r + 1);
    } else {
      on_nmp.n = ceil_div(n * r, r + 1);
      on_npu.n = n - on_nmp.n;
    }
    return std::max(on_npu.n > 0 ? npu_seconds(op, on_npu) : 0.0, on_nmp.n > 0 ? nmp_seconds(on_nmp) : 0.0);
  }

  const CostModel& model_;
  const NamedDataflow& dataflow_;
  LayerDevice device_;
};

}  // namespace

std::vector<std::string> fixed_dataflow_names() {
  std::vector<std::string> names;
  for (const auto& dataflow : dataflows) names.emplace_back(dataflow.name);
  return names;
}

LayerLatency fixed_dataflow_latency(const CostModel& model, const std::string& dataflow, const Layer& layer, const LayerDevice& device) {
  for (const auto& candidate : dataflows) {
    if (dataflow != candidate.name) continue;
    const Evaluation evaluation(model, candidate, device);
    LayerLatency latency;
    for (const auto& op : layer.operators) {
      latency.prefill_s += evaluation.prefill_seconds(op);
      latency.decode_s += evaluation.decode_seconds(op);
    }
    latency.decode_s *= static_cast<double>(layer.request.generated_tokens);
    return latency;
  }
  throw ConfigError(fmt::format("fixed_mapping: '{}' is not known, allowed: {}", dataflow, fmt::join(fixed_dataflow_names(), ", ")));
}

}  // namespace bondsim::cost
