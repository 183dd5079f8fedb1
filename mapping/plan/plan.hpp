#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "mapping/dataflow/dataflow.hpp"
#include "mapping/layout/attention.hpp"
#include "mapping/layout/kv_swap.hpp"
#include "mapping/layout/kv_table.hpp"
#include "mapping/layout/memory_map.hpp"
#include "mapping/layout/weights.hpp"
#include "mapping/llm/batch.hpp"
#include "mapping/llm/graph.hpp"
#include "mapping/llm/model.hpp"
#include "mapping/llm/workload.hpp"
#include "mapping/plan/token_blocks.hpp"
#include "mapping/plan/vector_placement.hpp"
#include "models/schedule/schedule.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// The embedding table: row r of the vocabulary on the (r mod C)-th of C channels, striped over all banks. A model that shares the memory
/// with another has it where its LM head lies.
struct EmbeddingPlacement {
  std::vector<int> channels;
  std::int64_t rows = 0;
  std::int64_t units_per_row = 0;     ///< host accesses
  std::vector<std::int64_t> offsets;  ///< per channel of these, shared space
};

/// Everything that is decided before the first task is written: who runs what, and the address of every tensor.
struct Plan {
  System system;
  Model model;
  Workload workload;
  ResolvedDataflow dataflow;
  OperatorGraph layer;
  OperatorGraph head;
  MemoryMap memory;
  std::map<std::string, WeightPlacement> weights;                ///< by GEMM name
  std::map<std::string, std::vector<std::string>> weight_group;  ///< GEMMs that share the input of this one, itself included
  std::map<std::string, AttentionPlacement> attention;           ///< by name of the score_gemm (K) or value_gemm (V)
  EmbeddingPlacement embedding;
  bool sliceable_ffn = true;                     ///< blocks of prefill may take f1, f3 and the activation by slices of columns
  std::vector<TokenBlock> prefill;               ///< the workload's prompts, as a layer takes them
  std::optional<std::int64_t> spill_bank_bytes;  ///< of every bank, for spills and residual streams; known once they are reserved
  std::vector<std::int64_t> spill_regions;       ///< by channel, offset in the shared space; empty when nothing leaves the scratchpad
  ScheduleHeader header;
  std::map<std::pair<std::string, Phase>, int> operator_ids;
  std::map<std::string, VectorPlacement> vectors;  ///< by name, vector operators that NMP channels do in decode
  std::shared_ptr<KvTable> kv_table;               ///< of requests whose caches lie in pages; null: they lie consecutively
  std::shared_ptr<KvSwap> kv_swap;                 ///< room on normal channels for caches that make room; null: there is none

  /// Index into header.operators.
  int operator_index(const std::string& name, Phase phase) const;
  /// The vector operator that takes a GEMM's output where it lies, in the banks; null: the output goes to the NPU.
  const VectorPlacement* taken_by(const std::string& gemm) const;
  /// The vector operator that leaves a GEMM's input in the banks; null: it is scattered.
  const VectorPlacement* left_by(const std::string& gemm) const;
};

/// What a model shares the memory with.
struct PlanBeside {
  const MemoryMap* before = nullptr;  ///< of another model, whose weights and caches come first; null: it is alone
  bool embedding = true;              ///< the model has a table of its own
};

/// @throws InfeasibleError when the model does not fit the memory, or a smallest tile its buffers; ConfigError when the dataflow does not
/// fit.
/// @param tiling tilings of weight GEMMs that are given instead of chosen
Plan make_plan(const System& system, const Model& model, const Workload& workload, const Dataflow& dataflow,
               const TilingOverrides& tiling = {}, const PlanBeside& beside = {});

}  // namespace bondsim
