#include "tools/validation.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "mapping/cost/detailed.hpp"
#include "mapping/emit/single_operator.hpp"
#include "sim/isolate.hpp"
#include "sim/simulate.hpp"
#include "tools/progress.hpp"

namespace bondsim::tools {
namespace {

double bus_gbps(const DramConfig& dram) { return dram.organization.access_bytes() * dram.timing.ck_mhz / (1e3 * dram.timing.n_bl_min); }

void read_buffers(const CsvTable& table, std::size_t row, System& system) {
  const auto set = [&](const char* column, double& value) {
    if (table.has(row, column)) value = table.number(row, column, 0.0625, 1 << 20);
  };
  set("weight_buffer_kib", system.nmp.pe.weight_buffer_kib);
  set("output_buffer_kib", system.nmp.pe.output_buffer_kib);
  set("input_buffer_kib", system.nmp.input_buffer_kib);
  set("dma_chunk_kib", system.npu.dma_chunk_kib);
}

SingleOperator alone(const ValidationRow& row) {
  SingleOperator op;
  op.executor = row.op.on_nmp ? Executor::nmp : Executor::npu;
  for (int c = 0; c < row.system.channels.total(); ++c) op.channels.push_back(c);
  op.shape = row.op.gemm;
  op.bits = cost::bits_of_elements(row.op.element_bytes);
  return op;
}

/// As JSON, to cross from the process that ran it.
nlohmann::json outcome(const ValidationRow& row, const Results& results) {
  TimeParts parts;
  if (row.op.on_nmp) {
    for (const ChannelResult& channel : results.channels) parts.add_scaled(channel.time, 1);
  } else {
    parts = results.npu;
  }
  nlohmann::json out;
  out["latency_s"] = to_seconds(results.total);
  for (const auto& [name, time] : named_parts(parts)) {
    out["parts"].push_back({name, static_cast<double>(time.value) / static_cast<double>(std::max<std::int64_t>(1, parts.sum().value))});
  }
  return out;
}

}  // namespace

ValidationRow validation_row(const System& base, const CsvTable& table, std::size_t row) {
  ValidationRow out;
  out.op = out.machine = cost::operator_of_row(table, row);
  System with_buffers = base;
  read_buffers(table, row, with_buffers);
  try {
    out.system = out.op.on_nmp ? cost::system_of_device(with_buffers, out.op.nmp) : cost::system_of_device(with_buffers, out.op.npu);
    cost::bits_of_elements(out.op.element_bytes);
  } catch (const ConfigError& e) {
    table.error(row, out.op.on_nmp ? "pe_num_per_channel" : "element_size_bytes", e.what());
  }
  out.machine.nmp.channel_bandwidth_gbps = out.machine.npu.channel_bandwidth_gbps = bus_gbps(base.dram);
  out.machine.npu.peak_tmacs = out.system.npu.peak_macs() * 1e-12;
  out.machine.nmp.clock_mhz = out.system.nmp.pe.clock_mhz;
  out.machine.nmp.utilization = 1;
  return out;
}

CycleResult run_cycles(const ValidationRow& row) {
  CycleResult result;
  std::string text;
  try {
    text = run_isolated([&] {
      const auto schedule = single_operator_schedule(row.system, alone(row));
      return outcome(row, simulate(row.system, *schedule)).dump();
    });
  } catch (const InfeasibleError& e) {
    result.infeasible = e.what();
    return result;
  }
  const auto values = nlohmann::json::parse(text);
  result.latency_s = values["latency_s"];
  for (const auto& part : values["parts"]) result.parts.emplace_back(part[0], part[1]);
  const auto longest =
      std::max_element(result.parts.begin(), result.parts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (longest != result.parts.end()) result.dominant = longest->first;
  return result;
}

std::vector<CycleResult> run_cycles(const std::vector<ValidationRow>& rows, int jobs) {
  std::vector<CycleResult> results(rows.size());
  std::atomic<std::size_t> next{0};
  std::size_t done = 0;
  std::mutex shared;
  std::exception_ptr failure;
  ProgressBar bar(static_cast<std::int64_t>(rows.size()));
  const auto work = [&] {
    for (std::size_t i = next++; i < rows.size(); i = next++) {
      try {
        results[i] = run_cycles(rows[i]);
      } catch (...) {
        const std::lock_guard<std::mutex> lock(shared);
        if (!failure) failure = std::current_exception();
        next = rows.size();
      }
      const std::lock_guard<std::mutex> lock(shared);
      bar.show(static_cast<std::int64_t>(++done));
    }
  };
  std::vector<std::thread> threads;
  for (int j = 0; j < jobs; ++j) threads.emplace_back(work);
  for (std::thread& thread : threads) thread.join();
  bar.clear();
  if (failure) std::rethrow_exception(failure);
  return results;
}

}  // namespace bondsim::tools
