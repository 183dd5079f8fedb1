#pragma once
#include <cstddef>
#include <optional>
#include <vector>

#include "mapping/llm/batch.hpp"
#include "mapping/plan/plan.hpp"
#include "models/schedule/schedule.hpp"

namespace bondsim {

/// Parts of a model that a step runs.
struct StepScope {
  bool embedding = true;
  bool head = true;
  int layers = 0;  ///< first layers alone; 0: all
};

/// Blocks of a step in turn: embedding, layers, head; a layer has one for each block of tokens of the prefill.
class StepBlocks {
 public:
  /// @param plan must outlive this
  explicit StepBlocks(const Plan& plan, StepScope scope = {});

  void begin(const BatchStep& step);
  /// @return false when the step has no more. In the last one stand the tokens that the batch yields.
  bool next(Block& block);

 private:
  void choose_blocks(int layer);
  void emit(Block& block, Phase phase);
  void emit_outside(Block& block, Phase phase);
  void put_yields(Block& block) const;
  bool in_layers() const { return part_ > 0 && part_ <= layer_blocks(); }
  int layer_blocks() const { return plan_.header.all_layers ? layers_ : static_cast<int>(classes_.size()); }
  int first_layer(int block) const { return plan_.header.all_layers ? block : classes_[static_cast<std::size_t>(block)].first; }
  int end_of_step() const { return layer_blocks() + (scope_.head ? 2 : 1); }

  const Plan& plan_;
  StepScope scope_;
  int layers_;                       ///< of the model that run
  std::vector<LayerClass> classes_;  ///< a block each where one layer stands for those like it
  std::optional<BatchStep> step_;
  std::vector<TokenBlock> prefill_;  ///< of the step; empty: there is none
  int chosen_for_ = -1;              ///< layer that these are for
  std::size_t tokens_ = 0;           ///< of these the next one of the layer
  int part_;                         ///< next block of the step: 0 the embedding, then the layers, then the head
};

}  // namespace bondsim
