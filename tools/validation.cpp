#include "tools/validation.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mapping/cost/detailed.hpp"
#include "mapping/emit/single_operator.hpp"
#include "models/base/error.hpp"
#include "models/base/worker_pool.hpp"
#include "sim/isolate.hpp"
#include "sim/simulate.hpp"
#include "tools/progress.hpp"

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

/// A row's simulation as the text that crosses from a worker: its outcome, or why there is none.
std::string answer_of(const ValidationRow& row) {
  try {
    return run_isolated([&] {
      const auto schedule = single_operator_schedule(row.system, alone(row));
      return outcome(row, simulate(row.system, *schedule)).dump();
    });
  } catch (const InfeasibleError& e) {
    return nlohmann::json{{"infeasible", e.what()}}.dump();
  } catch (const std::exception& e) {
    return nlohmann::json{{"defect", e.what()}}.dump();
  }
}

CycleResult result_of(const nlohmann::json& values) {
  CycleResult result;
  result.infeasible = values.value("infeasible", "");
  result.latency_s = values.value("latency_s", 0.0);
  for (const auto& part : values.value("parts", nlohmann::json::array())) result.parts.emplace_back(part[0], part[1]);
  const auto longest =
      std::max_element(result.parts.begin(), result.parts.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (longest != result.parts.end()) result.dominant = longest->first;
  return result;
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

std::vector<CycleResult> run_cycles(const std::vector<ValidationRow>& rows, int jobs) {
  // Processes, not threads: a process that has threads must not fork and go on in the child, and every simulation is a fork.
  WorkerPool pool(jobs, 1, [&](const std::string& row) { return answer_of(rows[std::stoul(row)]); });
  std::vector<std::string> tasks;
  for (std::size_t i = 0; i < rows.size(); ++i) tasks.push_back(std::to_string(i));
  std::vector<CycleResult> results(rows.size());
  std::string defect;
  std::int64_t done = 0;
  ProgressBar bar(static_cast<std::int64_t>(rows.size()));
  WorkerPool::Callbacks callbacks;
  callbacks.answered = [&](std::size_t row, const std::string& answer) {
    const auto values = nlohmann::json::parse(answer);
    if (values.contains("defect")) defect = fmt::format("row {}: {}", row + 1, values["defect"].get<std::string>());
    results[row] = result_of(values);
    bar.show(++done);
  };
  callbacks.gave_up = [&](std::size_t row, const std::string& report) { defect = fmt::format("row {}: {}", row + 1, report); };
  callbacks.stop = [&] { return !defect.empty(); };
  pool.run(tasks, callbacks);
  bar.clear();
  if (!defect.empty()) throw InternalError(defect);
  return results;
}

}  // namespace bondsim::tools
