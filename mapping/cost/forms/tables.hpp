#pragma once
#include "mapping/cost/cost_model.hpp"
#include "mapping/cost/published/fixed_dataflow.hpp"
#include "models/base/csv_table.hpp"

/// The CSV tables a closed form is asked with. Every other column passes through as it was written.
namespace bondsim::cost {

/// Rows of single operators. Columns: model (NMP or NPU), element_size_bytes, B, M, N, K; NMP: nmp_channels, fpu_num, freq_mhz, pe_bw_gbps,
/// fpu_simd_width, pe_num_per_channel, ext_bw_per_channel_gbps, utilization (1 when left out); NPU: nmp_channels and normal_channels (0
/// when left out) or total_channels, ext_bw_per_channel_gbps, npu_capacity_tmacs. Sets latency_s. @throws ConfigError
void estimate_operators(const CostModel& model, CsvTable& table);

/// A row of single operators, parsed.
struct OperatorRow {
  bool on_nmp = false;
  GemmShape gemm;
  double element_bytes = 0;
  NmpDevice nmp;  ///< on_nmp
  NpuDevice npu;  ///< otherwise
};
OperatorRow operator_of_row(const CsvTable& table, std::size_t row);
double operator_seconds(const CostModel& model, const OperatorRow& row);

/// Rows of whole layers under a fixed dataflow. Columns: fixed_mapping, model (opt, llama, palm), prompt_len, gen_len, batch, nmp_channels,
/// fpu_num, freq_mhz, pe_bw_gbps, utilization (1 when left out). Sets {total,prefill,decode}_latency_s_per_layer. @throws ConfigError
void estimate_fixed_dataflows(const CostModel& model, CsvTable& table);

/// Device and layer of a row of whole layers, or of a search. @throws ConfigError
LayerDevice device_of_row(const CsvTable& table, std::size_t row);
Layer layer_of_row(const CsvTable& table, std::size_t row);
void set_latency(CsvTable& table, std::size_t row, const LayerLatency& latency);

}  // namespace bondsim::cost
