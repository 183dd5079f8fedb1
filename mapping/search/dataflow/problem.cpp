#include "mapping/search/dataflow/problem.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "mapping/dataflow/operator_names.hpp"
#include "mapping/llm/graph.hpp"

namespace bondsim::search {
namespace {

std::int64_t prompt_tokens(const Workload& w) {
  std::int64_t sum = 0;
  for (int request = 0; request < w.batch; ++request) sum += w.prompt_of(request);
  return sum;
}

/// Tokens whose scores those of a prompt have in a layer, on average: of a prompt beyond the window their own window's each, else all.
std::int64_t mean_attended(const LayerClass& layers, std::int64_t prompt) {
  if (layers.window == 0 || prompt <= layers.window) return prompt;
  std::int64_t sum = 0;
  for (std::int64_t token = 1; token <= prompt; ++token) sum += layers.reach(token, 1);
  return (sum + prompt - 1) / prompt;
}

/// Turns of the busy experts when `tokens` tokens are routed, those with the same rows together.
std::vector<Turn> expert_turns(const MoeConfig& moe, std::int64_t tokens, GemmShape shape) {
  std::map<std::int64_t, double> by_rows;
  for (const std::int64_t rows : expert_rows(moe, tokens, 0)) {
    if (rows > 0) by_rows[rows] += 1;
  }
  std::vector<Turn> turns;
  for (const auto& [rows, times] : by_rows) {
    shape.m = rows;
    turns.push_back({shape, times});
  }
  return turns;
}

/// A workload whose prompts are cached has no prefill: its turns take no time.
void drop_prefill(const Workload& workload, SearchProblem& problem) {
  if (!workload.prompt_cached) return;
  for (SearchOperator& op : problem.operators) op.prefill_turns = {{op.prefill, 0}};
}

/// Makes operators of a graph's GEMMs.
class OperatorMaker {
 public:
  OperatorMaker(const Model& model, const Workload& workload, DecodeContext context, std::int64_t longest_context)
      : m_(model), w_(workload), context_(context), longest_(std::min(longest_context, model.max_context)) {}

  SearchOperator make(const Operator& op) const {
    SearchOperator out;
    out.name = expert_operator(op.name);
    out.bits = operand_bits(m_, op);
    if (op.kind == OperatorKind::weight_gemm) {
      weights(op, out);
    } else {
      attention(op, out);
    }
    return out;
  }

 private:
  void weights(const Operator& op, SearchOperator& out) const {
    const std::int64_t rows = prompt_tokens(w_);
    out.prefill = {1, rows, op.n, op.k};
    const std::int64_t decode_rows = w_.batch * w_.decode_rows;
    out.decode = {1, decode_rows, op.n, op.k};
    out.stationary_bytes = static_cast<double>(op.n * op.k) * out.bits.stationary / 8;
    if (op.expert < 0) return;
    out.expert = true;
    out.prefill_turns = expert_turns(*m_.moe, rows, out.prefill);
    out.decode_turns = expert_turns(*m_.moe, decode_rows, out.decode);
  }

  /// Scores have the context as columns, values as their depth.
  void attention(const Operator& op, SearchOperator& out) const {
    const HeadShape& h = op.heads;
    const bool scores = op.kind == OperatorKind::score_gemm;
    const auto gemm = [&](std::int64_t heads, std::int64_t tokens, std::int64_t context) {
      if (op.fixed_context > 0) context = op.fixed_context;
      return scores ? GemmShape{heads, tokens * h.queries, context, h.key_dim} : GemmShape{heads, tokens * h.queries, h.value_dim, context};
    };
    std::map<std::int64_t, std::int64_t> requests;  // by prompt length
    double contexts = 0;
    double reserved = 0;
    for (int request = 0; request < w_.batch; ++request) {
      const std::int64_t prompt = w_.prompt_of(request);
      ++requests[prompt];
      contexts += static_cast<double>(prompt + (context_ == DecodeContext::last ? w_.generated_tokens : (w_.generated_tokens + 1) / 2));
      reserved += static_cast<double>(op.fixed_context > 0 ? op.fixed_context : std::max(w_.reserved_tokens(request), longest_));
    }
    const auto classes = m_.classes();
    const bool windows = std::any_of(classes.begin(), classes.end(), [](const LayerClass& c) { return c.window > 0; });
    for (const auto& [prompt, count] : requests) {
      if (!windows) out.prefill_turns.push_back({gemm(count * h.kv_heads, prompt, prompt), 1});
      for (const LayerClass& c : classes) {
        const std::int64_t columns = mean_attended(c, prompt);
        if (windows) out.prefill_turns.push_back({gemm(count * h.kv_heads, prompt, columns), static_cast<double>(c.count) / m_.layers});
      }
    }
    out.prefill = out.prefill_turns.front().shape;
    if (out.prefill_turns.size() == 1) out.prefill_turns.clear();
    out.decode = gemm(w_.batch * h.kv_heads, w_.decode_rows, std::max<std::int64_t>(1, std::llround(contexts / w_.batch)));
    // V that is a part of K has no place of its own; bound elsewhere than K it has, which the plan then counts.
    const std::int64_t columns = op.in_keys ? 0 : h.kv_heads * (scores ? h.key_dim : h.value_dim);
    out.stationary_bytes = reserved * static_cast<double>(columns) * out.bits.stationary / 8;
    // Layers with a window reach less of the context: a turn for each kind of layers, as often as its part of them.
    if (!windows) return;
    const GemmShape whole = out.decode;
    const std::int64_t context = scores ? whole.n : whole.k;
    for (const LayerClass& c : classes) {
      out.decode = gemm(whole.count, w_.decode_rows, c.reach(context, w_.decode_rows));
      out.decode_turns.push_back({out.decode, static_cast<double>(c.count) / m_.layers});
    }
    out.decode = whole;
  }

  const Model& m_;
  const Workload& w_;
  DecodeContext context_;
  std::int64_t longest_;
};

}  // namespace

SearchProblem make_problem(const cost::Layer& layer, const cost::LayerDevice& device, BindingRule rule, const cost::CostModel& model) {
  SearchProblem problem;
  for (const auto& op : layer.operators) {
    problem.operators.push_back({op.name, op.prefill, op.decode, op.stationary_bytes * static_cast<double>(layer.shape.layers)});
  }
  problem.edges = layer.edges;
  problem.generated_tokens = static_cast<double>(layer.request.generated_tokens);
  problem.device = device;
  problem.channel_capacity_bytes = published_channel_bytes;
  problem.rule = rule;
  problem.model = &model;
  return problem;
}

SearchProblem graph_problem(const Model& model, const Workload& workload, DecodeContext context, std::int64_t longest_context) {
  const OperatorGraph layer = layer_graph(model);
  const OperatorMaker maker(model, workload, context, longest_context);
  SearchProblem problem;
  problem.generated_tokens = static_cast<double>(workload.generated_tokens);
  problem.experts = model.moe ? model.moe->experts : 0;
  std::map<std::string, int> index;
  std::map<int, std::int64_t> part_of_layers;
  for (const OperatorId v : level_order(layer)) {
    const Operator& op = layer[v];
    if (!op.is_gemm()) continue;
    const auto [known, is_new] = index.emplace(expert_operator(op.name), static_cast<int>(problem.operators.size()));
    if (is_new) problem.operators.push_back(maker.make(op));
    SearchOperator& merged = problem.operators[static_cast<std::size_t>(known->second)];
    if (!is_new) merged.stationary_bytes += static_cast<double>(op.n * op.k) * merged.bits.stationary / 8;
  }
  for (OperatorId v = 0; v < layer.size(); ++v) {
    if (layer[v].is_gemm() && layer[v].part != LayerPart::every)
      part_of_layers[index.at(expert_operator(layer[v].name))] = layers_with(model, layer[v]);
  }
  for (std::size_t i = 0; i < problem.operators.size(); ++i) {
    SearchOperator& op = problem.operators[i];
    const auto part = part_of_layers.find(static_cast<int>(i));
    op.stationary_bytes *= static_cast<double>(part == part_of_layers.end() ? model.layers : part->second);
    if (part == part_of_layers.end()) continue;
    op.prefill_turns = op.turns_of_prefill();
    op.decode_turns = op.turns_of_decode();
    for (auto* turns : {&op.prefill_turns, &op.decode_turns}) {
      for (Turn& turn : *turns) turn.times *= static_cast<double>(part->second) / model.layers;
    }
  }
  for (const auto& [from, to] : gemm_edges(layer)) {
    const std::pair<int, int> edge{index.at(expert_operator(from)), index.at(expert_operator(to))};
    check(edge.first < edge.second, "{} comes before {}", from, to);
    if (std::find(problem.edges.begin(), problem.edges.end(), edge) == problem.edges.end()) problem.edges.push_back(edge);
  }
  std::sort(problem.edges.begin(), problem.edges.end());
  drop_prefill(workload, problem);
  return problem;
}

SearchProblem head_problem(const Model& model, const Workload& workload) {
  const OperatorGraph head = head_graph(model);
  const OperatorMaker maker(model, workload, DecodeContext::mean, 0);
  SearchProblem problem;
  problem.generated_tokens = static_cast<double>(workload.generated_tokens);
  for (OperatorId v = 0; v < head.size(); ++v) {
    if (!head[v].is_gemm()) continue;
    problem.operators.push_back(maker.make(head[v]));
    problem.operators.back().prefill.m = workload.batch;  // the last token of each prompt
  }
  drop_prefill(workload, problem);
  return problem;
}

}  // namespace bondsim::search
