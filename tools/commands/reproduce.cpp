#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <optional>

#include "tools/app/experiment/progress.hpp"
#include "tools/app/reproduction/reproduce.hpp"
#include "tools/commands/commands.hpp"

namespace bondsim::tools {
namespace {

struct Options {
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

void print_headlines(const ReproductionResult& result) {
  const CsvTable& headlines = result.headlines;
  std::size_t problems = 0;
  for (const auto& tier : result.findings.cells) {
    fmt::print("tier {}: {} runs{}\n", tier.first, tier.second.size(),
               tier.first == "cycle"
                   ? fmt::format("; simulated of each: one layer of the prefill and of {} decode steps", result.reproduction.decode_samples)
                   : std::string("; no energy in this tier"));
    for (const auto& cell : tier.second) problems += cell.second.problem.empty() ? 0 : 1;
  }
  if (problems > 0) fmt::print("{} runs have no result, see their column `problem`\n", problems);
  if (!result.findings.utilization.empty()) {
    fmt::print("in-die PEs: the paper's table of utilisations is not published; measured on the cycle model instead\n");
    for (const auto& [key, value] : result.findings.utilization) fmt::print("  {:<12} batch {:>2}: {:.3f}\n", key.first, key.second, value);
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
void print_shares(const ReproductionResult& result) {
  const auto cells = result.findings.cells.find("cycle");
  if (cells == result.findings.cells.end()) return;
  for (std::size_t s = 0; s < result.reproduction.systems.size(); ++s) {
    if (result.reproduction.systems[s].dataflow != "data_centric") continue;
    std::vector<double> transfers, waits;
    for (const auto& [cell, run] : cells->second) {
      if (cell.system != s || !run.problem.empty()) continue;
      transfers.push_back(100 * run.decode_transfer_share);
      waits.push_back(100 * run.decode_wait_share);
    }
    if (transfers.empty()) continue;
    const auto [least, most] = std::minmax_element(transfers.begin(), transfers.end());
    const auto [least_wait, most_wait] = std::minmax_element(waits.begin(), waits.end());
    fmt::print(
        "{}, NMP channels in decode: transfers and changes of mode {:.1f} to {:.1f} % of the time, waiting for others {:.1f} to {:.1f} "
        "%\n",
        result.reproduction.systems[s].name, *least, *most, *least_wait, *most_wait);
  }
}

void print_splits(const CsvTable& splits) {
  double least = 1e300;
  double most = 0;
  for (std::size_t i = 0; i < splits.rows(); ++i) {
    const double ratio = splits.number(i, "worst_over_best_transfer", 1, 1e6);
    least = std::min(least, ratio);
    most = std::max(most, ratio);
  }
  fmt::print("transfers of the worst channel split over the best: {:.2f} to {:.2f}, published 1.5 to 5.4\n", least, most);
}

int reproduce(const Options& options) {
  ReproductionRequest request = options.request;
  if (request.config.empty()) request.config = "configs/reproduce/" + options.paper + ".yaml";
  ReproductionBar bar;
  const auto result = reproduce(request, bar);
  if (!result) return 0;  // a rank that worked for another
  print_headlines(*result);
  print_splits(result->splits);
  print_shares(*result);
  fmt::print("written to {}: {}\n", request.out, result->files);
  return 0;
}

}  // namespace

void add_reproduce(Command& app, Action& action) {
  auto options = std::make_shared<Options>();
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
