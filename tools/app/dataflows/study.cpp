#include "tools/app/dataflows/study.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/emit/mapper.hpp"
#include "sim/simulate.hpp"
#include "tools/app/dataflows/candidates.hpp"
#include "tools/app/processes/isolate.hpp"
#include "tools/app/processes/worker_pool.hpp"

namespace bondsim::tools {
namespace {

std::unique_ptr<ScheduleSource> schedule_of(const Experiment& e, const Dataflow& dataflow, std::int64_t decode_samples) {
  return make_schedule(make_plan(e.system, e.model, e.workload, dataflow, e.tiling), {decode_samples, false});
}

ConfirmedRun simulated(const Experiment& e, const Dataflow& dataflow, std::int64_t decode_samples) {
  const Results r = simulate(e.system, *schedule_of(e, dataflow, decode_samples));
  return {{to_seconds(r.prefill), to_seconds(r.decode())}, to_joules(r.energy_total)};
}

class Study {
 public:
  Study(const Experiment& experiment, const DataflowStudyOptions& options)
      : e_(experiment), options_(options), all_(dataflow_candidates(experiment, options.files)) {}

  DataflowStudy run() {
    for (std::size_t i = 0; i < all_.size(); ++i) estimate(i);
    require_one();
    sort_by_estimate();
    refine();
    sort_by_estimate();
    confirm();
    std::stable_sort(all_.begin(), all_.end(), [](const RankedDataflow& a, const RankedDataflow& b) {
      if (a.confirmed.has_value() != b.confirmed.has_value()) return a.confirmed.has_value();
      return a.confirmed && a.confirmed->times.total_s() < b.confirmed->times.total_s();
    });
    return {all_, search::machine_bound(e_.system, e_.model, e_.workload)};
  }

 private:
  void show(const char* what, std::size_t done, std::size_t total) const {
    if (options_.progress) options_.progress(what, static_cast<int>(done), static_cast<int>(total));
  }

  void estimate(std::size_t i) {
    show("estimated", i, all_.size());
    RankedDataflow& candidate = all_[i];
    if (!candidate.problem.empty()) return;
    try {
      candidate.estimate = estimated_times(e_, candidate.dataflow, options_.decode_samples);
    } catch (const ConfigError& error) {
      candidate.problem = error.what();  // made for other channels, or another model
    } catch (const InfeasibleError& error) {
      candidate.problem = error.what();
    }
  }

  void require_one() const {
    const bool any = std::any_of(all_.begin(), all_.end(), [](const RankedDataflow& c) { return c.problem.empty(); });
    if (!any) throw InfeasibleError(fmt::format("no dataflow runs: {}", all_.front().problem));
  }

  void sort_by_estimate() {
    std::stable_sort(all_.begin(), all_.end(), [](const RankedDataflow& a, const RankedDataflow& b) {
      if (a.problem.empty() != b.problem.empty()) return a.problem.empty();
      return a.problem.empty() && a.estimate.total_s() < b.estimate.total_s();
    });
  }

  /// From the best candidate with groups and the best without.
  void refine() {
    int budget = options_.refinements;
    std::vector<RankedDataflow> refined;
    for (const bool grouped : {false, true}) {
      const auto best = std::find_if(all_.begin(), all_.end(),
                                     [&](const RankedDataflow& c) { return c.problem.empty() && c.dataflow.groups.empty() != grouped; });
      if (best == all_.end() || budget <= 0) continue;
      show("refined", refined.size(), 2);
      int share = grouped ? budget : budget / 2;
      const int given = share;
      refined.push_back(refined_dataflow(e_, *best, options_.decode_samples, share));
      budget -= given - share;
      if (refined.back().estimate.total_s() >= best->estimate.total_s()) refined.pop_back();
    }
    all_.insert(all_.end(), refined.begin(), refined.end());
  }

  bool to_be_confirmed(std::size_t i) const {
    const RankedDataflow& c = all_[i];
    if (!c.problem.empty()) return false;
    if (i < static_cast<std::size_t>(options_.confirm) || c.origin != DataflowOrigin::found) return true;
    return c.estimate.total_s() <= all_.front().estimate.total_s() * (1 + form_margin);
  }

  void confirm() {
    std::vector<std::string> tasks;
    for (std::size_t i = 0; i < all_.size(); ++i) {
      if (to_be_confirmed(i)) tasks.push_back(std::to_string(i));
    }
    WorkerPool pool(std::min(worker_count(options_.jobs), static_cast<int>(tasks.size())), [&](const std::string& task) {
      return run_isolated([&] {
        const ConfirmedRun run = simulated(e_, all_[std::stoul(task)].dataflow, options_.decode_samples);
        return nlohmann::json{run.times.prefill_s, run.times.decode_s, run.energy_j}.dump();
      });
    });
    std::size_t done = 0;
    WorkerPool::Callbacks callbacks;
    callbacks.answered = [&](std::size_t task, const std::string& answer) {
      const auto values = nlohmann::json::parse(answer);
      all_[std::stoul(tasks[task])].confirmed = ConfirmedRun{{values[0], values[1]}, values[2]};
      show("simulated", ++done, tasks.size());
    };
    callbacks.gave_up = [&](std::size_t task, const std::string& report) { all_[std::stoul(tasks[task])].problem = report; };
    pool.run(tasks, callbacks);
  }

  const Experiment& e_;
  const DataflowStudyOptions& options_;
  std::vector<RankedDataflow> all_;
};

}  // namespace

const RankedDataflow& DataflowStudy::winner() const {
  if (ranking.empty() || !ranking.front().confirmed) throw InfeasibleError("no dataflow was simulated");
  return ranking.front();
}

RunTimes estimated_times(const Experiment& experiment, const Dataflow& dataflow, std::int64_t decode_samples) {
  const auto form = cost::make_cost_model("detailed", &experiment.system);
  const auto schedule = schedule_of(experiment, dataflow, decode_samples);
  RunTimes times;
  double now = 0;
  for (Block block; schedule->next(block);) {
    const double seconds = form->block_seconds(block, experiment.system, now);
    now += seconds;
    (block.phase == Phase::prefill ? times.prefill_s : times.decode_s) += seconds * static_cast<double>(block.executions());
  }
  return times;
}

DataflowStudy study_dataflows(const Experiment& experiment, const DataflowStudyOptions& options) {
  require_uniform(experiment.system, "a study of dataflows");
  return Study(experiment, options).run();
}

}  // namespace bondsim::tools
