#include "mapping/search/device/device_dataflow.hpp"

#include <algorithm>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/search/dataflow/dataflow_file.hpp"
#include "mapping/search/dataflow/exact_search.hpp"
#include "mapping/search/device/device_view.hpp"
#include "mapping/search/device/gemm_counts.hpp"

namespace bondsim::search {

cost::Layer layer_of(const Model& model, const Workload& workload, std::int64_t longest_context, const std::string& file) {
  const ElementBits& bits = model.bits;
  if (bits.activation != 16 || bits.weight != 16 || bits.kv != 16 || bits.output != 16) {
    throw ConfigError(fmt::format("{}: model.bits: the published roofline's search knows 16 bits for every operand only", file));
  }
  for (int request = 1; request < workload.batch; ++request) {
    if (workload.prompt_of(request) != workload.prompt_of(0)) {
      throw ConfigError(
          fmt::format("{}: workload.prompts: prompts of different lengths, allowed here: one length (make them workloads)", file));
    }
  }
  cost::LayerShape shape;
  shape.model = model.name;
  shape.layers = model.layers;
  shape.hidden = model.hidden;
  shape.intermediate = model.intermediate;
  shape.query_heads = model.query_heads;
  shape.kv_heads = model.kv_heads;
  shape.head_dim = model.head_dim;
  shape.gated_ffn = model.gated_ffn;
  shape.parallel_ffn = model.parallel_block;
  shape.longest_context = std::min(longest_context, model.max_context);
  return cost::make_layer(shape, {workload.prompt_of(0), workload.generated_tokens, workload.batch});
}

double bytes_outside_layers(const Model& model) {
  return 2.0 * static_cast<double>(model.vocab) * static_cast<double>(model.hidden) * model.bits.weight / 8;
}

cost::LayerDevice view_of(const System& system, Bandwidths bandwidths) {
  return bandwidths == Bandwidths::peak ? peak_device(system) : sustained_device(system);
}

DeviceDataflow find_dataflow(const DeviceQuestion& question) {
  const System& system = *question.system;
  const auto model = cost::make_cost_model(question.cost_model, &system);
  cost::LayerDevice device = view_of(system, question.bandwidths);
  device.nmp.utilization = question.utilization;
  SearchProblem problem = make_problem(*question.layer, device, question.rule, *model);
  problem.split_reads_all_channels = question.bandwidths == Bandwidths::peak;
  const auto& organization = system.dram.organization;
  problem.channel_capacity_bytes = static_cast<double>(organization.channel_bytes()) - question.reserved_bytes / system.channels.total();
  const OperatorTable table(problem);
  const SearchResult result = search_exactly(table);
  const std::string comment = fmt::format("Found by bondsim under {}.", question.cost_model);
  return {result.latency, gemm_counts(table, result.dataflow, organization.page_bytes()), to_text(table, result.dataflow),
          to_dataflow_file(table, result.dataflow, "found", comment)};
}

}  // namespace bondsim::search
