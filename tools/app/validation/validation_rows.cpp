#include "mapping/cost/block_cost.hpp"
#include "mapping/cost/detailed/detailed.hpp"
#include "mapping/emit/single_operator.hpp"
#include "models/system/peaks.hpp"
#include "tools/app/validation/validation.hpp"

/// Single operators from the rows of a table.
namespace bondsim::tools {
namespace {

void read_buffers(const CsvTable& table, std::size_t row, System& system) {
  const auto set = [&](const char* column, double& value) {
    if (table.has(row, column)) value = table.number(row, column, 0.0625, 1 << 20);
  };
  set("weight_buffer_kib", system.nmp.pe.weight_buffer_kib);
  set("output_buffer_kib", system.nmp.pe.output_buffer_kib);
  set("input_buffer_kib", system.nmp.input_buffer_kib);
  set("dma_chunk_kib", system.npu.dma_chunk_kib);
}

SingleOperator alone(const System& system, const cost::OperatorRow& row) {
  SingleOperator op;
  op.executor = row.on_nmp ? Executor::nmp : Executor::npu;
  for (int c = 0; c < system.channel_count(); ++c) op.channels.push_back(c);
  op.shape = row.gemm;
  op.bits = cost::bits_of_elements(row.element_bytes);
  return op;
}

/// The row with the peak and the bus that `system` really has.
cost::OperatorRow as_built(cost::OperatorRow row, const System& system) {
  row.nmp.channel_bandwidth_gbps = row.npu.channel_bandwidth_gbps = bus_gbps(system.dram);
  row.npu.peak_tmacs = system.npu.peak_macs() * 1e-12;
  row.nmp.clock_mhz = system.nmp.pe.clock_mhz;
  row.nmp.utilization = 1;
  return row;
}

ValidationCase case_of_row(const System& base, const CsvTable& table, std::size_t row) {
  const cost::OperatorRow op = cost::operator_of_row(table, row);
  System with_buffers = base;
  read_buffers(table, row, with_buffers);
  ValidationCase c;
  try {
    c.system = std::make_shared<const System>(op.on_nmp ? cost::system_of_device(with_buffers, op.nmp)
                                                        : cost::system_of_device(with_buffers, op.npu));
    cost::bits_of_elements(op.element_bytes);
  } catch (const ConfigError& e) {
    table.error(row, op.on_nmp ? "pe_num_per_channel" : "element_size_bytes", e.what());
  }
  c.kind = op.on_nmp ? "NMP" : "NPU";
  c.operation = fmt::format("{} {} x [{}, {}] x [{}, {}] of {} bytes", c.kind, op.gemm.count, op.gemm.m, op.gemm.k, op.gemm.k, op.gemm.n,
                            op.element_bytes);
  c.on_nmp = op.on_nmp;
  c.schedule = [system = c.system, op] { return single_operator_schedule(*system, alone(*system, op)); };
  // Forms that reproduce a publication get the device as the row says it, others as the machine is.
  c.predicted = [machine = as_built(op, *c.system), op](const cost::CostModel& model) {
    const bool published = std::string(model.name()).rfind("h2llm-", 0) == 0;
    return cost::operator_seconds(model, published ? op : machine);
  };
  return c;
}

}  // namespace

ValidationSet validation_of_rows(const System& base, CsvTable table) {
  ValidationSet set{fmt::format("{} operators alone on {}", table.rows(), base.name), std::move(table), {}};
  for (std::size_t row = 0; row < set.table.rows(); ++row) set.cases.push_back(case_of_row(base, set.table, row));
  return set;
}

}  // namespace bondsim::tools
