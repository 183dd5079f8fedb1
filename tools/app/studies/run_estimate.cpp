#include "tools/app/studies/run_estimate.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/emit/block_parts.hpp"
#include "mapping/emit/mapper.hpp"
#include "models/base/quantity.hpp"
#include "models/dram/spec/timing_rules.hpp"
#include "models/nmp/tile_program.hpp"
#include "sim/ledger.hpp"
#include "tools/app/experiment/progress.hpp"
#include "tools/app/studies/estimated_counts.hpp"
#include "tools/app/studies/plan_experiment.hpp"
#include "tools/app/studies/speculation_figures.hpp"

namespace bondsim::tools {
namespace {

std::int64_t picoseconds(double seconds) { return std::llround(seconds * 1e12); }

/// The span of an operator is its time alone. Busy times are the spans, scaled down where they sum to more than the block's length.
void add_operator_times(Ledger& ledger, const cost::CostModel& model, const System& system, const Block& block, std::size_t operators,
                        Picoseconds length) {
  BusyTimes spans;
  spans.by_operator.resize(operators);
  std::set<std::int32_t> ops;
  for (const Task& task : block.tasks) ops.insert(task.op);
  ops.erase(-1);
  for (const std::int32_t op : ops) {
    Picoseconds& span = spans.by_operator[static_cast<std::size_t>(op)];
    span = Picoseconds(picoseconds(model.block_seconds(operator_block(block, op), system)));
    ledger.add_span(op, span, block.executions());
  }
  const double scale = static_cast<double>(length.value) / static_cast<double>(std::max(spans.sum(), length).value);
  BusyTimes busy = spans;
  for (Picoseconds& time : busy.by_operator) time = Picoseconds(static_cast<std::int64_t>(static_cast<double>(time.value) * scale));
  busy.waiting = length - busy.sum();
  ledger.add_busy(block.phase, busy, block.executions());
}

/// The blocks of the run, or where it has too many steps of a sample of them.
std::unique_ptr<ScheduleSource> blocks_of(const Experiment& experiment) {
  const Workload& w = experiment.workload;
  if (w.speculation || w.generated_tokens <= most_estimated_steps) return schedule_experiment(experiment);
  ScheduleScope scope;
  scope.decode_samples = sampled_estimate_steps;
  return make_schedule(plan_experiment(experiment), scope);
}

/// Times of decode steps, of which some are known.
class StepTimes {
 public:
  void add(std::int32_t step, std::int64_t stands_for, Picoseconds length) {
    if (known_.empty() || known_.back().step != step) known_.push_back({step, stands_for, {}});
    known_.back().length += length;
  }

  /// Each step's own time; those between two known ones by a line.
  std::vector<Picoseconds> all(std::int64_t steps) const {
    std::vector<Picoseconds> times;
    std::size_t right = 0;
    for (std::int64_t step = 1; step <= steps && !known_.empty(); ++step) {
      while (right + 1 < known_.size() && known_[right].step < step) ++right;
      const std::size_t left = right > 0 && known_[right].step != step ? right - 1 : right;
      const auto& a = known_[left];
      const auto& b = known_[right];
      const double part = a.step == b.step ? 0 : static_cast<double>(step - a.step) / static_cast<double>(b.step - a.step);
      times.push_back(a.length + Picoseconds(std::llround(part * static_cast<double>((b.length - a.length).value))));
    }
    return times;
  }

  /// What the sum would change by if every second known step stood for its neighbour too, as a share of the sum.
  double change_with_half() const {
    double whole = 0, half = 0;
    for (std::size_t i = 0; i < known_.size(); ++i) {
      const auto weight = static_cast<double>(known_[i].stands_for);
      whole += weight * static_cast<double>(known_[i].length.value);
      half += weight * static_cast<double>(known_[std::min(i | 1, known_.size() - 1)].length.value);
      half -= weight * slope_beside(i);
    }
    return whole > 0 ? std::abs(half / whole - 1) : 0;
  }
  std::int64_t evaluated() const { return static_cast<std::int64_t>(known_.size()); }

 private:
  struct Known {
    std::int32_t step = 0;
    std::int64_t stands_for = 1;
    Picoseconds length;
  };
  /// Half a sample's growth: a pair stands around its middle, its second step beyond it.
  double slope_beside(std::size_t i) const {
    const std::size_t second = std::min(i | 1, known_.size() - 1);
    return second < 2 ? 0 : 0.25 * static_cast<double>((known_[second].length - known_[second - 2].length).value);
  }

  std::vector<Known> known_;
};

}  // namespace

std::string sampling_text(const StepSampling& s) {
  if (s.evaluated == s.steps) return "";
  return fmt::format("{} of {} decode steps by the form, the others between them: with half as many decode takes {:.4f} % more or less\n",
                     s.evaluated, s.steps, 100 * s.change_with_half);
}

Results estimate_run(const Experiment& experiment, const cost::CostModel& model, StepSampling* sampling) {
  const auto began = std::chrono::steady_clock::now();
  const System& system = experiment.system;
  const auto schedule = blocks_of(experiment);
  const CommandCount count(system);
  Results results;
  results.schedule = schedule->header();
  results.system = system.name;
  results.prompt_tokens = static_cast<std::int32_t>(experiment.workload.prompt_of(0));
  results.generated_tokens = static_cast<std::int32_t>(experiment.workload.generated_tokens);
  results.config_digest = experiment.digest;
  results.config_files = experiment.files;
  Ledger ledger(system, schedule->header());
  StepTimes steps;
  ProgressBar bar(schedule->header().steps + 1);
  double by_phase[2] = {0, 0};
  double now = 0;  // as in a simulation: a block that stands for several layers passes once
  for (Block block; schedule->next(block);) {
    bar.show(block.step);
    const double seconds = model.block_seconds(block, system, now);
    now += seconds;
    const Picoseconds length(picoseconds(seconds));
    by_phase[block.phase == Phase::prefill ? 0 : 1] += seconds * static_cast<double>(block.executions());
    results.total += length * block.executions();
    if (block.phase == Phase::prefill) {
      results.prefill += length * block.executions();
    } else {
      steps.add(block.step, block.steps, length * block.layers);
    }
    add_commands(ledger, count, block);
    add_operator_times(ledger, model, system, block, schedule->header().operators.size(), length);
    // A closed form opens no rows: they are priced as open throughout, which is the dearer standby.
    for (int c = 0; c < system.channel_count(); ++c) ledger.add_rows_open(c, block.phase, length, block.executions());
    ledger.add_time(block.phase, length, block.executions());
    ledger.end_block(length, block.executions());
  }
  bar.clear();
  for (const Phase phase : {Phase::prefill, Phase::decode}) {
    const ChannelCounts counts = refreshes(system, by_phase[phase == Phase::prefill ? 0 : 1]);
    for (int c = 0; c < system.channel_count(); ++c) ledger.add_commands(c, -1, phase, counts, 1);
    ledger.end_block(Picoseconds(), 1);
  }
  ledger.finish(results);
  results.steps = steps.all(schedule->header().steps);
  if (sampling != nullptr) *sampling = {schedule->header().steps, steps.evaluated(), steps.change_with_half()};
  if (experiment.workload.speculation) {
    results.speculation = speculation_figures(experiment);
    const Results plain = estimate_run(without_drafts(experiment), model);
    set_plain(results, plain_decode_of(plain));
  }
  results.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return results;
}

std::string estimate_summary(const Results& r, const cost::CostModel& model) {
  std::string out = fmt::format("ESTIMATE by the closed form {}, nothing is simulated\n{}", model.name(), results_headline(r, "estimated"));
  std::vector<OperatorResult> decode;
  double sum = 0;
  for (const OperatorResult& op : r.operators) {
    if (op.phase != "decode" || op.span.value == 0 || op.count == 0) continue;
    decode.push_back(op);
    sum += to_seconds(op.span);
  }
  std::stable_sort(decode.begin(), decode.end(), [](const auto& a, const auto& b) { return a.span > b.span; });
  out += "operators of decode, each alone\n  ";
  for (const OperatorResult& op : decode) {
    const double share = 100 * to_seconds(op.span) / sum;
    if (share >= 0.05) out += fmt::format("{}{} {:.1f} %", &op == &decode.front() ? "" : ", ", op.name, share);
  }
  out += "\n" + cost::measured_error_text(model.name(), "steps");
  return out + fmt::format("\nwhere the energy went\n  {}\nconfiguration {}, estimated in {:.2f} s\n", energy_shares(r), r.config_digest,
                           r.wall_s);
}

std::string estimate_json(const Results& r, const cost::CostModel& model) {
  auto out = nlohmann::ordered_json::parse(results_json(r));
  out["schema"] = "bondsim.estimate/1";
  out["form"] = model.name();
  for (const char* simulated : {"channels", "executors", "npu", "simulation"}) out.erase(simulated);
  return out.dump(2) + "\n";
}

}  // namespace bondsim::tools
