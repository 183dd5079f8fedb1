#include "mapping/llm/graph_file.hpp"
#include "mapping/llm/model.hpp"
#include "mapping/llm/onnx.hpp"
#include "mapping/llm/routing.hpp"
#include "mapping/llm/size.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/support/paths.hpp"

namespace bondsim::fuzz {

void read_hub_model(const std::string& input) {
  const Model model = decode_model(parse_yaml(input, tests::source_dir() + "/tests/data/" + input_name));
  model_size(model);
}

void read_onnx_model(const std::string& input) {
  const GraphFile graph = read_onnx(input, input_name, {});
  model_size(decode_model(parse_yaml(to_text(graph, "fuzzed"), input_name)));
}

void read_routing(const std::string& input) {
  MoeConfig moe;
  moe.experts = 8;
  moe.top_k = 2;
  const MemoryFile file(input);
  moe.trace_file = file.path();
  moe.trace = read_routing_trace("", moe);
  moe.routing = Routing::trace;
  expected_load(moe);
  expert_rows(moe, 3, 1, static_cast<int>(moe.trace->begin()->first[0]));
}

}  // namespace bondsim::fuzz
