#include "mapping/emit/mapper.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "mapping/emit/block_emitter.hpp"
#include "mapping/emit/lockstep.hpp"
#include "models/base/element_bytes.hpp"

namespace bondsim {
namespace {

/// Blocks of a step in turn: embedding, layers, head; a layer has one for each block of tokens of the prefill.
class MappedSchedule : public ScheduleSource {
 public:
  MappedSchedule(Plan plan, std::unique_ptr<BatchSource> batches, bool layers_only)
      : plan_(std::move(plan)),
        classes_(plan_.model.classes()),
        batches_(std::move(batches)),
        outside_(!layers_only),
        part_(end_of_step()) {}

  const ScheduleHeader& header() const override { return plan_.header; }

  using ScheduleSource::next;
  bool next(Picoseconds now, Block& block) override {
    if (part_ == end_of_step()) {
      step_ = batches_->next(now);
      if (!step_) return false;
      begin_step();
      part_ = outside_ ? 0 : 1;
    }
    block = Block{};
    block.step = static_cast<std::int32_t>(step_->batch.step);
    block.steps = step_->stands_for;
    block.not_before = step_->not_before;
    const bool layers = part_ > 0 && part_ <= layer_blocks();
    block.layer = layers ? first_layer(part_ - 1) : -1;
    if (layers && !plan_.header.all_layers) block.layers = classes_[static_cast<std::size_t>(part_ - 1)].count;
    if (layers && tokens_ == 0) choose_blocks(block.layer);
    block.phase = step_->batch.has(Phase::decode) && tokens_ == 0 ? Phase::decode : Phase::prefill;
    const Phase first = step_->batch.requests.front().phase;
    emit(block, first);
    const Phase second = first == Phase::prefill ? Phase::decode : Phase::prefill;
    if (step_->batch.has(second)) emit(block, second);
    keep_nmp_mode(block);
    add_overhead(block, plan_.system.overhead, part_ == 0);
    if (layers && ++tokens_ < prefill_.size()) return true;
    tokens_ = 0;
    if (++part_ == end_of_step()) {
      for (const BatchEntry& r : step_->batch.requests) {
        if (r.yields > 0) block.yields.push_back({r.request, r.yields});
      }
    }
    return true;
  }

 private:
  void begin_step() {
    check_batch(step_->batch);
    if (plan_.kv_table) {
      for (const int request : step_->released) plan_.kv_table->release(request);
    }
    tokens_ = 0;
    chosen_for_ = -1;
    choose_blocks(0);
  }

  /// Blocks of tokens of the step's prefill in a layer.
  void choose_blocks(int layer) {
    if (layer == chosen_for_) return;
    chosen_for_ = layer;
    prefill_.clear();
    if (step_->batch.has(Phase::prefill)) prefill_ = token_blocks(plan_, step_->batch.of(Phase::prefill), layer);
  }

  void emit(Block& block, Phase phase) {
    const bool layer = part_ > 0 && part_ <= layer_blocks();
    if (!layer) return emit_outside(block, phase);
    if (phase == Phase::prefill) return BlockEmitter(plan_, block, prefill_[tokens_]).graph(plan_.layer);
    if (tokens_ > 0) return;  // the decode of a step goes beside the first block of tokens of its prefill
    BlockEmitter emitter(plan_, block, one_block(plan_, step_->batch.of(phase), block.layer));
    if (plan_.dataflow.groups().empty()) {
      emitter.graph(plan_.layer);
    } else {
      emitter.grouped(plan_.layer, plan_.dataflow.groups());
    }
  }

  void emit_outside(Block& block, Phase phase) {
    TokenBlock tokens;
    tokens.batch = step_->batch.of(phase);
    if (part_ > 0) {
      // A part of a prompt yields no token: nothing of it goes through the head.
      auto& rows = tokens.batch.requests;
      rows.erase(std::remove_if(rows.begin(), rows.end(), [](const BatchEntry& r) { return r.yields == 0; }), rows.end());
      if (rows.empty()) return;
    }
    const bool in_dram = phase == Phase::prefill && prefill_.front().residual.bytes > 0;
    if (part_ > 0 && in_dram) {
      // The last position of each request.
      const auto rows = static_cast<std::int64_t>(tokens.batch.requests.size());
      tokens.residual.bytes = bytes_of(rows * plan_.model.hidden, plan_.model.bits.activation);
    }
    BlockEmitter emitter(plan_, block, std::move(tokens));
    if (part_ > 0) return emitter.graph(plan_.head);
    emitter.embedding(in_dram ? prefill_ : std::vector<TokenBlock>());
  }

  int layer_blocks() const { return plan_.header.all_layers ? plan_.model.layers : static_cast<int>(classes_.size()); }
  int first_layer(int block) const { return plan_.header.all_layers ? block : classes_[static_cast<std::size_t>(block)].first; }
  int end_of_step() const { return layer_blocks() + (outside_ ? 2 : 1); }

  Plan plan_;
  std::vector<LayerClass> classes_;  ///< a block each where one layer stands for those like it
  std::unique_ptr<BatchSource> batches_;
  std::optional<BatchStep> step_;
  std::vector<TokenBlock> prefill_;  ///< of the step; empty: there is none
  int chosen_for_ = -1;              ///< layer that these are for
  std::size_t tokens_ = 0;           ///< of these the next one of the layer
  bool outside_;                     ///< with the embedding and the LM head
  int part_;                         ///< next block of the step: 0 the embedding, then the layers, then the head
};

}  // namespace

std::unique_ptr<ScheduleSource> make_schedule(Plan plan, std::unique_ptr<BatchSource> batches, bool layers_only) {
  return std::make_unique<MappedSchedule>(std::move(plan), std::move(batches), layers_only);
}

std::unique_ptr<ScheduleSource> make_schedule(Plan plan, const ScheduleScope& scope) {
  auto batches = std::make_unique<LockstepBatches>(plan.workload, scope.decode_samples);
  return make_schedule(std::move(plan), std::move(batches), scope.layers_only);
}

std::unique_ptr<ScheduleSource> make_schedule(const System& system, const Model& model, const Workload& workload,
                                              const Dataflow& dataflow) {
  return make_schedule(make_plan(system, model, workload, dataflow));
}

}  // namespace bondsim
