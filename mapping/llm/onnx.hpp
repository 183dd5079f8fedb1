#pragma once
#include <string>

#include "mapping/llm/graph_file.hpp"

namespace bondsim {

/// What an ONNX file does not say.
struct OnnxOptions {
  int layers = 1;                ///< times the file's graph runs: 1, or a file of one layer for all
  std::int64_t query_heads = 0;  ///< 0: from the file's attention operator or its shapes
  std::int64_t kv_heads = 0;     ///< likewise; else as many as query_heads
  std::int64_t max_context = 4096;
};

/// Reads the operators of an ONNX model (opset of the standard and of com.microsoft): MatMul and Gemm with a constant operand are weight
/// GEMMs; a MatMul before and one behind a Softmax are the scores and values of attention, as is an Attention operator (MultiHeadAttention,
/// GroupQueryAttention, Attention); norms, softmax, activations and sums are vector work; what only moves or reshapes is left out, its
/// users take its inputs. An embedding is a Gather from a constant table; a GEMM onto its rows that nothing follows is the LM head.
/// @param bytes of the file; weights in other files are not needed
/// @throws ConfigError with `name` when it is no ONNX model, or has operators that do not fit this
GraphFile read_onnx(const std::string& bytes, const std::string& name, const OnnxOptions& options);

}  // namespace bondsim
