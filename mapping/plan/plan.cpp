#include "mapping/plan/plan.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "mapping/dataflow/formats.hpp"
#include "mapping/llm/routing.hpp"
#include "mapping/plan/block_time.hpp"
#include "models/base/quantity.hpp"

namespace bondsim {
namespace {

std::set<OperatorId> inputs_of(const OperatorGraph& graph, OperatorId v) { return {graph.inputs(v).begin(), graph.inputs(v).end()}; }

bool shares_input(const OperatorGraph& graph, const ResolvedDataflow& dataflow, OperatorId a, OperatorId b) {
  const Binding& left = dataflow.binding(graph[a].name);
  const Binding& right = dataflow.binding(graph[b].name);
  return left.executor == right.executor && left.nmp_share == right.nmp_share && left.nmp_channels == right.nmp_channels &&
         graph[a].expert == graph[b].expert && graph[a].part == graph[b].part && inputs_of(graph, a) == inputs_of(graph, b);
}

/// Weight GEMMs of the graph, those that share an input and channels together.
std::vector<std::vector<OperatorId>> weight_groups(const OperatorGraph& graph, const ResolvedDataflow& dataflow) {
  std::vector<std::vector<OperatorId>> groups;
  for (const OperatorId v : level_order(graph)) {
    if (graph[v].kind != OperatorKind::weight_gemm) continue;
    const auto home = std::find_if(groups.begin(), groups.end(),
                                   [&](const std::vector<OperatorId>& g) { return shares_input(graph, dataflow, g.front(), v); });
    if (home != groups.end()) {
      home->push_back(v);
    } else {
      groups.push_back({v});
    }
  }
  return groups;
}

void place_graph_weights(Plan& plan, const OperatorGraph& graph, Space space, const PlanContext& context) {
  for (const auto& members : weight_groups(graph, plan.dataflow)) {
    WeightGroup group;
    group.space = space;
    group.binding = plan.dataflow.binding(graph[members.front()].name);
    std::vector<std::string> names;
    for (const OperatorId v : members) {
      group.operators.push_back(&graph[v]);
      names.push_back(graph[v].name);
    }
    // What only some layers have of two kinds lies once for each of them behind the layers' frames; all of these run as the first does.
    const std::int64_t copies = space == Space::layer && graph[members.front()].part == LayerPart::dense ? plan.model.dense_layers() : 1;
    if (graph[members.front()].part == LayerPart::dense) group.space = Space::shared;
    for (std::int64_t i = 1; i < copies; ++i) place_weights(context, group, plan.memory);
    for (WeightPlacement& w : place_weights(context, group, plan.memory)) {
      plan.weight_group[w.op.name] = names;
      const std::string name = w.op.name;
      plan.weights.emplace(name, std::move(w));
    }
  }
}

/// @param own the table lies where the LM head does
void place_embedding(Plan& plan, bool own) {
  const std::vector<std::string> heads = gemm_names(plan.head);
  if (own && !heads.empty()) {
    plan.embedding.channels = plan.dataflow.binding(heads.back()).all_channels();
  } else {
    plan.embedding.channels.resize(static_cast<std::size_t>(plan.memory.channels()));
    std::iota(plan.embedding.channels.begin(), plan.embedding.channels.end(), 0);
  }
  const auto channels = static_cast<int>(plan.embedding.channels.size());
  plan.embedding.rows = plan.model.vocab;
  plan.embedding.units_per_row = ceil_div(bytes_of(plan.model.hidden, plan.model.bits.weight.of("embedding")), plan.memory.host_unit());
  for (int c = 0; c < channels; ++c) {
    const std::int64_t units = tokens_of_part(plan.model.vocab, channels, c) * plan.embedding.units_per_row;
    const std::int64_t bank_bytes = ceil_div<std::int64_t>(units, plan.memory.banks()) * plan.memory.host_unit();
    plan.embedding.offsets.push_back(
        plan.memory.reserve(plan.embedding.channels[static_cast<std::size_t>(c)], Space::shared, bank_bytes, Holding::weights));
  }
}

/// Of requests that come and go, prompts of the largest step, each over the longest context.
Batch largest_step(const Workload& w) {
  Batch batch;
  std::int64_t left = w.step_tokens;
  for (int r = 0; left > 0 && r < w.batch; ++r) {
    const std::int64_t context = w.reserved_tokens(r);
    batch.requests.push_back({r, Phase::prefill, std::min(left, context), context, 1});
    left -= batch.requests.back().tokens;
  }
  return batch;
}

/// Time that each expert is expected to take in a decode step, relative to reading its weights: it reads them when any token goes to it,
/// and its MACs take longer from the rows on at which PEs and ports are balanced. Empty without experts.
std::vector<double> expert_work(const System& system, const Model& model, const Workload& workload) {
  if (!model.moe) return {};
  std::vector<double> work = expert_chances(*model.moe);
  const PeConfig& pe = system.nmp.pe;
  const double macs_per_s = static_cast<double>(pe.fpus) * pe.macs_per_fpu * pe.clock_mhz * 1e6;
  const double weights_per_s = system.nmp.hb.bandwidth_gbps * 8e9 / model.bits.weight.of("e0.f1").bits();
  for (double& w : work) {
    const double chance = w;
    const double rows = chance * workload.batch;
    w = std::max(1 - std::pow(1 - chance, workload.batch), rows * weights_per_s / macs_per_s);
  }
  return work;
}

/// The workload as caches see it: where no layer attends to more than a window, tokens beyond it and the prompt take the places of older
/// ones.
Workload within_reach(const Model& model, Workload workload) {
  if (workload.step_tokens > 0) return workload;  // pages are not taken back
  std::int64_t window = 0;
  for (const LayerClass& c : model.classes()) {
    if (c.window == 0) return workload;
    window = std::max(window, c.window);
  }
  std::int64_t generated = 0;
  for (int r = 0; r < workload.batch; ++r) generated = std::max(generated, window - workload.prompt_of(r));
  workload.generated_tokens = std::min(workload.generated_tokens, generated);
  workload.kv_capacity_tokens = std::min(workload.kv_capacity_tokens, window);
  return workload;
}

/// Layers whose spills may differ: the first of each class, or all of them where routing differs by layer and step.
std::vector<int> spilling_layers(const Plan& plan) {
  std::vector<int> layers;
  for (const LayerClass& c : plan.model.classes()) layers.push_back(c.first);
  if (plan.model.moe && plan.model.moe->by_layer() && plan.workload.layers == LayerMode::all) {
    layers.resize(static_cast<std::size_t>(plan.model.layers));
    std::iota(layers.begin(), layers.end(), 0);
  }
  return layers;
}

/// Chooses the blocks of the prefill, and reserves what they and the steps of decode spill.
void plan_prefill(Plan& plan) {
  const bool apart = plan.workload.step_tokens > 0;
  const Batch prompts = apart ? largest_step(plan.workload) : lockstep_batch(plan.workload, 0);
  std::int64_t most = 0;
  bool sliced = false;
  for (const int layer : spilling_layers(plan)) {
    std::vector<TokenBlock> blocks;
    if (!plan.workload.prompt_cached) blocks = token_blocks(plan, prompts, layer);
    most = std::max(most, spill_bank_bytes(blocks, plan.memory));
    sliced = sliced || (!blocks.empty() && blocks.front().sliced_ffn);
    // Steps of requests that come and go have fewer tokens, over other contexts: each of them may be taken at once.
    if (apart) most = std::max(most, spill_bank_bytes({one_block(plan, prompts, layer)}, plan.memory));
    if (plan.prefill.empty()) plan.prefill = std::move(blocks);
    for (int step = 1; !apart && step <= static_cast<int>(plan.workload.generated_tokens); ++step)
      most = std::max(most, spill_bank_bytes({one_block(plan, widest_batch(plan.workload, step), layer)}, plan.memory));
  }
  plan.sliceable_ffn = sliced;
  plan.spill_bank_bytes = most;
  if (most == 0) return;
  for (int c = 0; c < plan.memory.channels(); ++c) plan.spill_regions.push_back(plan.memory.reserve(c, Space::shared, most));
}

/// Whether one cache serves both: the same channels hold K and V for the same executor.
bool shares_cache(const Binding& a, const Binding& b) {
  return a.executor == b.executor && a.nmp_channels == b.nmp_channels && a.normal_channels == b.normal_channels &&
         a.nmp_share == b.nmp_share;
}

/// Frames for the pages of these caches, and room for those that are swapped.
void place_pages(Plan& plan, const std::vector<const AttentionPlacement*>& caches) {
  const auto classes = plan.model.classes();
  const bool windows = std::any_of(classes.begin(), classes.end(), [](const LayerClass& c) { return c.window > 0; });
  if (windows && plan.workload.shared_tokens > 0) {
    throw ConfigError(fmt::format("serving.kv.prefix_reuse: true with {}, whose layers overwrite tokens beyond a window; allowed: false",
                                  plan.model.name));
  }
  plan.kv_table = std::make_shared<KvTable>(caches, plan.workload, plan.memory);
  if (plan.workload.swap_pages == 0) return;
  plan.kv_swap = std::make_shared<KvSwap>(plan.kv_table->token_bytes(), plan.workload, plan.system.normal_channels(), plan.memory);
}

/// Places the caches of all attentions of a layer; scores come before the values that need them.
void place_caches(Plan& plan, const PlanContext& context) {
  const Workload workload = within_reach(plan.model, plan.workload);
  const auto binding = [&](OperatorId v) { return plan.dataflow.binding(plan.layer[v].name); };
  std::map<OperatorId, OperatorId> in_keys;  // by score_gemm: the value_gemm whose V is a part of its K
  for (OperatorId v = 0; v < plan.layer.size(); ++v) {
    if (plan.layer[v].in_keys && shares_cache(binding(v), binding(scores_of(plan.layer, v)))) in_keys[scores_of(plan.layer, v)] = v;
  }
  std::vector<const AttentionPlacement*> growing;
  for (OperatorId v = 0; v < plan.layer.size(); ++v) {
    const Operator& op = plan.layer[v];
    if (plan.attention.count(op.name) > 0 || (op.kind != OperatorKind::score_gemm && op.kind != OperatorKind::value_gemm)) continue;
    const auto values = in_keys.find(v);
    const std::int64_t value_elements = values == in_keys.end() ? 0 : op.heads.value_dim;
    const auto placed = plan.attention.emplace(op.name, place_attention(context, workload, binding(v), op, value_elements, plan.memory));
    if (op.fixed_context == 0) growing.push_back(&placed.first->second);
    if (values == in_keys.end()) continue;
    const Operator& sv = plan.layer[values->second];
    plan.attention.emplace(sv.name, place_values_in_keys(context, workload, placed.first->second, sv, plan.memory));
  }
  if (plan.workload.page_tokens == 0) return;
  if (growing.empty() || growing.size() + in_keys.size() < plan.attention.size())
    throw ConfigError(fmt::format("model {}: {}, allowed with pages of K and V: attention whose contexts grow", plan.model.name,
                                  growing.empty() ? "no attention" : "a context that does not grow"));
  place_pages(plan, growing);
}

/// Tiles go from the scores through one softmax to the values: nothing else may stand between them, or take what they have.
void require_fusable(const Plan& plan) {
  if (!plan.system.npu.fused_attention || plan.workload.prompt_cached) return;
  const OperatorGraph& g = plan.layer;
  const auto feeds_only = [&](OperatorId v, OperatorKind kind) { return g.users(v).size() == 1 && g[g.users(v).front()].kind == kind; };
  for (OperatorId v = 0; v < g.size(); ++v) {
    if (g[v].kind != OperatorKind::score_gemm) continue;
    if (feeds_only(v, OperatorKind::vector) && feeds_only(g.users(v).front(), OperatorKind::value_gemm)) continue;
    throw ConfigError(
        fmt::format("system.npu.fused_attention: true with model {}, whose {} feeds more than one softmax and its values; allowed: false",
                    plan.model.name, g[v].name));
  }
}

const char* executor_name(const Plan& plan, const Operator& op, Phase phase) {
  if (op.kind == OperatorKind::vector) return phase == Phase::decode && plan.vectors.count(op.name) > 0 ? "nmp" : "vector";
  const bool head_as_decode = op.name == "lm_head" && plan.dataflow.prefill_head() == PrefillHead::as_decode;
  if (!op.is_gemm() || (phase == Phase::prefill && !head_as_decode)) return "npu";
  switch (plan.dataflow.binding(op.name).executor) {
    case Executor::npu:
      return "npu";
    case Executor::nmp:
      return op.expert >= 0 && plan.dataflow.experts_by_rows() ? "nmp+npu" : "nmp";
    case Executor::split:
      return "nmp+npu";
  }
  return "npu";
}

void register_operator(Plan& plan, const std::string& name, Phase phase, const std::string& executor) {
  plan.operator_ids[{name, phase}] = static_cast<int>(plan.header.operators.size());
  plan.header.operators.push_back({name, phase, executor});
}

void fill_header(Plan& plan) {
  plan.header.model = plan.model.name;
  plan.header.dataflow = plan.dataflow.name();
  plan.header.channels = plan.system.channel_names();
  plan.header.batch = plan.workload.batch;
  plan.header.layers = plan.model.layers;
  plan.header.first_step = plan.workload.prompt_cached ? 1 : 0;
  plan.header.steps = static_cast<int>(plan.workload.generated_tokens);
  plan.header.prompt_tokens = static_cast<int>(plan.workload.prompt_of(0));
  plan.header.all_layers = plan.workload.layers == LayerMode::all;
  if (plan.kv_swap) {
    for (const char* name : {"swap_out", "swap_in"}) register_operator(plan, name, Phase::decode, "npu");
  }
  for (const Phase phase : {Phase::prefill, Phase::decode}) {
    register_operator(plan, "embedding", phase, "vector");
    for (const OperatorGraph* graph : {&plan.layer, &plan.head}) {
      const OperatorGraph& g = *graph;
      for (const OperatorId v : level_order(g)) register_operator(plan, g[v].name, phase, executor_name(plan, g[v], phase));
      for (const auto& [source, target] : g.edges()) {
        const OperatorKind from = g[source].kind, to = g[target].kind;
        // Fused, attention goes tile by tile: a tile's values do not wait for the scores of all others.
        const bool tiled = plan.system.npu.fused_attention && phase == Phase::prefill &&
                           (from == OperatorKind::score_gemm || to == OperatorKind::value_gemm) &&
                           (from == OperatorKind::vector || to == OperatorKind::vector);
        // By slices of columns, so does the activation of an FFN.
        const bool sliced = plan.sliceable_ffn && phase == Phase::prefill && is_sliced(g, source);
        // Beside the banks a channel goes on with what it has itself.
        const bool local = phase == Phase::decode && (plan.taken_by(g[source].name) != nullptr || plan.left_by(g[target].name) != nullptr);
        // With overlap heads go on one by one: the values of some do not wait for the scores of others.
        const bool streamed = plan.dataflow.attention_overlap() && phase == Phase::decode &&
                              ((from == OperatorKind::score_gemm && to == OperatorKind::vector) ||
                               (from == OperatorKind::vector && to == OperatorKind::value_gemm));
        if (tiled || sliced || local || streamed) continue;
        plan.header.edges.emplace_back(plan.operator_index(g[source].name, phase), plan.operator_index(g[target].name, phase));
      }
    }
  }
}

}  // namespace

const VectorPlacement* Plan::taken_by(const std::string& gemm) const {
  for (const auto& entry : vectors) {
    const std::vector<std::string>& from = entry.second.from;
    if (std::find(from.begin(), from.end(), gemm) != from.end()) return &entry.second;
  }
  return nullptr;
}

const VectorPlacement* Plan::left_by(const std::string& gemm) const {
  for (const auto& entry : vectors) {
    if (entry.second.into == gemm) return &entry.second;
  }
  return nullptr;
}

int Plan::operator_index(const std::string& name, Phase phase) const { return operator_ids.at({name, phase}); }

Plan make_plan(const System& system, const Model& model, const Workload& workload, const Dataflow& dataflow, const TilingOverrides& tiling,
               const PlanBeside& beside) {
  require_context_fits(model, workload);
  require_formats(system, model);
  Plan plan{system,
            model,
            workload,
            {},
            layer_graph(model),
            head_graph(model),
            MemoryMap(system, model.layers, beside.before),
            {},
            {},
            {},
            {},
            true,
            {},
            {},
            {},
            {},
            {},
            {},
            {},
            {}};
  plan.dataflow = resolve(dataflow, system, plan.layer, plan.head, expert_work(system, model, workload));
  require_fusable(plan);

  const PlanContext context{
      plan.system, plan.model, plan.dataflow.split(), workload.batch * workload.decode_rows, &tiling, plan.dataflow.prefill_copies()};
  place_graph_weights(plan, plan.layer, Space::layer, context);
  place_caches(plan, context);
  place_graph_weights(plan, plan.head, Space::shared, context);
  plan.vectors = place_vectors(plan);
  if (beside.embedding) place_embedding(plan, beside.before != nullptr);
  plan_prefill(plan);
  tiling.require_known([&](const std::string& name) { return plan.weights.count(name) > 0; });
  plan.memory.require_capacity();
  fill_header(plan);
  return plan;
}

}  // namespace bondsim
