#include <algorithm>
#include <memory>
#include <sstream>

#include "models/base/digest.hpp"
#include "tools/app/cycle_evaluator.hpp"
#include "tools/app/processes/output_directory.hpp"
#include "tools/app/processes/pool.hpp"
#include "tools/app/progress.hpp"
#include "tools/app/reproduction/journal.hpp"
#include "tools/app/reproduction/tables.hpp"
#include "tools/app/shipped.hpp"
#include "tools/commands/commands.hpp"

namespace bondsim::tools {
namespace {

struct Options {
  std::string paper;
  std::string config;
  std::string tier = "both";
  std::string out;
  bool quick = false;
  QuickPart part;
  int jobs = 0;
};

/// The experiments with everything they need; the same in the leading process and in the workers.
class Experiments {
 public:
  explicit Experiments(const Options& options)
      : options_(options),
        reproduction_(load(options)),
        inputs_(reproduction_),
        judge_(reproduction_, inputs_),
        form_space_(search::decode_space(load_yaml_file(reproduction_.path(reproduction_.architecture.analytical)))),
        cycle_space_(search::decode_space(load_yaml_file(reproduction_.path(reproduction_.architecture.cycle)))),
        forms_(form_space_, "h2llm-roofline"),
        cycles_(cycle_space_) {}

  /// `utilization S B`, `cell TIER S M D B UTILIZATION`, or a task of judge_task.
  std::string work(const std::string& task) {
    std::istringstream text(task);
    std::string what;
    text >> what;
    Cell cell;
    if (what == "utilization") {
      text >> cell.system >> cell.batch;
      return fmt::format("{:.17g}", judge_.in_die_utilization(cell.system, cell.batch));
    }
    if (what != "cell") return search::judge_task({&forms_, &cycles_}, task);
    std::string tier;
    double utilization = 1;
    text >> tier >> cell.system >> cell.model >> cell.dataset >> cell.batch >> utilization;
    return to_json(tier == "cycle" ? judge_.cycle(cell) : judge_.roofline(cell, utilization));
  }

  int lead(TaskPool& pool) {
    const std::vector<std::string> tiers =
        options_.tier == "both" ? std::vector<std::string>{"analytical", "cycle"} : std::vector<std::string>{options_.tier};
    Journal journal(options_.out + ".answers", digest(inputs_.digest + forms_.inputs() + cycles_.inputs()) + " " BONDSIM_VERSION);
    const Way way{pool, journal};
    if (tiers[0] == "analytical") find_utilizations(way);
    for (const std::string& tier : tiers) judge_cells(way, tier);
    std::map<std::string, std::vector<JudgedDevice>> devices;
    for (const std::string& tier : tiers) devices[tier] = judge_devices(way, tier);
    write(devices);
    journal.remove();
    return 0;
  }

 private:
  static Reproduction load(const Options& options) {
    Reproduction reproduction = load_reproduction(find_input(options.config));
    if (options.quick) reproduction.restrict_to(reproduction.quick);
    reproduction.restrict_to(options.part);
    return reproduction;
  }

  /// How answers are had: from the workers, or from an earlier run.
  struct Way {
    TaskPool& pool;
    Journal& journal;
  };

  /// @return answers in the order of the tasks
  static std::vector<std::string> ask(Way way, const std::string& what, const std::vector<std::string>& tasks) {
    auto& [pool, journal] = way;
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
    ProgressBar bar(static_cast<std::int64_t>(tasks.size()));
    std::string given_up;
    auto done = static_cast<std::int64_t>(tasks.size() - open.size());
    TaskPool::Callbacks callbacks;
    callbacks.answered = [&](std::size_t task, const std::string& answer) {
      answers[number[task]] = answer;
      journal.add(open[task], answer);
      bar.show(++done);
    };
    callbacks.gave_up = [&](std::size_t, const std::string& report) { given_up = report; };
    callbacks.died = [&](const std::string& report) { fmt::print(stderr, "bondsim: {}\n", report); };
    callbacks.stop = [&] { return !given_up.empty(); };
    pool.run(open, callbacks);
    bar.clear();
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
        tasks.push_back(fmt::format("utilization {} {}", s, batch));
        keys.emplace_back(reproduction_.systems[s].name, batch);
      }
    }
    const auto answers = ask(way, "utilisation of in-die PEs", tasks);
    for (std::size_t i = 0; i < keys.size(); ++i) findings_.utilization[keys[i]] = std::stod(answers[i]);
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
      tasks.push_back(fmt::format("cell {} {} {} {} {} {:.17g}", tier, c.system, c.model, c.dataset, c.batch, utilization));
      cells.push_back(c);
    }
    const auto answers = ask(way, "runs", tasks);
    for (std::size_t i = 0; i < cells.size(); ++i) results[cells[i]] = cell_from_json(answers[i]);
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
    const bool all = !options_.quick && options_.part.models.empty() && options_.part.datasets.empty() && options_.part.batches.empty();
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

  void write(const std::map<std::string, std::vector<JudgedDevice>>& devices) const {
    OutputDirectory directory(options_.out, "headlines.csv");
    std::string files;
    const auto put = [&](const std::string& name, const CsvTable& table) {
      if (table.rows() == 0) return;
      directory.write(name, table.to_text());
      files += (files.empty() ? "" : ", ") + name;
    };
    for (const auto& e : reproduction_.experiments) put(e.name + ".csv", experiment_table(reproduction_, inputs_, e, findings_));
    put("architecture.csv", architecture_table(devices));
    put("in_die_utilization.csv", utilization_table(findings_));
    const CsvTable splits = channel_split_table(inputs_, reproduction_);
    put("channel_split.csv", splits);
    const CsvTable headlines = headline_table(reproduction_, findings_);
    directory.write("headlines.csv", headlines.to_text());
    directory.commit();
    print(headlines);
    print_splits(splits);
    print_shares();
    fmt::print("written to {}: {}, headlines.csv\n", options_.out, files);
  }

  void print(const CsvTable& headlines) const {
    std::size_t problems = 0;
    for (const auto& tier : findings_.cells) {
      fmt::print("tier {}: {} runs{}\n", tier.first, tier.second.size(),
                 tier.first == "cycle"
                     ? fmt::format("; simulated of each: one layer of the prefill and of {} decode steps", reproduction_.decode_samples)
                     : std::string("; no energy in this tier"));
      for (const auto& cell : tier.second) problems += cell.second.problem.empty() ? 0 : 1;
    }
    if (problems > 0) fmt::print("{} runs have no result, see their column `problem`\n", problems);
    if (!findings_.utilization.empty()) {
      fmt::print("in-die PEs: the paper's table of utilisations is not published; measured on the cycle model instead\n");
      for (const auto& [key, value] : findings_.utilization) fmt::print("  {:<12} batch {:>2}: {:.3f}\n", key.first, key.second, value);
    }
    fmt::print("{:<62}{:<12}{:>10}{:>8}  runs\n", "headline", "tier", "published", "found");
    for (std::size_t i = 0; i < headlines.rows(); ++i) {
      fmt::print("{:<62}{:<12}{:>10}{:>8.2f}{} {}\n", headlines.text(i, "headline"), headlines.text(i, "tier"),
                 headlines.text(i, "published"), headlines.number(i, "found", 0, 1e12), headlines.text(i, "reached") == "yes" ? " " : "*",
                 headlines.text(i, "runs"));
    }
    fmt::print("* below the published figure\n");
  }

  /// Of the data-centric systems: the share of time the paper gives for its own.
  void print_shares() const {
    const auto cells = findings_.cells.find("cycle");
    if (cells == findings_.cells.end()) return;
    for (std::size_t s = 0; s < reproduction_.systems.size(); ++s) {
      if (reproduction_.systems[s].dataflow != "data_centric") continue;
      std::vector<double> transfers, waits;
      for (const auto& [cell, result] : cells->second) {
        if (cell.system != s || !result.problem.empty()) continue;
        transfers.push_back(100 * result.decode_transfer_share);
        waits.push_back(100 * result.decode_wait_share);
      }
      if (transfers.empty()) continue;
      const auto [least, most] = std::minmax_element(transfers.begin(), transfers.end());
      const auto [least_wait, most_wait] = std::minmax_element(waits.begin(), waits.end());
      fmt::print(
          "{}, NMP channels in decode: transfers and changes of mode {:.1f} to {:.1f} % of the time, waiting for others {:.1f} to {:.1f} "
          "%\n",
          reproduction_.systems[s].name, *least, *most, *least_wait, *most_wait);
    }
  }

  static void print_splits(const CsvTable& splits) {
    double least = 1e300;
    double most = 0;
    for (std::size_t i = 0; i < splits.rows(); ++i) {
      const double ratio = splits.number(i, "worst_over_best_transfer", 1, 1e6);
      least = std::min(least, ratio);
      most = std::max(most, ratio);
    }
    fmt::print("transfers of the worst channel split over the best: {:.2f} to {:.2f}, published 1.5 to 5.4\n", least, most);
  }

  Options options_;
  Reproduction reproduction_;
  Inputs inputs_;
  CellJudge judge_;
  search::DesignSpace form_space_;
  search::DesignSpace cycle_space_;
  search::RooflineEvaluator forms_;
  CycleEvaluator cycles_;
  Findings findings_;
};

int reproduce(Options options) {
  if (options.config.empty()) options.config = "configs/reproduce/" + options.paper + ".yaml";
  Experiments experiments(options);
  return lead_or_serve(
      options.jobs, [&](const std::string& task) { return experiments.work(task); },
      [&](TaskPool& pool) { return experiments.lead(pool); });
}

}  // namespace

void add_reproduce(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("reproduce", "a paper's experiments, as tables beside its own figures");
  command->add_option("PAPER", options->paper, "h2llm (ISCA'25)")->required()->check(CLI::IsMember({"h2llm"}));
  command->add_option("--config", options->config, "experiments (bondsim.reproduction/1) instead of configs/reproduce/PAPER.yaml");
  command->add_option("--tier", options->tier, "analytical (the paper's roofline), cycle (simulation), or both")
      ->check(CLI::IsMember({"analytical", "cycle", "both"}))
      ->capture_default_str();
  command->add_option("--out", options->out, "directory for the tables")->required();
  command->add_flag("--quick", options->quick, "one model, data set and batch, fewer devices");
  command->add_option("--models", options->part.models, "only these, e.g. llama,opt")->delimiter(',');
  command->add_option("--datasets", options->part.datasets, "only these, e.g. he,lb")->delimiter(',');
  command->add_option("--batches", options->part.batches, "these instead of the file's, e.g. 1,16")
      ->delimiter(',')
      ->check(CLI::Range(1, 4096));
  command->add_option("-j,--jobs", options->jobs, "worker processes; 0: one a processor")
      ->check(CLI::Range(0, 1024))
      ->capture_default_str();
  command->footer("Example:\n  bondsim reproduce h2llm --tier analytical --out out/h2llm\n  tools/plot_reproduce.py out/h2llm");
  command->callback([options, &action] { action = [options] { return reproduce(*options); }; });
}

}  // namespace bondsim::tools
