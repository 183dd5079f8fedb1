#include "mapping/cost/published/published_layer.hpp"

#include <algorithm>

namespace bondsim::cost {
namespace {

const std::vector<LayerShape>& shapes() {
  static const std::vector<LayerShape> list = {
      {"opt", 32, 4096, 16384, 32, 32, 128, false, false},
      {"llama", 32, 4096, 14336, 32, 8, 128, true, false},
      {"palm", 32, 4096, 16384, 16, 1, 256, true, true},
  };
  return list;
}

/// Adds operators in an order in which edges go forward, and the edges by name.
class LayerBuilder {
 public:
  LayerBuilder(const LayerShape& shape, const Request& request) {
    layer_.shape = shape;
    layer_.request = request;
  }

  void weight(const std::string& name, std::int64_t n, std::int64_t k, const std::vector<std::string>& inputs) {
    const Request& r = layer_.request;
    LayerOperator op;
    op.name = name;
    op.prefill = {1, r.batch * r.prompt_tokens, n, k};
    op.decode = {1, r.batch, n, k};
    op.stationary_bytes = published_element_bytes * static_cast<double>(n * k);
    add(op, inputs);
  }

  /// One of the two attention products; `over_context` says whether the context is N (qk) or K (sv).
  void attention(const std::string& name, bool context_is_n, const std::vector<std::string>& inputs) {
    const LayerShape& s = layer_.shape;
    const Request& r = layer_.request;
    const std::int64_t head = s.head_dim;
    const std::int64_t group = s.query_heads / s.kv_heads;
    const auto gemm = [&](std::int64_t tokens, std::int64_t context) {
      return GemmShape{r.batch * s.kv_heads, tokens * group, context_is_n ? context : head, context_is_n ? head : context};
    };
    LayerOperator op;
    op.name = name;
    op.attention = true;
    op.prefill = gemm(r.prompt_tokens, r.prompt_tokens);
    op.decode = gemm(1, std::min(s.longest_context, r.prompt_tokens + r.generated_tokens));
    op.stationary_bytes = published_element_bytes * static_cast<double>(r.batch * s.kv_heads * head * s.longest_context);
    add(op, inputs);
  }

  Layer take() { return std::move(layer_); }

 private:
  void add(const LayerOperator& op, const std::vector<std::string>& inputs) {
    const int index = static_cast<int>(layer_.operators.size());
    for (const auto& input : inputs) {
      for (int i = 0; i < index; ++i) {
        if (layer_.operators[static_cast<std::size_t>(i)].name == input) layer_.edges.emplace_back(i, index);
      }
    }
    layer_.operators.push_back(op);
  }

  Layer layer_;
};

}  // namespace

std::vector<std::string> published_layer_names() {
  std::vector<std::string> names;
  for (const auto& shape : shapes()) names.push_back(shape.model);
  return names;
}

LayerShape published_layer(const std::string& model) {
  for (const auto& shape : shapes()) {
    if (shape.model == model) return shape;
  }
  throw ConfigError(fmt::format("model: '{}' is not known, allowed: {}", model, fmt::join(published_layer_names(), ", ")));
}

Layer make_layer(const LayerShape& shape, const Request& request) {
  LayerBuilder b(shape, request);
  const std::int64_t query_width = shape.head_dim * shape.query_heads;
  const std::int64_t kv_width = shape.head_dim * shape.kv_heads;
  b.weight("q", query_width, shape.hidden, {});
  b.weight("k", kv_width, shape.hidden, {});
  b.weight("v", kv_width, shape.hidden, {});
  b.attention("qk", true, {"q", "k"});
  b.attention("sv", false, {"qk", "v"});
  b.weight("o", shape.hidden, query_width, {"sv"});
  const std::vector<std::string> ffn_inputs = shape.parallel_ffn ? std::vector<std::string>{} : std::vector<std::string>{"o"};
  b.weight("f1", shape.intermediate, shape.hidden, ffn_inputs);
  if (shape.gated_ffn) b.weight("f3", shape.intermediate, shape.hidden, ffn_inputs);
  b.weight("f2", shape.hidden, shape.intermediate, {"f1", "f3"});
  return b.take();
}

}  // namespace bondsim::cost
