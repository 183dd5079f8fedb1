#include "models/system/validate/validator.hpp"

#include <algorithm>

#include "models/schedule/schedule_names.hpp"
#include "models/system/validate/validate_tasks.hpp"

namespace bondsim {
namespace schedule_checks {

std::string BlockView::operator_name(std::int32_t op) const {
  return op >= 0 && op < static_cast<std::int32_t>(header.operators.size()) ? header.operators[static_cast<std::size_t>(op)].name
                                                                            : "no operator";
}

void BlockView::raise(std::int32_t i, std::string what) const {
  ScheduleFault fault;
  fault.step = block.step;
  fault.layer = block.layer;
  fault.task = i;
  fault.what = std::move(what);
  if (i >= 0 && i < count()) {
    const Task& t = task(i);
    fault.task_name = fmt::format("{} of {}", enum_name(t.kind), operator_name(t.op));
    if (t.on_channel()) fault.task_name += " on " + executor_name(t.executor, header.channels);
  }
  throw fault;
}

}  // namespace schedule_checks

std::string ScheduleFault::text() const {
  std::string place;
  if (step >= 0) place += fmt::format("step {}, layer {}", step, layer);
  if (task >= 0) place += fmt::format(", task {} ({})", task, task_name);
  return place.empty() ? what : place + ": " + what;
}

ScheduleValidator::ScheduleValidator(const System& system, const ScheduleHeader& header) : system_(system), header_(header) {
  if (header.first_step > 0) layers_in_step_ = header.layers;  // as if step 0 had been
}

std::optional<ScheduleFault> ScheduleValidator::check_header() const {
  const auto fault = [](std::string what) {
    ScheduleFault f;
    f.what = "header: " + std::move(what);
    return f;
  };
  if (header_.channels != system_.channel_names()) {
    return fault(fmt::format("a schedule for the channels {}, the system has {}", fmt::join(header_.channels, ", "),
                             fmt::join(system_.channel_names(), ", ")));
  }
  if (header_.batch < 1 || header_.layers < 1 || header_.steps < -1) {
    return fault(fmt::format("batch {}, layers {}, steps {}, allowed: at least 1, 1, -1", header_.batch, header_.layers, header_.steps));
  }
  if (header_.first_step < 0 || header_.first_step > 1) return fault(fmt::format("first step {}, allowed: 0, 1", header_.first_step));
  const auto count = static_cast<std::int32_t>(header_.operators.size());
  for (const auto& [a, b] : header_.edges) {
    if (a < 0 || b < 0 || a >= count || b >= count || a == b)
      return fault(fmt::format("edge [{}, {}], there are {} operators", a, b, count));
  }
  return std::nullopt;
}

std::optional<ScheduleFault> ScheduleValidator::check_sequence(const Block& block) {
  const auto fault = [&](std::string what) {
    ScheduleFault f;
    f.step = block.step;
    f.layer = block.layer;
    f.what = std::move(what);
    return f;
  };
  if (block.step < header_.first_step) return fault(fmt::format("the first step is {}", header_.first_step));
  const std::int64_t most = std::max(header_.steps, 1);
  if (block.steps < 1 || block.steps > most) return fault(fmt::format("stands for {} steps, allowed: 1 to {}", block.steps, most));
  if (block.step != step_) {
    if (layers_in_step_ != header_.layers && !beside_) {
      return fault(fmt::format("step {} had {} of {} layers", step_, layers_in_step_, header_.layers));
    }
    if (block.step <= steps_done_ || block.step > steps_done_ + block.steps) {
      return fault(fmt::format("step {} stands for {} steps after step {}, allowed: a step among those it stands for", block.step,
                               block.steps, steps_done_));
    }
    step_ = block.step;
    stands_for_ = block.steps;
    steps_done_ += block.steps;
    layers_in_step_ = 0;
    last_layer_ = -1;
    beside_ = false;
  }
  if (block.steps != stands_for_) {
    return fault(fmt::format("stands for {} steps, allowed: {}, as the step's first block", block.steps, stands_for_));
  }
  if (header_.steps >= 0 && steps_done_ > header_.steps) return fault(fmt::format("the header has {} steps", header_.steps));
  if (auto wrong = check_requests(block)) return fault(*wrong);
  if (block.layer == -1) {
    if (block.layers != 1) return fault(fmt::format("a block outside the layers stands for {} of them, allowed: 1", block.layers));
    beside_ = beside_ || (is_of_draft(block, true) && is_of_draft(block, false));
    return std::nullopt;
  }
  if (is_of_draft(block, true)) return std::nullopt;
  const bool same_layer = block.layer >= 0 && block.layer == last_layer_ && block.layers == last_layers_;
  // More tokens of the prefill have other places in the caches.
  if (std::string tokens = appended(block); same_layer && !has_decode(block) && (tokens.empty() || tokens != appended_)) {
    appended_ = std::move(tokens);
    return std::nullopt;
  }
  // A block stands for its layer and others like it behind it, between which those of other blocks may lie.
  if (block.layer <= last_layer_ || block.layer > layers_in_step_ || block.layers < 1 || block.layers > header_.layers - layers_in_step_) {
    return fault(fmt::format("{} layers from {} on, the next one of {} is {}", block.layers, block.layer, header_.layers, layers_in_step_));
  }
  appended_ = appended(block);
  layers_in_step_ += block.layers;
  last_layer_ = block.layer;
  last_layers_ = block.layers;
  return std::nullopt;
}

std::string ScheduleValidator::appended(const Block& block) {
  std::string places;
  for (const Task& t : block.tasks) {
    if (t.kind != TaskKind::kv_append) continue;
    for (const Extent& e : t.extents) places += fmt::format("{} {} {} {};", e.channel, e.first_bank, e.bank_offset, e.bytes());
  }
  return places;
}

bool ScheduleValidator::is_of_draft(const Block& block, bool of_draft) const {
  const auto belongs = [&](const Task& t) {
    if (t.op < 0 || t.op >= static_cast<std::int32_t>(header_.operators.size())) return false;
    const std::string& name = header_.operators[static_cast<std::size_t>(t.op)].name;
    return (name.rfind("draft.", 0) == 0 || name == "k_copy" || name == "v_copy") == of_draft;
  };
  return std::any_of(block.tasks.begin(), block.tasks.end(), belongs);
}

bool ScheduleValidator::has_decode(const Block& block) const {
  return std::any_of(block.tasks.begin(), block.tasks.end(), [&](const Task& t) {
    return t.op >= 0 && t.op < static_cast<std::int32_t>(header_.operators.size()) &&
           header_.operators[static_cast<std::size_t>(t.op)].phase == Phase::decode;
  });
}

std::optional<std::string> ScheduleValidator::check_requests(const Block& block) const {
  const auto of_phase = [&](const Task& t) {
    return t.op >= 0 && t.op < static_cast<std::int32_t>(header_.operators.size()) &&
           header_.operators[static_cast<std::size_t>(t.op)].phase == block.phase;
  };
  if (!block.tasks.empty() && std::none_of(block.tasks.begin(), block.tasks.end(), of_phase))
    return fmt::format("a block of {} has no task of it", enum_name(block.phase));
  if (block.not_before.value < 0) return fmt::format("begins at {} ps, allowed: 0 or later", block.not_before.value);
  for (const TokenYield& y : block.yields) {
    if (y.request < 0 || y.tokens < 1 || y.tokens > (1 << 24))
      return fmt::format("request {} has {} tokens more, allowed: requests from 0 on, 1 to {} tokens", y.request, y.tokens, 1 << 24);
  }
  return std::nullopt;
}

std::optional<ScheduleFault> ScheduleValidator::check(const Block& block) {
  if (auto fault = check_sequence(block)) return fault;
  const schedule_checks::BlockView view{system_, header_, block};
  try {
    for (std::int32_t i = 0; i < view.count(); ++i) schedule_checks::check_task(view, i);
    schedule_checks::check_coverage(view);
    schedule_checks::check_order(view);
  } catch (const ScheduleFault& fault) {
    return fault;
  }
  return std::nullopt;
}

std::optional<ScheduleFault> ScheduleValidator::check_end() const {
  const bool all_layers = beside_ || layers_in_step_ == header_.layers;
  if ((steps_done_ == header_.steps || header_.steps < 0) && all_layers) return std::nullopt;
  ScheduleFault f;
  f.what = fmt::format("the schedule ends after {} steps with {} layers of the last, the header has {} steps of {} layers", steps_done_,
                       layers_in_step_, header_.steps, header_.layers);
  return f;
}

std::optional<ScheduleFault> validate_schedule(const System& system, ScheduleSource& source) {
  ScheduleValidator validator(system, source.header());
  if (auto fault = validator.check_header()) return fault;
  Block block;
  while (source.next(block)) {
    if (auto fault = validator.check(block)) return fault;
  }
  return validator.check_end();
}

namespace {

class ValidatedSchedule : public ScheduleSource {
 public:
  ValidatedSchedule(const System& system, std::unique_ptr<ScheduleSource> source)
      : system_(system), source_(std::move(source)), validator_(system_, source_->header()) {
    raise(validator_.check_header());
  }
  const ScheduleHeader& header() const override { return source_->header(); }
  using ScheduleSource::next;
  bool next(Picoseconds now, Block& block) override {
    if (!source_->next(now, block)) {
      raise(validator_.check_end());
      return false;
    }
    raise(validator_.check(block));
    return true;
  }

 private:
  static void raise(const std::optional<ScheduleFault>& fault) {
    if (fault) throw ConfigError("schedule: " + fault->text());
  }
  System system_;
  std::unique_ptr<ScheduleSource> source_;
  ScheduleValidator validator_;
};

}  // namespace

std::unique_ptr<ScheduleSource> validated(const System& system, std::unique_ptr<ScheduleSource> source) {
  return std::make_unique<ValidatedSchedule>(system, std::move(source));
}

}  // namespace bondsim
