#include "mapping/emit/step_blocks.hpp"

#include <algorithm>

#include "mapping/emit/block_emitter.hpp"
#include "mapping/emit/block_parts.hpp"
#include "models/base/element_bytes.hpp"

namespace bondsim {
namespace {

/// Classes of the first `layers` layers, with as many of each as there are among them.
std::vector<LayerClass> classes_among(const Model& model, int layers) {
  std::vector<LayerClass> classes = model.classes();
  if (layers == model.layers) return classes;
  for (LayerClass& c : classes) c.count = 0;
  for (int layer = 0; layer < layers; ++layer) {
    const LayerClass of_layer = model.class_of(layer);
    const auto same = [&](const LayerClass& c) { return c.experts == of_layer.experts && c.window == of_layer.window; };
    std::find_if(classes.begin(), classes.end(), same)->count += 1;
  }
  classes.erase(std::remove_if(classes.begin(), classes.end(), [](const LayerClass& c) { return c.count == 0; }), classes.end());
  return classes;
}

}  // namespace

StepBlocks::StepBlocks(const Plan& plan, StepScope scope)
    : plan_(plan),
      scope_(scope),
      layers_(scope.layers > 0 ? scope.layers : plan.model.layers),
      classes_(classes_among(plan.model, layers_)),
      part_(end_of_step()) {}

void StepBlocks::begin(const BatchStep& step) {
  check(part_ == end_of_step(), "step {} begins before step {} has ended", step.batch.step, step_ ? step_->batch.step : 0);
  step_ = step;
  check_batch(step_->batch);
  tokens_ = 0;
  chosen_for_ = -1;
  choose_blocks(0);
  part_ = scope_.embedding ? 0 : 1;
}

bool StepBlocks::next(Block& block) {
  if (part_ == end_of_step()) return false;
  block = Block{};
  block.step = static_cast<std::int32_t>(step_->batch.step);
  block.steps = step_->stands_for;
  block.not_before = step_->not_before;
  block.layer = in_layers() ? first_layer(part_ - 1) : -1;
  if (in_layers() && !plan_.header.all_layers) block.layers = classes_[static_cast<std::size_t>(part_ - 1)].count;
  if (in_layers() && tokens_ == 0) choose_blocks(block.layer);
  block.phase = step_->batch.has(Phase::decode) && tokens_ == 0 ? Phase::decode : Phase::prefill;
  const Phase first = step_->batch.requests.front().phase;
  emit(block, first);
  const Phase second = first == Phase::prefill ? Phase::decode : Phase::prefill;
  if (step_->batch.has(second)) emit(block, second);
  keep_nmp_mode(block, plan_.dataflow.attention_overlap());
  add_overhead(block, plan_.system.overhead, part_ == 0);
  if (in_layers() && ++tokens_ < prefill_.size()) return true;
  tokens_ = 0;
  if (++part_ == end_of_step()) put_yields(block);
  return true;
}

void StepBlocks::put_yields(Block& block) const {
  for (const BatchEntry& r : step_->batch.requests) {
    if (r.yields > 0) block.yields.push_back({r.request, r.yields});
  }
}

/// Blocks of tokens of the step's prefill in a layer.
void StepBlocks::choose_blocks(int layer) {
  if (layer == chosen_for_) return;
  chosen_for_ = layer;
  prefill_.clear();
  if (step_->batch.has(Phase::prefill)) prefill_ = token_blocks(plan_, step_->batch.of(Phase::prefill), layer);
}

void StepBlocks::emit(Block& block, Phase phase) {
  if (!in_layers()) return emit_outside(block, phase);
  if (phase == Phase::prefill) return BlockEmitter(plan_, block, prefill_[tokens_]).graph(plan_.layer);
  if (tokens_ > 0) return;  // the decode of a step goes beside the first block of tokens of its prefill
  BlockEmitter emitter(plan_, block, one_block(plan_, step_->batch.of(phase), block.layer));
  if (plan_.dataflow.groups().empty()) {
    emitter.graph(plan_.layer);
  } else {
    emitter.grouped(plan_.layer, plan_.dataflow.groups());
  }
}

void StepBlocks::emit_outside(Block& block, Phase phase) {
  TokenBlock tokens;
  tokens.batch = step_->batch.of(phase);
  if (part_ > 0) {
    // A part of a prompt yields no token: nothing of it goes through the head.
    auto& rows = tokens.batch.requests;
    rows.erase(std::remove_if(rows.begin(), rows.end(), [](const BatchEntry& r) { return r.logits == 0; }), rows.end());
    if (rows.empty()) return;
  }
  const bool in_dram = phase == Phase::prefill && prefill_.front().residual.bytes > 0;
  if (part_ > 0 && in_dram) tokens.residual.bytes = bytes_of(tokens.batch.logits() * plan_.model.hidden, plan_.model.bits.activation);
  BlockEmitter emitter(plan_, block, std::move(tokens));
  if (part_ > 0) return emitter.graph(plan_.head);
  emitter.embedding(in_dram ? prefill_ : std::vector<TokenBlock>());
}

}  // namespace bondsim
