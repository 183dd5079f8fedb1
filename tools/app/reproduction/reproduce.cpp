#include "tools/app/reproduction/reproduce.hpp"

#include <algorithm>
#include <set>

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
    if (is_message<StepTask>(text)) {
      const auto task = decode<StepTask>(text);
      return encode(judge_.step(task.cell, task.file, task.step));
    }
    if (is_message<GivenDataflowTask>(text)) {
      const auto task = decode<GivenDataflowTask>(text);
      return encode(judge_.plan_with(task.cell, task.file));
    }
    const auto task = decode<CellTask>(text);
    if (task.tier == "utilization") return encode(Utilization{judge_.in_die_utilization(task.cell.system, task.cell.batch)});
    if (task.tier == "cycle") return encode(judge_.plan(task.cell));
    return encode(judge_.roofline(task.cell, task.utilization));
  }

  ReproductionResult lead(TaskPool& pool) {
    const std::vector<std::string> tiers =
        request_.tier == "both" ? std::vector<std::string>{"analytical", "cycle"} : std::vector<std::string>{request_.tier};
    OutputDirectory directory(request_.out, "reproduce");
    Journal journal(place_of_directory(request_.out) + ".answers",
                    digest(inputs_.digest + forms_.inputs() + cycles_.inputs()) + " " BONDSIM_VERSION);
    const Way way{pool, journal, listener_};
    if (tiers[0] == "analytical") find_utilizations(way);
    for (const std::string& tier : tiers) tier == "cycle" ? judge_by_cycles(way) : judge_by_form(way);
    std::map<std::string, std::vector<JudgedDevice>> devices;
    for (const std::string& tier : tiers) devices[tier] = judge_devices(way, tier);
    ReproductionResult result;
    result.reproduction = reproduction_;
    result.splits = channel_split_table(inputs_, reproduction_);
    const Headlines headlines(reproduction_, inputs_, findings_, splits_of(result.splits));
    result.headlines = headlines.rows();
    write(directory, devices, result, headlines);
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

  /// @param chunk neighbours among the tasks that share work
  /// @return answers in the order of the tasks
  static std::vector<std::string> ask(const Way& way, const std::string& what, const std::vector<std::string>& tasks,
                                      std::size_t chunk = 1) {
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
    callbacks.chunk = chunk;
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

  bool in_die(std::size_t system) const { return inputs_.system({system}).nmp.placement == NmpPlacement::in_die; }

  void find_utilizations(const Way& way) {
    std::vector<std::string> tasks;
    std::vector<std::pair<std::string, std::int64_t>> keys;
    for (std::size_t s = 0; s < reproduction_.systems.size(); ++s) {
      for (const std::int64_t batch : reproduction_.batches) {
        if (!in_die(s)) continue;
        tasks.push_back(encode(CellTask{"utilization", {s, 0, 0, batch}}));
        keys.emplace_back(reproduction_.systems[s].name, batch);
      }
    }
    const auto answers = ask(way, "utilisation of in-die PEs", tasks);
    for (std::size_t i = 0; i < keys.size(); ++i) findings_.utilization[keys[i]] = decode<Utilization>(answers[i]).share;
  }

  /// Cells of a tier, each device once.
  std::vector<Cell> cells_of_tier(const std::string& tier) const {
    std::set<Cell> cells;
    const auto add = [&](const std::vector<Cell>& more) {
      for (const Cell& cell : more) cells.insert(inputs_.shared(cell));
    };
    for (const auto& experiment : reproduction_.experiments) add(cells_of(reproduction_, experiment, tier));
    for (std::size_t v = reproduction_.policies(); tier == "cycle" && v < reproduction_.variants().size(); ++v) {
      for (const std::size_t s : compared_systems()) add(cells_of(reproduction_, s, v, reproduction_.attribution.part));
    }
    return {cells.begin(), cells.end()};
  }

  /// Systems of headlines and sweeps.
  std::set<std::size_t> compared_systems() const {
    std::set<std::string> names;
    for (const Headline& h : reproduction_.headlines) {
      names.insert(h.over.begin(), h.over.end());
      if (!h.of.empty()) names.insert(h.of);
    }
    for (const Sweep& s : reproduction_.attribution.sweeps) {
      names.insert(s.systems.begin(), s.systems.end());
      names.insert(s.of);
    }
    std::set<std::size_t> systems;
    for (const std::string& name : names) systems.insert(index_of(reproduction_.systems, name));
    return systems;
  }

  void judge_by_form(const Way& way) {
    std::vector<std::string> tasks;
    const std::vector<Cell> cells = cells_of_tier("analytical");
    for (const Cell& c : cells) {
      const double utilization = in_die(c.system) ? findings_.utilization.at({reproduction_.systems[c.system].name, c.batch}) : 1;
      tasks.push_back(encode(CellTask{"analytical", c, utilization}));
    }
    const auto answers = ask(way, "runs", tasks);
    for (std::size_t i = 0; i < cells.size(); ++i) findings_.cells["analytical"][cells[i]] = decode<CellResult>(answers[i]);
  }

  static constexpr std::size_t same_machine = 12;  ///< cells in a row, which differ in data set and batch
  static constexpr std::size_t same_run = 3;       ///< steps in a row

  /// Every cell is planned; of steps that are equal in tasks and machine one is simulated for all.
  void judge_by_cycles(const Way& way) {
    const std::vector<Cell> cells = cells_of_tier("cycle");
    const std::vector<CellPlan> plans = plan_cells(way, cells);
    const auto outcomes = simulate(way, cells, plans);
    std::map<Cell, CellResult>& results = findings_.cells["cycle"];
    for (std::size_t i = 0; i < cells.size(); ++i) {
      std::vector<StepOutcome> steps;
      for (const auto& step : plans[i].steps) steps.push_back(outcomes.at(step.second));
      findings_.steps += steps.size();
      results[cells[i]] = cell_result(reproduction_, inputs_, cells[i], plans[i], steps);
    }
    findings_.simulated = outcomes.size();
    results = fastest_of_the_space(results);
  }

  /// A change keeps the dataflow that was found before it, so that it is the only change, unless it names another.
  bool keeps_dataflow(const Cell& cell) const {
    return cell.variant >= reproduction_.policies() && reproduction_.variants()[cell.variant].dataflow.empty();
  }

  std::vector<CellPlan> plan_cells(const Way& way, const std::vector<Cell>& cells) const {
    std::map<Cell, CellPlan> plans;
    std::vector<std::string> tasks;
    std::vector<Cell> asked;
    const auto answer_all = [&](std::size_t chunk) {
      const auto answers = ask(way, "dataflows of runs", tasks, chunk);
      for (std::size_t i = 0; i < asked.size(); ++i) plans[asked[i]] = decode<CellPlan>(answers[i]);
      tasks.clear();
      asked.clear();
    };
    for (const Cell& c : cells) {
      if (keeps_dataflow(c)) continue;
      tasks.push_back(encode(CellTask{"cycle", c}));
      asked.push_back(c);
    }
    answer_all(same_machine);
    for (const Cell& c : cells) {
      if (!keeps_dataflow(c)) continue;
      Cell before = c;
      before.variant = reproduction_.changed_policy();
      const auto found = plans.find(inputs_.shared(before));
      const bool given = found != plans.end() && !found->second.file.empty();
      tasks.push_back(given ? encode(GivenDataflowTask{c, found->second.file}) : encode(CellTask{"cycle", c}));
      asked.push_back(c);
    }
    answer_all(1);
    std::vector<CellPlan> in_order;
    in_order.reserve(cells.size());
    for (const Cell& c : cells) in_order.push_back(plans.at(c));
    return in_order;
  }

  /// Outcomes by key.
  std::map<std::string, StepOutcome> simulate(const Way& way, const std::vector<Cell>& cells, const std::vector<CellPlan>& plans) const {
    std::map<std::string, StepOutcome> outcomes;
    std::vector<std::string> tasks, keys;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      for (std::size_t step = 0; step < plans[i].steps.size(); ++step) {
        const std::string& key = plans[i].steps[step].second;
        if (!outcomes.emplace(key, StepOutcome{}).second) continue;
        tasks.push_back(encode(StepTask{cells[i], plans[i].file, step}));
        keys.push_back(key);
      }
    }
    const auto answers = ask(way, "steps of runs", tasks, same_run);
    for (std::size_t i = 0; i < keys.size(); ++i) outcomes[keys[i]] = decode<StepOutcome>(answers[i]);
    return outcomes;
  }

  /// A data-centric system may run what a narrower one on the same device runs. Its own dataflow is the best by a closed form; where cycles
  /// say that another is faster, it is that.
  std::map<Cell, CellResult> fastest_of_the_space(const std::map<Cell, CellResult>& results) const {
    std::map<Cell, CellResult> out = results;
    for (auto& [cell, result] : out) {
      const Inputs::Device& mine = inputs_.device(cell);
      const auto searched = searched_dataflow(mine.dataflow);
      if (!searched || !searched->data_centric) continue;
      Cell other = cell;
      for (other.system = 0; other.system < reproduction_.systems.size(); ++other.system) {
        const auto found = results.find(inputs_.shared(other));
        if (found == results.end() || !found->second.problem.empty() || inputs_.device(found->first).text != mine.text) continue;
        if (!result.problem.empty() || found->second.total_s_per_layer() < result.total_s_per_layer()) result = found->second;
      }
    }
    return out;
  }

  std::vector<JudgedDevice> judge_devices(const Way& way, const std::string& tier) const {
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

  void write(const OutputDirectory& directory, const std::map<std::string, std::vector<JudgedDevice>>& devices, ReproductionResult& result,
             const Headlines& headlines) const {
    const auto put = [&](const std::string& name, const CsvTable& table) {
      if (table.rows() > 0) directory.write(name, table.to_text());
    };
    for (const auto& e : reproduction_.experiments) put(e.name + ".csv", experiment_table(reproduction_, inputs_, e, findings_));
    put("architecture.csv", architecture_table(devices));
    put("in_die_utilization.csv", utilization_table(findings_));
    put("channel_split.csv", result.splits);
    directory.write("headlines.csv", headline_table(reproduction_, result.headlines).to_text());
    if (findings_.cells.count("cycle") == 0) return;
    put("changes.csv", change_table(reproduction_, headlines));
    for (const Sweep& sweep : reproduction_.attribution.sweeps) {
      result.sweeps.push_back(sweep_table(reproduction_, sweep, headlines));
      put(sweep.name + ".csv", result.sweeps.back());
    }
  }

  static std::vector<double> splits_of(const CsvTable& splits) {
    std::vector<double> values;
    for (std::size_t i = 0; i < splits.rows(); ++i) values.push_back(splits.number(i, "worst_over_best_transfer", 1, 1e6));
    return values;
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
