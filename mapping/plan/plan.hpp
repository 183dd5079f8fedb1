#pragma once
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "mapping/dataflow/dataflow.hpp"
#include "mapping/layout/attention.hpp"
#include "mapping/layout/kv_table.hpp"
#include "mapping/layout/memory_map.hpp"
#include "mapping/layout/scratchpad.hpp"
#include "mapping/layout/weights.hpp"
#include "mapping/llm/batch.hpp"
#include "mapping/llm/graph.hpp"
#include "mapping/llm/model.hpp"
#include "mapping/llm/workload.hpp"
#include "mapping/tiling/attention_tile.hpp"
#include "models/schedule/schedule.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// The embedding table: row r of the vocabulary on channel r % C, striped over all banks.
struct EmbeddingPlacement {
  std::int64_t rows = 0;
  std::int64_t units_per_row = 0;     ///< host accesses
  std::vector<std::int64_t> offsets;  ///< per channel, shared space
};

/// Fused attention over one context: what has to be tiled, and the tile.
struct TiledAttention {
  AttentionProblem problem;
  AttentionTile tile;
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
  std::map<std::string, AttentionPlacement> attention;           ///< qk: the K cache, sv: the V cache
  std::map<std::int64_t, TiledAttention> fused_attention;        ///< of prefill, by context; empty when it goes operator by operator
  EmbeddingPlacement embedding;
  std::vector<std::int64_t> spill_regions;  ///< by channel, offset in the shared space; empty when the scratchpad holds all activations
  ScheduleHeader header;
  std::map<std::pair<std::string, Phase>, int> operator_ids;
  std::shared_ptr<KvTable> kv_table;  ///< of requests whose caches lie in pages; null: they lie consecutively

  /// Index into header.operators.
  int operator_index(const std::string& name, Phase phase) const;
};

/// Spilled activations of a batch of one phase, by vertex of the layer graph; empty when the scratchpad holds all of them.
std::vector<Spill> layer_spills(const Plan& plan, const Batch& batch, int layer = 0);

/// @throws InfeasibleError when the model does not fit the memory, or a smallest tile its buffers; ConfigError when the dataflow does not
/// fit.
/// @param tiling tilings of weight GEMMs that are given instead of chosen
Plan make_plan(const System& system, const Model& model, const Workload& workload, const Dataflow& dataflow,
               const TilingOverrides& tiling = {});

}  // namespace bondsim
