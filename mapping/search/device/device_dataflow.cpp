#include "mapping/search/device/device_dataflow.hpp"

#include <algorithm>
#include <memory>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/dataflow/formats.hpp"
#include "mapping/search/dataflow/exact_search.hpp"
#include "mapping/search/dataflow/machine_form.hpp"
#include "mapping/search/dataflow/written.hpp"
#include "mapping/search/device/device_view.hpp"
#include "mapping/search/device/field_text.hpp"
#include "mapping/search/device/gemm_counts.hpp"

namespace bondsim::search {
namespace {

bool sees_the_machine(const std::string& cost_model) { return cost_model == "detailed"; }

/// Storing ratios that `detailed` is asked for: 128 are tried, a share is then at most half a 128th from the best one.
constexpr std::int64_t detailed_shares = 17;

std::unique_ptr<cost::CostModel> form_of(const DeviceQuestion& question) {
  if (sees_the_machine(question.cost_model)) return std::make_unique<MachineForm>(*question.system);
  return cost::make_cost_model(question.cost_model, question.system);
}

SearchProblem problem_of(const DeviceQuestion& question, const cost::CostModel& form) {
  const System& system = *question.system;
  require_formats(system, *question.model);
  const bool machine = sees_the_machine(question.cost_model);
  SearchProblem problem =
      graph_problem(*question.model, *question.workload, machine ? DecodeContext::mean : DecodeContext::last, question.longest_context);
  if (question.decode_steps > 0) problem.generated_tokens = question.decode_steps;
  problem.device = view_of(system, question.bandwidths);
  problem.device.nmp.utilization = question.utilization;
  problem.nmp_channel_numbers = system.nmp_channels();
  problem.rule = question.rule;
  problem.prefill_counts = question.prefill_counts;
  problem.model = &form;
  problem.split_reads_all_channels = !machine && question.bandwidths == Bandwidths::peak;
  problem.most_shares = machine ? detailed_shares : 0;
  problem.channel_capacity_bytes =
      static_cast<double>(system.dram.organization.channel_bytes()) - question.reserved_bytes / system.channel_count();
  return problem;
}

}  // namespace

cost::Layer layer_of(const Model& model, const Workload& workload, std::int64_t longest_context, const std::string& file) {
  const ElementBits& bits = model.bits;
  for (const OperandFormat* f : {&bits.activation, &bits.weight, &bits.kv, &bits.output}) {
    if (*f == Element(16) && f->by_operator.empty()) continue;
    throw ConfigError(fmt::format("{}: model.bits: the published evaluation knows 16 bits for every operand only", file));
  }
  if (model.moe) throw ConfigError(fmt::format("{}: model.moe: the published evaluation knows one FFN only", file));
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
  const double elements = static_cast<double>(model.vocab) * static_cast<double>(model.hidden);
  return elements * model.bits.weight.of("embedding") / 8 + elements * model.bits.weight.of("lm_head") / 8;
}

cost::LayerDevice view_of(const System& system, Bandwidths bandwidths) {
  return bandwidths == Bandwidths::peak ? peak_device(system) : sustained_device(system);
}

std::string device_key(const System& system, const std::string& cost_model, Bandwidths bandwidths) {
  if (sees_the_machine(cost_model)) {
    std::string groups;
    for (const ChannelGroup& group : system.channels) groups += FieldText::of(group);
    return groups + FieldText::of(system.dram) + FieldText::of(system.controller) + FieldText::of(system.nmp) + FieldText::of(system.npu) +
           FieldText::of(system.fidelity);
  }
  std::string formats;
  for (const MultiplyConfig& m : system.nmp.formats) formats += " pe " + FieldText::of(m);
  for (const MultiplyConfig& m : system.npu.formats) formats += " npu " + FieldText::of(m);
  // The other forms read the view and the formats alone, capacity and actions the two sizes.
  const cost::LayerDevice d = view_of(system, bandwidths);
  return fmt::format("{} {} {} {} {} {:.17g} {:.17g} {:.17g} {:.17g} {} {:.17g} {}", d.nmp.channels, d.normal_channels,
                     d.nmp.pes_per_channel, d.nmp.fpus, d.nmp.macs_per_fpu, d.nmp.clock_mhz, d.nmp.hb_bandwidth_gbps,
                     d.nmp.channel_bandwidth_gbps, d.npu.channel_bandwidth_gbps, system.dram.organization.channel_bytes(), d.npu.peak_tmacs,
                     system.dram.organization.page_bytes()) +
         formats;
}

namespace {

/// The LM head: its rule for a run, and its times and counts where they are asked for.
struct Head {
  OperatorRule rule;
  cost::LayerLatency latency = {};
  EnergyCounts counts = {};
};

/// By a table of its own where the form sees the machine; a roofline's balance would not hold in cycles, its runs balance by bandwidth.
Head head_of(const DeviceQuestion& question, const OperatorTable& table) {
  const bool own_rule = sees_the_machine(question.cost_model) && question.rule != BindingRule::compute_centric;
  Head head{balanced_head_rule(table)};
  if (!own_rule && !question.lm_head) return head;
  SearchProblem problem = head_problem(*question.model, *question.workload);
  const SearchProblem& layer = table.problem();
  problem.generated_tokens = layer.generated_tokens;
  problem.device = layer.device;
  problem.rule = layer.rule;
  problem.model = layer.model;
  problem.split_reads_all_channels = layer.split_reads_all_channels;
  problem.most_shares = layer.most_shares;
  problem.channel_capacity_bytes = layer.channel_capacity_bytes;
  const OperatorTable own(problem);
  if (own_rule) head.rule = best_head_rule(own);
  if (!question.lm_head) return head;
  const FoundDataflow found = {{0, 0, best_head_allotment(own), 0}};
  head.latency = evaluate(own, found);
  head.counts = gemm_counts(own, found, *question.system);
  return head;
}

DeviceDataflow answer(const DeviceQuestion& question, const OperatorTable& table, const SearchResult& result) {
  const Head head = head_of(question, table);
  DeviceDataflow out;
  out.latency = result.latency;
  out.counts = gemm_counts(table, result.dataflow, *question.system);
  out.head = head.latency;
  out.head_counts = head.counts;
  out.text = to_text(table, result.dataflow);
  out.dataflow = written_dataflow(table, result.dataflow, "found", head.rule);
  out.optimal = result.optimal;
  out.found = result.dataflow;
  return out;
}

}  // namespace

DeviceDataflow find_dataflow(const DeviceQuestion& question) {
  const auto own = question.form == nullptr ? form_of(question) : nullptr;
  const OperatorTable table(problem_of(question, own ? *own : *question.form));
  return answer(question, table, search_exactly(table));
}

DeviceDataflow judge_dataflow(const DeviceQuestion& question, const DeviceDataflow& found) {
  const auto own = question.form == nullptr ? form_of(question) : nullptr;
  const OperatorTable table(problem_of(question, own ? *own : *question.form));
  SearchResult result;
  result.dataflow = found.found;
  result.latency = evaluate(table, found.found);
  DeviceDataflow out = answer(question, table, result);
  out.dataflow = found.dataflow;
  return out;
}

}  // namespace bondsim::search
