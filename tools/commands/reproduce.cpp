#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <optional>

#include "tools/app/experiment/progress.hpp"
#include "tools/app/reproduction/reproduce.hpp"
#include "tools/commands/commands.hpp"

namespace bondsim::tools {
namespace {

struct ReproduceOptions {
  std::string paper;
  ReproductionRequest request;
};

/// A bar a stage on the terminal.
class ReproductionBar final : public ReproductionListener {
 public:
  void progress(std::int64_t done, std::int64_t all) override {
    if (!bar_) bar_.emplace(all);
    bar_->show(done);
  }
  void stage_ended() override {
    if (bar_) bar_->clear();
    bar_.reset();
  }
  void report(const std::string& text) override { fmt::print(stderr, "bondsim: {}\n", text); }

 private:
  std::optional<ProgressBar> bar_;
};

void print_runs(const ReproductionResult& result) {
  const Findings& found = result.findings;
  std::size_t problems = 0;
  for (const auto& [tier, cells] : found.cells) {
    if (tier == "cycle") {
      fmt::print("tier cycle: {} runs of one layer, the prefill and {} decode steps each; of their {} steps {} differ and were simulated\n",
                 cells.size(), result.reproduction.decode_samples, found.steps, found.simulated);
    } else {
      fmt::print("tier {}: {} runs; no energy in this tier\n", tier, cells.size());
    }
    for (const auto& cell : cells) problems += cell.second.problem.empty() ? 0 : 1;
  }
  if (problems > 0) fmt::print("{} runs have no result, see their column `problem`\n", problems);
  if (found.utilization.empty()) return;
  fmt::print("in-die PEs: the paper's table of utilisations is not published; measured on the cycle model instead\n");
  for (const auto& [key, value] : found.utilization) fmt::print("  {:<12} batch {:>2}: {:.3f}\n", key.first, key.second, value);
}

std::string figure_text(const HeadlineRow& row, const std::vector<double>& values) {
  if (values.empty()) return "-";
  if (values.size() == 1) return fmt::format("{:.2f}", values[0]);
  if (row.headline.metric == "channel_split") return fmt::format("{:.2f} to {:.2f}", values[0], values[1]);
  return fmt::format("{:.1f} to {:.1f} %", values[0], values[1]);
}

/// Ours over the published figure.
std::string ratio_text(const HeadlineRow& row) {
  const std::vector<double> published = row.published();
  std::string text;
  for (std::size_t i = 0; i < published.size(); ++i) text += fmt::format("{}{:.2f}", i > 0 ? ", " : "", row.found.values[i] / published[i]);
  return text + (row.differs() ? "*" : "");
}

/// The rows of a headline side by side: a column for the closed form and one for each row policy.
void print_headlines(const ReproductionResult& result) {
  std::vector<std::string> columns, names;
  std::map<std::string, std::map<std::string, const HeadlineRow*>> cells;
  const auto column_of = [&](const HeadlineRow& row) {
    return row.tier == "cycle" ? result.reproduction.row_policies[row.policy].name : "closed form";
  };
  const auto add_new = [](std::vector<std::string>& list, const std::string& name) {
    if (std::find(list.begin(), list.end(), name) == list.end()) list.push_back(name);
  };
  for (const HeadlineRow& row : result.headlines) {
    add_new(columns, column_of(row));
    add_new(names, row.headline.name);
    cells[row.headline.name][column_of(row)] = &row;
  }
  fmt::print("{:<58}{:>16}", "headline", "published");
  for (const std::string& column : columns) fmt::print(" |{:>17}  {:<11}", column, "ratio");
  for (const std::string& name : names) {
    fmt::print("\n{:<58}{:>16}", name, figure_text(*cells[name].begin()->second, cells[name].begin()->second->published()));
    for (const std::string& column : columns) {
      const HeadlineRow* row = cells[name][column];
      fmt::print(" |{:>17}  {:<11}", row ? figure_text(*row, row->found.values) : "", row ? ratio_text(*row) : "");
    }
  }
  fmt::print("\n");
}

void print_causes(const ReproductionResult& result) {
  bool any = false;
  for (const HeadlineRow& row : result.headlines) {
    if (row.tier != "cycle" || !row.differs()) continue;
    if (!std::exchange(any, true))
      fmt::print("* more than 10 % off the published figure. What brings it nearest, of all that was changed (changes.csv):\n");
    const std::string where = fmt::format("  {}, {}: {}", row.headline.name, result.reproduction.row_policies[row.policy].name,
                                          figure_text(row, row.found.values));
    if (row.cause) {
      fmt::print("{}; {} with: {} ({} runs)\n", where, figure_text(row, row.cause->moved.values), row.cause->change, row.cause->runs);
    } else {
      fmt::print("{}; no change brings it nearer by a quarter\n", where);
    }
  }
}

void print_sweeps(const ReproductionResult& result) {
  const auto& sweeps = result.reproduction.attribution.sweeps;
  for (std::size_t s = 0; s < result.sweeps.size(); ++s) {
    const CsvTable& table = result.sweeps[s];
    fmt::print("{} of {}: {} over it, all batches\n", sweeps[s].key, fmt::join(sweeps[s].systems, " and "), sweeps[s].of);
    fmt::print("  {:<10}{:<12}{:>10}{:>16}{:>16}{:>26}\n", "value", "system", "speed-up", "decode speed-up", "decode energy",
               "by the paper's energies");
    for (std::size_t i = 0; i < table.rows(); ++i) {
      if (table.text(i, "batch") != "all" || !table.has(i, "speedup")) continue;
      fmt::print("  {:<10}{:<12}{:>10.2f}{:>16.2f}{:>16.2f}{:>26.2f}\n", table.text(i, "value"), table.text(i, "system"),
                 table.number(i, "speedup", 0, 1e9), table.number(i, "decode_speedup", 0, 1e9), table.number(i, "decode_energy", 0, 1e9),
                 table.number(i, "decode_energy_paper_table", 0, 1e9));
    }
  }
}

int reproduce(const ReproduceOptions& options) {
  ReproductionRequest request = options.request;
  if (request.config.empty()) request.config = "configs/reproduce/" + options.paper + ".yaml";
  ReproductionBar bar;
  const auto result = reproduce(request, bar);
  if (!result) return 0;  // a rank that worked for another
  print_runs(*result);
  print_headlines(*result);
  print_causes(*result);
  print_sweeps(*result);
  fmt::print("written to {}: {}\n", request.out, result->files);
  return 0;
}

}  // namespace

void add_reproduce(Command& app, Action& action) {
  auto options = std::make_shared<ReproduceOptions>();
  Command* command = app.add_subcommand("reproduce", "a paper's experiments, as tables beside its own figures");
  command->add_option("PAPER", options->paper, "h2llm (ISCA'25)")->required()->one_of({"h2llm"});
  command->add_option("--config", options->request.config, "experiments (bondsim.reproduction/1) instead of configs/reproduce/PAPER.yaml");
  command->add_option("--tier", options->request.tier, "analytical (the paper's roofline), cycle (simulation), or both")
      ->one_of({"analytical", "cycle", "both"})
      ->capture_default_str();
  command->add_option("-o,--out", options->request.out, "directory for the tables")->required();
  command->add_flag("--quick", options->request.quick, "one model, data set and batch, fewer devices");
  command->add_option("--models", options->request.part.models, "only these, e.g. llama,opt")->delimiter(',');
  command->add_option("--datasets", options->request.part.datasets, "only these, e.g. he,lb")->delimiter(',');
  command->add_option("--batches", options->request.part.batches, "these instead of the file's, e.g. 1,16")->delimiter(',')->range(1, 4096);
  command->add_option("-j,--jobs", options->request.jobs, "worker processes; 0: one a processor")->range(0, 1024)->capture_default_str();
  command->footer("Example:\n  bondsim reproduce h2llm --tier analytical --out out/h2llm\n  tools/plot_reproduce.py out/h2llm");
  command->callback([options, &action] { action = [options] { return reproduce(*options); }; });
}

}  // namespace bondsim::tools
