#pragma once
#include <string>

#include "mapping/emit/mapper.hpp"
#include "models/base/config_node.hpp"
#include "models/system/system.hpp"
#include "tests/support/paths.hpp"

/// Shipped inputs for tests of the mapping.
namespace bondsim::testing {

inline std::string config_path(const std::string& path) { return bondsim::tests::source_dir() + "/configs/" + path + ".yaml"; }

/// The device of H2-LLM (ISCA'25, section 7): 8 LPDDR5-6400 channels, 6 of them hybrid-bonded.
inline System h2llm_system(int nmp = 6, int normal = 2) {
  System s;
  s.name = "h2llm";
  s.set_channels(nmp, normal);
  s.dram = decode_document<DramConfig>(load_yaml_file(config_path("dram/lpddr5-6400-32gb")), "dram", "bondsim.dram/1");
  s.nmp.hb = {25.6, 64};
  s.nmp.pe = {8, 16, 600, 32, 4, true};
  s.nmp.input_buffer_kib = 32;
  s.npu.arrays = 8;
  s.npu.array_rows = 128;
  s.npu.array_columns = 128;
  s.npu.clock_mhz = 1000;
  s.npu.vector_units = 8;
  s.npu.vector_lanes = 128;
  s.npu.scratchpad_mib = 128;
  // For the shipped model of 8 bit weights and activations; the shipped device of that name has none.
  s.nmp.formats = s.npu.formats = {{Number::int8, Number::int8, false, 2, Conversion::native, "test"}};
  return s;
}

inline Model model(const std::string& name) { return decode_model(load_yaml_file(config_path("model/" + name))); }
inline Workload workload(const std::string& name) { return decode_workload(load_yaml_file(config_path("workload/" + name))); }
inline Dataflow dataflow(const std::string& name) { return decode_dataflow(load_yaml_file(config_path("dataflow/" + name))); }

inline Workload lengths(int batch, std::int64_t prompt, std::int64_t generated) {
  Workload w;
  w.name = "test";
  w.batch = batch;
  w.prompt_tokens = prompt;
  w.generated_tokens = generated;
  return w;
}

}  // namespace bondsim::testing
