#include "tools/app/speculation/study.hpp"

#include <algorithm>
#include <limits>
#include <set>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/speculation/acceptance.hpp"
#include "mapping/speculation/sample.hpp"
#include "sim/simulate.hpp"
#include "tools/app/processes/isolate.hpp"
#include "tools/app/processes/message.hpp"
#include "tools/app/processes/worker_pool.hpp"

namespace bondsim::tools {
namespace {

using speculation::SampledPart;

/// A step that is to be timed: the number of its row, and which part of a round.
struct StepTask {
  int row = 0;
  int part = 0;
};
template <class Visitor>
void members(Visitor& v, StepTask& t) {
  v("row", t.row);
  v("part", t.part);
}
const char* message_schema(const StepTask&) { return "bondsim.step_task/1"; }

/// Mean over the NMP channels.
std::vector<std::pair<std::string, double>> nmp_parts(const Results& r) {
  TimeParts sum;
  int channels = 0;
  for (const ChannelResult& channel : r.channels) {
    if (channel.kind != "nmp") continue;
    sum.add_scaled(channel.time, 1);
    ++channels;
  }
  std::vector<std::pair<std::string, double>> parts;
  for (const auto& [name, time] : named_parts(sum)) {
    if (channels > 0 && time.value > 0) parts.emplace_back(name, to_seconds(time) / channels);
  }
  return parts;
}

class Study {
 public:
  Study(const Experiment& experiment, const SpeculationStudyOptions& options) : e_(experiment), options_(options) {
    out_.config = *e_.workload.speculation;
    out_.context = e_.workload.prompt_of(0) + std::max<std::int64_t>(1, e_.workload.generated_tokens / 2);
    out_.acceptances = options.acceptances;
    out_.judges = {cycles, "detailed", options.roofline};
    for (std::size_t j = 1; j < out_.judges.size(); ++j) forms_.push_back(cost::make_cost_model(out_.judges[j], &e_.system));
    for (const int batch : options.batches) {
      for (const int depth : options.depths) out_.rows.push_back({batch, depth, {}, {}});
    }
  }

  SpeculationStudy run() {
    for (DepthTimes& row : out_.rows) by_forms(row);
    if (std::none_of(out_.rows.begin(), out_.rows.end(), [](const DepthTimes& row) { return row.problem.empty(); })) {
      throw InfeasibleError(out_.rows.empty() ? "no batch and depth given" : out_.rows.front().problem);
    }
    by_cycles();
    return out_;
  }

 private:
  Workload workload_of(const DepthTimes& row, SampledPart part) const {
    Workload w = e_.workload;
    w.batch = row.batch;
    w.prompts.clear();
    w.prompt_tokens = e_.workload.prompt_of(0);
    w.speculation->depth = part == SampledPart::plain ? 0 : row.depth;
    return w;
  }

  std::unique_ptr<ScheduleSource> schedule(const DepthTimes& row, SampledPart part) const {
    return speculation::sample_schedule(
        speculation::make_plans(e_.system, e_.model, workload_of(row, part), e_.dataflow, e_.tiling, e_.draft), part, out_.context);
  }

  void by_forms(DepthTimes& row) {
    try {
      for (int part = 0; part < 4; ++part) {
        const auto blocks = schedule(row, static_cast<SampledPart>(part));
        for (Block block; blocks->next(block);) {
          for (std::size_t j = 1; j < out_.judges.size(); ++j) {
            row.times[out_.judges[j]][static_cast<std::size_t>(part)].seconds +=
                forms_[j - 1]->block_seconds(block, e_.system) * static_cast<double>(block.executions());
          }
        }
      }
    } catch (const InfeasibleError& error) {
      row.problem = error.what();
    }
  }

  StepTime simulated(const StepTask& task) const {
    const auto blocks = schedule(out_.rows[static_cast<std::size_t>(task.row)], static_cast<SampledPart>(task.part));
    const Results r = simulate(e_.system, *blocks);
    return {to_seconds(r.total), nmp_parts(r)};
  }

  /// Every step that the rows need, once: plain decode does not depend on the depth.
  std::vector<StepTask> tasks() const {
    std::vector<StepTask> list;
    std::set<int> plain;
    for (std::size_t i = 0; i < out_.rows.size(); ++i) {
      if (!out_.rows[i].problem.empty()) continue;
      for (int part = 0; part < 4; ++part) {
        if (part == 0 && !plain.insert(out_.rows[i].batch).second) continue;
        list.push_back({static_cast<int>(i), part});
      }
    }
    return list;
  }

  void by_cycles() {
    const std::vector<StepTask> list = tasks();
    std::vector<std::string> texts;
    texts.reserve(list.size());
    for (const StepTask& task : list) texts.push_back(encode(task));
    WorkerPool pool(std::min(worker_count(options_.jobs), static_cast<int>(texts.size())),
                    [&](const std::string& task) { return run_isolated([&] { return encode(simulated(decode<StepTask>(task))); }); });
    std::int64_t done = 0;
    WorkerPool::Callbacks callbacks;
    callbacks.answered = [&](std::size_t task, const std::string& answer) {
      keep(list[task], decode<StepTime>(answer));
      if (options_.progress) options_.progress(++done, static_cast<std::int64_t>(texts.size()));
    };
    callbacks.gave_up = [&](std::size_t task, const std::string& report) {
      out_.rows[static_cast<std::size_t>(list[task].row)].problem = report;
    };
    pool.run(texts, callbacks);
  }

  void keep(const StepTask& task, const StepTime& time) {
    const int batch = out_.rows[static_cast<std::size_t>(task.row)].batch;
    for (std::size_t i = 0; i < out_.rows.size(); ++i) {
      const bool shared = task.part == 0 && out_.rows[i].batch == batch;
      if (static_cast<int>(i) == task.row || shared) out_.rows[i].times[cycles][static_cast<std::size_t>(task.part)] = time;
    }
  }

  const Experiment& e_;
  const SpeculationStudyOptions& options_;
  SpeculationStudy out_;
  std::vector<std::unique_ptr<cost::CostModel>> forms_;  ///< the judges after the cycles
};

}  // namespace

SpeculationConfig SpeculationStudy::config_at(int depth, double acceptance) const {
  SpeculationConfig c = config;
  c.depth = depth;
  c.acceptance = {acceptance};
  c.trace.clear();
  return c;
}

double SpeculationStudy::token_seconds(const DepthTimes& row, const Judge& judge, double acceptance) const {
  const SpeculationConfig c = config_at(row.depth, acceptance);
  const RoundTime& t = row.times.at(judge);
  const double whole = speculation::expected_tokens(c) -
                       speculation::expected_tokens(config_at(row.depth - 1, acceptance));  // chance that the whole draft is accepted
  const double draft = t[2].seconds + whole * (t[3].seconds - t[2].seconds);
  return (t[1].seconds + draft) / speculation::expected_tokens(c);
}

std::vector<int> SpeculationStudy::batches() const {
  std::vector<int> list;
  for (const DepthTimes& row : rows) {
    if (std::find(list.begin(), list.end(), row.batch) == list.end()) list.push_back(row.batch);
  }
  return list;
}

const DepthTimes* SpeculationStudy::find(int batch, int depth) const {
  for (const DepthTimes& row : rows) {
    if (row.batch == batch && row.depth == depth && row.problem.empty()) return &row;
  }
  return nullptr;
}

int SpeculationStudy::best_depth(int batch, const Judge& judge, double acceptance) const {
  int best = 0;
  double least = std::numeric_limits<double>::infinity();
  for (const DepthTimes& row : rows) {
    if (row.batch != batch || !row.problem.empty()) continue;
    const double plain = plain_seconds(row, judge), token = token_seconds(row, judge, acceptance);
    if (best == 0) least = std::min(least, plain);
    if (token >= least) continue;
    least = token;
    best = row.depth;
  }
  return best;
}

double SpeculationStudy::break_even(const DepthTimes& row, const Judge& judge) const {
  const double plain = plain_seconds(row, judge);
  if (token_seconds(row, judge, 1) > plain) return 2;
  double low = 0, high = 1;
  for (int i = 0; i < 40; ++i) {
    const double middle = (low + high) / 2;
    (token_seconds(row, judge, middle) > plain ? low : high) = middle;
  }
  return high;
}

double SpeculationStudy::break_even(int batch, const Judge& judge) const {
  double least = 2;
  for (const DepthTimes& row : rows) {
    if (row.batch == batch && row.problem.empty()) least = std::min(least, break_even(row, judge));
  }
  return least;
}

SpeculationStudy study_speculation(const Experiment& experiment, const SpeculationStudyOptions& options) {
  return Study(experiment, options).run();
}

}  // namespace bondsim::tools
