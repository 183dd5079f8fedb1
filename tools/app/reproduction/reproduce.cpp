#include "tools/app/reproduction/reproduce.hpp"

#include <algorithm>

#include "models/base/digest.hpp"
#include "tools/app/experiment/shipped.hpp"
#include "tools/app/exploration/cycle_evaluator.hpp"
#include "tools/app/output/journal.hpp"
#include "tools/app/output/output_directory.hpp"
#include "tools/app/output/place.hpp"
#include "tools/app/processes/message.hpp"
#include "tools/app/processes/pool.hpp"
#include "tools/app/reproduction/tasks.hpp"

namespace bondsim::tools {
namespace {

/// The experiments with everything they need; the same in the leading process and in the workers.
class Experiments {
 public:
  Experiments(const ReproductionRequest& request, ReproductionListener& listener)
      : request_(request),
        listener_(listener),
        reproduction_(load(request)),
        inputs_(reproduction_),
        judge_(reproduction_, inputs_),
        form_space_(search::decode_space(load_yaml_file(reproduction_.path(reproduction_.architecture.analytical)))),
        cycle_space_(search::decode_space(load_yaml_file(reproduction_.path(reproduction_.architecture.cycle)))),
        forms_(form_space_, "h2llm-roofline"),
        cycles_(cycle_space_) {}

  /// Answers a CellTask, or a task of judge_task.
  std::string work(const std::string& text) {
    if (text.empty() || text[0] != '{') return search::judge_task({&forms_, &cycles_}, text);
    const auto task = decode<CellTask>(text);
    if (task.tier == "utilization") return encode(Utilization{judge_.in_die_utilization(task.cell.system, task.cell.batch)});
    return encode(task.tier == "cycle" ? judge_.cycle(task.cell) : judge_.roofline(task.cell, task.utilization));
  }

  ReproductionResult lead(TaskPool& pool) {
    const std::vector<std::string> tiers =
        request_.tier == "both" ? std::vector<std::string>{"analytical", "cycle"} : std::vector<std::string>{request_.tier};
    OutputDirectory directory(request_.out, "reproduce");
    Journal journal(place_of_directory(request_.out) + ".answers",
                    digest(inputs_.digest + forms_.inputs() + cycles_.inputs()) + " " BONDSIM_VERSION);
    const Way way{pool, journal, listener_};
    if (tiers[0] == "analytical") find_utilizations(way);
    for (const std::string& tier : tiers) judge_cells(way, tier);
    std::map<std::string, std::vector<JudgedDevice>> devices;
    for (const std::string& tier : tiers) devices[tier] = judge_devices(way, tier);
    ReproductionResult result;
    result.reproduction = reproduction_;
    result.headlines = headline_table(reproduction_, findings_);
    result.splits = channel_split_table(inputs_, reproduction_);
    write(directory, devices, result);
    result.findings = findings_;
    result.files = list_of(directory.commit());
    journal.remove();
    return result;
  }

 private:
  static Reproduction load(const ReproductionRequest& request) {
    Reproduction reproduction = load_reproduction(find_input(request.config, {"reproduce"}));
    if (request.quick) reproduction.restrict_to(reproduction.quick);
    reproduction.restrict_to(request.part);
    return reproduction;
  }

  /// How answers are had: from the workers, or from an earlier run.
  struct Way {
    TaskPool& pool;
    Journal& journal;
    ReproductionListener& listener;
  };

  /// @return answers in the order of the tasks
  static std::vector<std::string> ask(Way way, const std::string& what, const std::vector<std::string>& tasks) {
    TaskPool& pool = way.pool;
    Journal& journal = way.journal;
    std::vector<std::string> answers(tasks.size());
    std::vector<std::string> open;
    std::vector<std::size_t> number;
    for (std::size_t i = 0; i < tasks.size(); ++i) {
      if (const std::string* known = journal.find(tasks[i])) {
        answers[i] = *known;
      } else {
        open.push_back(tasks[i]);
        number.push_back(i);
      }
    }
    std::string given_up;
    const auto all = static_cast<std::int64_t>(tasks.size());
    auto done = static_cast<std::int64_t>(tasks.size() - open.size());
    TaskPool::Callbacks callbacks;
    callbacks.answered = [&](std::size_t task, const std::string& answer) {
      answers[number[task]] = answer;
      journal.add(open[task], answer);
      way.listener.progress(++done, all);
    };
    callbacks.gave_up = [&](std::size_t, const std::string& report) { given_up = report; };
    callbacks.died = [&](const std::string& report) { way.listener.report(report); };
    callbacks.stop = [&] { return !given_up.empty(); };
    pool.run(open, callbacks);
    way.listener.stage_ended();
    if (!given_up.empty()) throw InternalError(fmt::format("{}: {}", what, given_up));
    return answers;
  }

  bool in_die(std::size_t system) const { return inputs_.systems[system].nmp.placement == NmpPlacement::in_die; }

  void find_utilizations(Way way) {
    std::vector<std::string> tasks;
    std::vector<std::pair<std::string, std::int64_t>> keys;
    for (std::size_t s = 0; s < inputs_.systems.size(); ++s) {
      for (const std::int64_t batch : reproduction_.batches) {
        if (!in_die(s)) continue;
        tasks.push_back(encode(CellTask{"utilization", {s, 0, 0, batch}}));
        keys.emplace_back(reproduction_.systems[s].name, batch);
      }
    }
    const auto answers = ask(way, "utilisation of in-die PEs", tasks);
    for (std::size_t i = 0; i < keys.size(); ++i) findings_.utilization[keys[i]] = decode<Utilization>(answers[i]).share;
  }

  void judge_cells(Way way, const std::string& tier) {
    std::map<Cell, CellResult>& results = findings_.cells[tier];
    for (const auto& experiment : reproduction_.experiments) {
      for (const Cell& cell : cells_of(reproduction_, experiment, tier)) results[cell];
    }
    std::vector<std::string> tasks;
    std::vector<Cell> cells;
    for (const auto& entry : results) {
      const Cell& c = entry.first;
      const bool scaled = tier == "analytical" && in_die(c.system);
      const double utilization = scaled ? findings_.utilization.at({reproduction_.systems[c.system].name, c.batch}) : 1;
      tasks.push_back(encode(CellTask{tier, c, utilization}));
      cells.push_back(c);
    }
    const auto answers = ask(way, "runs", tasks);
    for (std::size_t i = 0; i < cells.size(); ++i) results[cells[i]] = decode<CellResult>(answers[i]);
    if (tier == "cycle") results = fastest_of_the_space(results);
  }

  /// A data-centric system may run what a narrower one on the same device runs. Its own dataflow is the best by a closed form; where cycles
  /// say that another is faster, it is that.
  std::map<Cell, CellResult> fastest_of_the_space(const std::map<Cell, CellResult>& results) const {
    std::map<Cell, CellResult> out = results;
    for (auto& [cell, result] : out) {
      const ReproducedSystem& mine = reproduction_.systems[cell.system];
      if (mine.dataflow != "data_centric") continue;
      Cell other = cell;
      for (other.system = 0; other.system < reproduction_.systems.size(); ++other.system) {
        const ReproducedSystem& theirs = reproduction_.systems[other.system];
        const auto found = results.find(other);
        if (found == results.end() || !found->second.problem.empty() || theirs.system != mine.system || theirs.set != mine.set) continue;
        if (!result.problem.empty() || found->second.total_s_per_layer() < result.total_s_per_layer()) result = found->second;
      }
    }
    return out;
  }

  std::vector<JudgedDevice> judge_devices(Way way, const std::string& tier) const {
    const search::DesignSpace& space = tier == "cycle" ? cycle_space_ : form_space_;
    // A part of the experiments has a part of the devices.
    const bool all = !request_.quick && request_.part.models.empty() && request_.part.datasets.empty() && request_.part.batches.empty();
    const std::int64_t step = all ? 1 : 8;
    std::vector<std::string> tasks;
    std::vector<JudgedDevice> devices;
    for (std::int64_t i = 0; i < space.size(); i += step) {
      tasks.push_back(search::judging_task(tier, space.candidate(i)));
      devices.push_back({space.settings(space.candidate(i)), {}, false});
    }
    const auto answers = ask(way, "devices", tasks);
    for (std::size_t i = 0; i < devices.size(); ++i) devices[i].evaluation = search::evaluation_from_json(answers[i]);
    const auto beats = [&](const JudgedDevice& a, const JudgedDevice& b) {
      bool better = false;
      for (const auto& metric : space.objectives) {
        const double x = a.evaluation.metrics.at(metric);
        const double y = b.evaluation.metrics.at(metric);
        if (x > y) return false;
        better = better || x < y;
      }
      return better;
    };
    for (JudgedDevice& device : devices) {
      device.in_front = device.evaluation.feasible && std::none_of(devices.begin(), devices.end(), [&](const JudgedDevice& other) {
                          return other.evaluation.feasible && beats(other, device);
                        });
    }
    return devices;
  }

  void write(const OutputDirectory& directory, const std::map<std::string, std::vector<JudgedDevice>>& devices,
             const ReproductionResult& result) const {
    const auto put = [&](const std::string& name, const CsvTable& table) {
      if (table.rows() > 0) directory.write(name, table.to_text());
    };
    for (const auto& e : reproduction_.experiments) put(e.name + ".csv", experiment_table(reproduction_, inputs_, e, findings_));
    put("architecture.csv", architecture_table(devices));
    put("in_die_utilization.csv", utilization_table(findings_));
    put("channel_split.csv", result.splits);
    directory.write("headlines.csv", result.headlines.to_text());
  }

  ReproductionRequest request_;
  ReproductionListener& listener_;
  Reproduction reproduction_;
  Inputs inputs_;
  CellJudge judge_;
  search::DesignSpace form_space_;
  search::DesignSpace cycle_space_;
  search::RooflineEvaluator forms_;
  CycleEvaluator cycles_;
  Findings findings_;
};

}  // namespace

std::optional<ReproductionResult> reproduce(const ReproductionRequest& request, ReproductionListener& listener) {
  Experiments experiments(request, listener);
  std::optional<ReproductionResult> result;
  lead_or_serve(
      request.jobs, [&](const std::string& task) { return experiments.work(task); },
      [&](TaskPool& pool) {
        result = experiments.lead(pool);
        return 0;
      });
  return result;
}

}  // namespace bondsim::tools
