#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "mapping/llm/graph.hpp"
#include "mapping/tiling/split.hpp"

namespace bondsim {

struct Plan;

/// The part of a vector operator that one NMP channel does. Offsets are in the shared space.
struct VectorShare {
  int channel = 0;
  Range columns;            ///< of each row; all of them where rows are dealt to the channels
  std::int64_t input = 0;   ///< operands that the NPU scatters
  std::int64_t output = 0;  ///< the result, where it does not lie as a GEMM's input
};

/// A vector operator that NMP channels do in decode. Its operands come from the NPU, or lie in the banks as the outputs of GEMMs that the
/// same channels have computed; the result goes to the NPU, or stays as the input of the GEMM that needs it.
struct VectorPlacement {
  Operator op;
  std::int64_t width = 0;         ///< results of a row
  std::int64_t operands = 1;      ///< elements read for each of them
  bool by_rows = false;           ///< a row is worked on as a whole, so rows are dealt to the channels (norm)
  std::vector<std::string> from;  ///< GEMMs whose outputs are taken where they lie; empty: operands are scattered
  std::string into;               ///< GEMM whose input is left where it reads it; empty: the result is loaded
  std::vector<VectorShare> shares;
};

/// Places the vector operators of the plan's graphs that its dataflow gives to NMP channels, and reserves their memory. Weights are placed.
std::map<std::string, VectorPlacement> place_vectors(Plan& plan);

}  // namespace bondsim
