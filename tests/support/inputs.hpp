#pragma once
#include <cstdint>
#include <random>
#include <string>

#include "mapping/dataflow/dataflow.hpp"
#include "mapping/emit/mapper.hpp"
#include "mapping/llm/model.hpp"
#include "mapping/llm/workload.hpp"
#include "sim/simulate.hpp"
#include "tests/support/shipped_system.hpp"
#include "tools/app/processes/isolate.hpp"

/// Inputs of whole-run tests: shipped files, and random systems and models around them.
namespace bondsim::test {

inline Model shipped_model(const std::string& name) { return decode_model(load_yaml_file(config_path("model/" + name + ".yaml"))); }
inline Workload shipped_workload(const std::string& name) {
  return decode_workload(load_yaml_file(config_path("workload/" + name + ".yaml")));
}
inline Dataflow shipped_dataflow(const std::string& name) {
  return decode_dataflow(load_yaml_file(config_path("dataflow/" + name + ".yaml")));
}

/// One run's inputs.
struct Case {
  System system;
  Model model;
  Workload workload;
  Dataflow dataflow;
};

class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}
  std::int64_t between(std::int64_t lo, std::int64_t hi) {
    return lo + static_cast<std::int64_t>(engine_() % static_cast<std::uint64_t>(hi - lo + 1));
  }
  template <class T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[between(0, static_cast<std::int64_t>(values.size()) - 1)];
  }

 private:
  std::mt19937_64 engine_;
};

/// A small model, a short workload and a system with random channels, PEs, buffers and bandwidths.
inline Case random_case(std::uint64_t seed) {
  Random r(seed);
  Case c{shipped_system("h2llm"), shipped_model("llama-3-8b"), shipped_workload("sharegpt"),
         shipped_dataflow(r.one_of<const char*>({"fc_offloading", "attention_offloading", "npu_only"}))};
  const auto nmp = static_cast<int>(r.between(1, 8));
  c.system.set_channels(nmp, static_cast<int>(r.between(0, 3)));
  c.system.nmp.hb.access_bytes = static_cast<int>(r.one_of({16, 32, 64, 128}));
  c.system.nmp.hb.bandwidth_gbps = c.system.nmp.hb.access_bytes * 0.4;
  c.system.nmp.pe.fpus = static_cast<int>(r.one_of({1, 2, 4, 8}));
  c.system.nmp.pe.clock_mhz = static_cast<int>(r.one_of({400, 600, 800, 1000}));
  c.system.nmp.pe.weight_buffer_kib = r.one_of({8.0, 32.0, 128.0});
  c.system.nmp.pe.output_buffer_kib = r.one_of({1.0, 4.0, 8.0});
  c.system.nmp.pe.double_buffered_weights = r.between(0, 3) != 0;
  c.system.nmp.input_buffer_kib = r.one_of({16.0, 32.0, 128.0});
  c.system.nmp.activate_policy = r.between(0, 2) == 0 ? ActivatePolicy::staggered : ActivatePolicy::all_bank;
  c.system.npu.arrays = static_cast<int>(r.one_of({1, 4, 8}));
  c.system.npu.dma_chunk_kib = r.one_of({64.0, 512.0});
  c.model.layers = static_cast<int>(r.between(1, 4));
  c.model.head_dim = r.one_of({64, 128});
  c.model.kv_heads = r.between(1, 4);
  c.model.query_heads = c.model.kv_heads * r.between(1, 4);
  c.model.hidden = 64 * r.between(2, 16);
  c.model.intermediate = 64 * r.between(2, 32);
  c.model.gated_ffn = r.between(0, 1) == 1;
  c.model.parallel_block = r.between(0, 1) == 1;
  c.model.vocab = 64 * r.between(4, 64);
  c.workload.layers = r.between(0, 1) == 1 ? LayerMode::all : LayerMode::one;
  c.workload.batch = static_cast<int>(r.one_of({1, 2, 4}));
  c.workload.prompt_tokens = r.between(1, 96);
  c.workload.generated_tokens = r.between(1, 4);
  return c;
}

/// Simulates in a child process; `report` picks what is wanted from the results, as text.
template <class Report>
std::string simulate_isolated(const Case& c, const SimulateOptions& options, Report report) {
  return run_isolated([&] {
    const auto schedule = make_schedule(c.system, c.model, c.workload, c.dataflow);
    return report(simulate(c.system, *schedule, options));
  });
}

inline std::string describe(const Case& c) {
  return fmt::format(
      "{} nmp + {} normal channels, HB {} B at {} GB/s, {} FPUs {} MHz, buffers {}/{}/{} KiB, {} hidden, {}, batch {}, {} + {} tokens",
      c.system.nmp_channel_count(), c.system.normal_channels().size(), c.system.nmp.hb.access_bytes, c.system.nmp.hb.bandwidth_gbps,
      c.system.nmp.pe.fpus, c.system.nmp.pe.clock_mhz, c.system.nmp.input_buffer_kib, c.system.nmp.pe.weight_buffer_kib,
      c.system.nmp.pe.output_buffer_kib, c.model.hidden, c.dataflow.name, c.workload.batch, c.workload.prompt_tokens,
      c.workload.generated_tokens);
}

}  // namespace bondsim::test
