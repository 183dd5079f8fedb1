#include "mapping/dataflow/formats.hpp"

#include "mapping/llm/graph.hpp"

namespace bondsim {
namespace {

void require_pair(const std::vector<MultiplyConfig>& formats, const char* section, const std::string& op, const OperandBits& bits) {
  if (multiplication(formats, bits.activation, bits.stationary)) return;
  throw ConfigError(fmt::format("model.bits: {}: {} x {} elements, system.{}.formats does not say how they are multiplied, allowed: {}", op,
                                enum_name(bits.activation.number), enum_name(bits.stationary.number), section, pairs_text(formats)));
}

}  // namespace

void require_formats(const System& system, const Model& model) {
  for (const OperatorGraph& graph : {layer_graph(model), head_graph(model)}) {
    for (OperatorId v = 0; v < graph.size(); ++v) {
      if (!graph[v].is_gemm()) continue;
      const OperandBits bits = operand_bits(model, graph[v]);
      require_pair(system.npu.formats, "npu", graph[v].name, bits);
      for (const int channel : system.nmp_channels()) require_pair(system.nmp_of(channel).formats, "nmp", graph[v].name, bits);
    }
  }
}

}  // namespace bondsim
