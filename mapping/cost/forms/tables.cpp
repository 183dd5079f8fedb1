#include "mapping/cost/forms/tables.hpp"

#include <algorithm>

namespace bondsim::cost {
namespace {

constexpr std::int64_t longest = std::int64_t{1} << 40;
constexpr std::int64_t most_channels = 4096;

std::int64_t integer_or(const CsvTable& table, std::size_t row, const std::string& column, std::int64_t fallback, std::int64_t max) {
  return table.has(row, column) ? table.integer(row, column, 0, max) : fallback;
}

double number_or(const CsvTable& table, std::size_t row, const std::string& column, double fallback, double min, double max) {
  return table.has(row, column) ? table.number(row, column, min, max) : fallback;
}

GemmShape gemm_of_row(const CsvTable& table, std::size_t row) {
  return {table.integer(row, "B", 1, longest), table.integer(row, "M", 1, longest), table.integer(row, "N", 1, longest),
          table.integer(row, "K", 1, longest)};
}

void read_pe(const CsvTable& table, std::size_t row, NmpDevice& device) {
  device.fpus = static_cast<int>(table.integer(row, "fpu_num", 1, 1024));
  device.clock_mhz = table.number(row, "freq_mhz", 1e-3, 1e6);
  device.hb_bandwidth_gbps = table.number(row, "pe_bw_gbps", 1e-6, 1e6);
  device.utilization = number_or(table, row, "utilization", 1, 1e-9, 1);
}

NmpDevice nmp_of_row(const CsvTable& table, std::size_t row) {
  NmpDevice device;
  read_pe(table, row, device);
  device.channels = static_cast<int>(table.integer(row, "nmp_channels", 1, most_channels));
  device.macs_per_fpu = static_cast<int>(table.integer(row, "fpu_simd_width", 1, 4096));
  device.pes_per_channel = static_cast<int>(table.integer(row, "pe_num_per_channel", 1, 4096));
  device.channel_bandwidth_gbps = table.number(row, "ext_bw_per_channel_gbps", 1e-6, 1e6);
  return device;
}

int channels_of_npu_row(const CsvTable& table, std::size_t row) {
  const std::int64_t by_kind =
      integer_or(table, row, "nmp_channels", 0, most_channels) + integer_or(table, row, "normal_channels", 0, most_channels);
  const bool kinds_given = table.has(row, "nmp_channels") || table.has(row, "normal_channels");
  const std::int64_t total = kinds_given ? by_kind : table.integer(row, "total_channels", 1, most_channels);
  if (total < 1) table.error(row, "normal_channels", "0 channels in all, allowed: nmp_channels + normal_channels at least 1");
  if (table.has(row, "total_channels") && table.integer(row, "total_channels", 1, 2 * most_channels) != total) {
    table.error(row, "total_channels",
                fmt::format("{} found, allowed: nmp_channels + normal_channels = {}", table.text(row, "total_channels"), total));
  }
  return static_cast<int>(total);
}

NpuDevice npu_of_row(const CsvTable& table, std::size_t row) {
  NpuDevice device;
  device.channels = channels_of_npu_row(table, row);
  device.channel_bandwidth_gbps = table.number(row, "ext_bw_per_channel_gbps", 1e-6, 1e6);
  device.peak_tmacs = table.number(row, "npu_capacity_tmacs", 1e-6, 1e9);
  return device;
}

}  // namespace

OperatorRow operator_of_row(const CsvTable& table, std::size_t row) {
  const std::string executor = table.text(row, "model");
  if (executor != "NMP" && executor != "NPU") table.error(row, "model", fmt::format("'{}' is not known, allowed: NMP, NPU", executor));
  OperatorRow out;
  out.on_nmp = executor == "NMP";
  if (out.on_nmp) {
    out.nmp = nmp_of_row(table, row);
  } else {
    out.npu = npu_of_row(table, row);
  }
  out.gemm = gemm_of_row(table, row);
  out.element_bytes = table.number(row, "element_size_bytes", 1e-3, 1024);
  return out;
}

double operator_seconds(const CostModel& model, const OperatorRow& row) {
  return row.on_nmp ? model.nmp_seconds(row.gemm, row.element_bytes, row.nmp) : model.npu_seconds(row.gemm, row.element_bytes, row.npu);
}

void estimate_operators(const CostModel& model, CsvTable& table) {
  for (std::size_t row = 0; row < table.rows(); ++row) {
    table.set_number(row, "latency_s", operator_seconds(model, operator_of_row(table, row)));
  }
}

LayerDevice device_of_row(const CsvTable& table, std::size_t row) {
  LayerDevice device;
  device.nmp.channels = static_cast<int>(table.integer(row, "nmp_channels", 0, published_channels));
  device.normal_channels = published_channels - device.nmp.channels;
  read_pe(table, row, device.nmp);
  return device;
}

Layer layer_of_row(const CsvTable& table, std::size_t row) {
  const Request request{table.integer(row, "prompt_len", 1, 1 << 20), table.integer(row, "gen_len", 1, 1 << 20),
                        table.integer(row, "batch", 1, 1 << 20)};
  const std::string model = table.text(row, "model");
  const auto names = published_layer_names();
  if (std::find(names.begin(), names.end(), model) == names.end()) {
    table.error(row, "model", fmt::format("'{}' is not known, allowed: {}", model, fmt::join(names, ", ")));
  }
  return make_layer(published_layer(model), request);
}

void set_latency(CsvTable& table, std::size_t row, const LayerLatency& latency) {
  table.set_number(row, "total_latency_s_per_layer", latency.total_s());
  table.set_number(row, "prefill_latency_s_per_layer", latency.prefill_s);
  table.set_number(row, "decode_latency_s_per_layer", latency.decode_s);
}

void estimate_fixed_dataflows(const CostModel& model, CsvTable& table) {
  const auto names = fixed_dataflow_names();
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const std::string dataflow = table.text(row, "fixed_mapping");
    if (std::find(names.begin(), names.end(), dataflow) == names.end()) {
      table.error(row, "fixed_mapping", fmt::format("'{}' is not known, allowed: {}", dataflow, fmt::join(names, ", ")));
    }
    const LayerDevice device = device_of_row(table, row);
    try {
      set_latency(table, row, fixed_dataflow_latency(model, dataflow, layer_of_row(table, row), device));
    } catch (const InfeasibleError& e) {
      table.error(row, "nmp_channels", fmt::format("{} found: {}", device.nmp.channels, e.what()));
    }
  }
}

}  // namespace bondsim::cost
