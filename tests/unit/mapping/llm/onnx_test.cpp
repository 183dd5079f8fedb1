#include "mapping/llm/onnx.hpp"

#include <gtest/gtest.h>

#include "mapping/llm/size.hpp"
#include "tests/support/mapping_setup.hpp"

/// ONNX files are written here byte by byte, by the rules of protobuf's encoding: tag = field number x 8 + wire type.
namespace bondsim {
namespace {

std::string varint(std::uint64_t value) {
  std::string out;
  for (; value >= 128; value >>= 7) out += static_cast<char>((value & 127) | 128);
  return out + static_cast<char>(value);
}
std::string number(int field, std::uint64_t value) { return varint(static_cast<std::uint64_t>(field) * 8) + varint(value); }
std::string bytes(int field, const std::string& content) {
  return varint(static_cast<std::uint64_t>(field) * 8 + 2) + varint(content.size()) + content;
}

std::string tensor(const std::string& name, const std::vector<std::int64_t>& dims, bool packed = false) {
  std::string out, list;
  for (const std::int64_t d : dims)
    (packed ? list : out) += packed ? varint(static_cast<std::uint64_t>(d)) : number(1, static_cast<std::uint64_t>(d));
  if (packed) out += bytes(1, list);
  return bytes(5, out + number(2, 1) + bytes(8, name) + bytes(9, "\0\0\0\0"));
}
std::string node(const std::string& type, const std::vector<std::string>& inputs, const std::string& output,
                 const std::vector<std::pair<std::string, std::int64_t>>& attributes = {}) {
  std::string out;
  for (const std::string& input : inputs) out += bytes(1, input);
  out += bytes(2, output) + bytes(4, type);
  for (const auto& [name, value] : attributes)
    out += bytes(5, bytes(1, name) + number(3, static_cast<std::uint64_t>(value)) + number(20, 2));
  return bytes(1, out);
}
std::string shape(const std::string& name, const std::vector<std::int64_t>& dims) {
  std::string list;
  for (const std::int64_t d : dims) list += bytes(1, d > 0 ? number(1, static_cast<std::uint64_t>(d)) : bytes(2, "tokens"));
  return bytes(13, bytes(1, name) + bytes(2, bytes(1, number(1, 1) + bytes(2, list))));
}
std::string model(const std::string& graph) { return number(1, 8) + bytes(7, graph); }

/// A decoder layer of width 64, 4 heads, FFN 256, with embedding and LM head of 1000 tokens; weights and shapes after the nodes, as
/// exported.
std::string decoder() {
  std::string g;
  g += node("Gather", {"table", "ids"}, "x");
  g += node("LayerNormalization", {"x", "w1"}, "n1");
  g += node("MatMul", {"n1", "wq"}, "q0") + node("Reshape", {"q0", "s"}, "q1") + node("Transpose", {"q1"}, "q");
  g += node("MatMul", {"n1", "wk"}, "k0") + node("Reshape", {"k0", "s"}, "k1") + node("Transpose", {"k1"}, "k");
  g += node("MatMul", {"n1", "wv"}, "v0") + node("Reshape", {"v0", "s"}, "v1") + node("Transpose", {"v1"}, "v");
  g += node("MatMul", {"q", "k"}, "scores") + node("Div", {"scores", "root"}, "scaled") + node("Softmax", {"scaled"}, "p");
  g += node("MatMul", {"p", "v"}, "a0") + node("Transpose", {"a0"}, "a1") + node("MatMul", {"a1", "wo"}, "o") +
       node("Add", {"x2", "o"}, "unused");
  g += node("Add", {"n1", "o"}, "r1") + node("LayerNormalization", {"r1", "w2"}, "n2");
  g += node("Gemm", {"n2", "w_up", "b_up"}, "u", {{"transB", 1}}) + node("Relu", {"u"}, "act") + node("MatMul", {"act", "w_down"}, "d");
  g += node("Add", {"r1", "d"}, "r2") + node("LayerNormalization", {"r2", "w3"}, "n3") + node("MatMul", {"n3", "head"}, "logits");
  g +=
      tensor("table", {1000, 64}) + tensor("wq", {64, 64}) + tensor("wk", {64, 64}, true) + tensor("wv", {64, 64}) + tensor("wo", {64, 64});
  g += tensor("w_up", {256, 64}) + tensor("b_up", {256}) + tensor("w_down", {256, 64}) + tensor("head", {64, 1000});
  g += shape("scores", {1, 4, 0, 0});
  return model(g);
}

TEST(Onnx, decoder_layer_becomes_a_graph_with_attention_and_head) {
  const GraphFile g = read_onnx(decoder(), "decoder.onnx", {});
  EXPECT_EQ(g.hidden, 64);
  EXPECT_EQ(g.vocab, 1000);
  EXPECT_EQ(g.query_heads, 4);
  EXPECT_EQ(g.kv_heads, 4);
  EXPECT_EQ(g.head_dim, 16);
  const Model m = decode_model(parse_yaml(to_text(g, "test"), "decoder.yaml"));
  const ModelSize size = model_size(m);
  EXPECT_EQ(size.macs_per_token, 4 * 64 * 64 + 2 * 64 * 256 + 64 * 1000);
  EXPECT_EQ(size.kv_bytes, 2 * 64 * 2);
  const auto names = gemm_names(layer_graph(m));
  EXPECT_EQ(names, (std::vector<std::string>{"wq", "wk", "wv", "qk", "sv", "wo", "w_up", "w_down"}));
  EXPECT_EQ(gemm_names(head_graph(m)), std::vector<std::string>{"head"});
  EXPECT_EQ(head_graph(m).size(), 2U) << "the norm that the head alone needs goes with it";
  EXPECT_EQ(g.head.front().kind, "norm");
  const auto edges = gemm_edges(layer_graph(m));
  for (const auto& edge :
       {std::make_pair("wq", "qk"), {"wk", "qk"}, {"qk", "sv"}, {"wv", "sv"}, {"sv", "wo"}, {"w_up", "w_down"}, {"wo", "w_up"}}) {
    EXPECT_NE(std::find(edges.begin(), edges.end(), std::pair<std::string, std::string>(edge)), edges.end())
        << edge.first << " -> " << edge.second;
  }
}

TEST(Onnx, imported_graph_maps_with_a_dataflow_of_classes) {
  const Model m = decode_model(parse_yaml(to_text(read_onnx(decoder(), "decoder.onnx", {}), "test"), "decoder.yaml"));
  const auto schedule = make_schedule(testing::h2llm_system(), m, testing::lengths(1, 32, 2), testing::dataflow("fc_offloading"));
  Block block;
  int nmp = 0;
  while (schedule->next(block)) {
    for (const Task& t : block.tasks) nmp += t.kind == TaskKind::nmp_gemm;
  }
  EXPECT_GT(nmp, 0);
}

TEST(Onnx, attention_operators_say_their_heads) {
  std::string g = node("MatMul", {"x", "wq"}, "q") + node("MatMul", {"x", "wk"}, "k") + node("MatMul", {"x", "wv"}, "v");
  g += node("GroupQueryAttention", {"q", "k", "v"}, "a", {{"num_heads", 8}, {"kv_num_heads", 2}}) + node("MatMul", {"a", "wo"}, "o");
  g += tensor("wq", {128, 128}) + tensor("wk", {128, 32}) + tensor("wv", {128, 32}) + tensor("wo", {128, 128});
  const GraphFile f = read_onnx(model(g), "gqa.onnx", {});
  EXPECT_EQ(f.query_heads, 8);
  EXPECT_EQ(f.kv_heads, 2);
  EXPECT_EQ(f.head_dim, 16);
  EXPECT_EQ(model_size(decode_model(parse_yaml(to_text(f, "test"), "gqa.yaml"))).kv_bytes, 2 * 2 * 16 * 2);
}

TEST(Onnx, what_is_no_model_or_does_not_fit_is_named) {
  const auto error = [](const std::string& content) -> std::string {
    try {
      read_onnx(content, "bad.onnx", {});
    } catch (const ConfigError& e) {
      return e.what();
    }
    return "";
  };
  EXPECT_NE(error("not a model").find("bad.onnx: is no ONNX model"), std::string::npos);
  EXPECT_NE(error("").find("bad.onnx: has no graph"), std::string::npos);
  EXPECT_NE(error(decoder().substr(0, 300)).find("bad.onnx: is no ONNX model"), std::string::npos);
  EXPECT_NE(error(model(node("Conv", {"x", "w"}, "y"))).find("bad.onnx: Conv (y): is not expressible"), std::string::npos);
  EXPECT_NE(error(model(node("MatMul", {"a", "b"}, "y"))).find("the number of heads is in no shape"), std::string::npos);
  EXPECT_NE(error(model(node("MatMul", {"a", "w"}, "y") + tensor("w", {2, 3, 4}))).find("a constant of 3 dimensions"), std::string::npos);
}

}  // namespace
}  // namespace bondsim
