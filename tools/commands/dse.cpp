#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/search/dataflow/rows.hpp"
#include "tools/app/exploration/space_search.hpp"
#include "tools/app/output/output_file.hpp"
#include "tools/commands/commands.hpp"
#include "tools/commands/run.hpp"

namespace bondsim::tools {
namespace {

struct DseOptions {
  std::string fixed;
  SpaceSearchRequest space;
  search::RowOptions rows;
};

/// Best so far, rate and time left on one line of a terminal; silent in a pipe.
class SearchProgressLine final : public SpaceSearchListener {
 public:
  void progress(const std::string& tier, const std::string& objective, const search::SearchProgress& p) override {
    const auto now = std::chrono::steady_clock::now();
    if (tier != tier_) began_ = now;
    tier_ = tier;
    if (!visible_ || (now - shown_ < std::chrono::milliseconds(200) && p.done < p.total)) return;
    shown_ = now;
    const double elapsed_s = std::chrono::duration<double>(now - began_).count();
    const double rate = static_cast<double>(p.evaluated) / std::max(elapsed_s, 1e-3);
    const double left_s = rate > 0 ? static_cast<double>(p.total - p.done) / rate : 0;
    fmt::print(stderr, "\r{}: {} of {} candidates, best {} {:.6g}, {:.3g} evaluations/s, {:.0f} s left   ", tier, p.done, p.total,
               objective, p.best, rate, left_s);
    std::fflush(stderr);
  }
  void tier_ended() override {
    if (visible_) fmt::print(stderr, "\r{}\r", std::string(120, ' '));
  }
  void report(const std::string& text) override {
    tier_ended();
    fmt::print(stderr, "bondsim: {}\n", text);
  }

 private:
  std::string tier_;
  bool visible_ = ::isatty(STDERR_FILENO) == 1;
  std::chrono::steady_clock::time_point began_ = {};
  std::chrono::steady_clock::time_point shown_ = {};
};

void print_front(const search::DesignSpace& space, const std::string& tier, const std::vector<search::FrontMember>& front,
                 std::size_t judged) {
  fmt::print("{}, tier {}: {} candidates judged, {} in the front of {}\n", space.name, tier, judged, front.size(),
             fmt::join(space.objectives, ", "));
  constexpr std::size_t most = 10;
  for (std::size_t i = 0; i < std::min(most, front.size()); ++i) {
    std::string values;
    for (const auto& metric : space.objectives) values += fmt::format("{} {:.6g}  ", metric, front[i].evaluation.metrics.at(metric));
    fmt::print("  {} {}\n", values, front[i].candidate);
  }
  if (front.size() > most) fmt::print("  ... and {} more\n", front.size() - most);
}

void print_agreement(const std::vector<search::TierAgreement>& agreement) {
  fmt::print("analytical against cycle tier, by rank\n");
  for (const auto& a : agreement) {
    fmt::print("  {:<28} {} candidates, Kendall tau {:.3f}, Spearman rho {:.3f}\n", a.metric, a.candidates, a.kendall_tau, a.spearman_rho);
  }
}

int search_devices(const SpaceSearchRequest& request) {
  SearchProgressLine line;
  const auto found = search_space(request, line);
  if (!found) return 0;  // a rank that worked for another
  if (!found->complete) {
    fmt::print(stderr, "bondsim: stopped; {} evaluations are in {}, go on with --resume\n", found->evaluations, found->store);
    return 1;
  }
  if (request.tier == "both") {
    print_front(found->space, "analytical", found->screened_front, found->screened);
    print_agreement(found->agreement);
  }
  print_front(found->space, found->deciding, found->front, found->judged);
  if (found->deciding == "cycle") {
    const std::int64_t samples = found->space.cycles.decode_samples;
    const std::string steps = samples == 0 ? "every decode step" : fmt::format("{} decode steps, evenly", samples);
    fmt::print("  simulated: the prefill and {}; one decoder layer counted for all{}\n", steps,
               found->space.lm_head ? "" : ", without embedding and LM head");
  }
  if (request.tier != "cycle") fmt::print("  {}\n", cost::measured_error_text(request.form, "full"));
  fmt::print("written to {}: {}\n", request.out, found->files);
  if (found->front.empty()) throw InfeasibleError(fmt::format("{}: no device of the space is feasible", request.space));
  return 0;
}

int search_fixed_devices(const DseOptions& options) {
  OutputFile out(options.space.out);
  // The rows are the published evaluation's: its devices say nothing of what other forms want to know.
  const auto form = cost::make_cost_model(options.space.form.empty() ? "h2llm-roofline" : options.space.form);
  CsvTable table = CsvTable::load(options.fixed);
  const int infeasible = search::search_rows(*form, options.rows, table);
  out.stream() << table.to_text();
  out.commit();
  if (infeasible > 0) {
    throw InfeasibleError(
        fmt::format("{} of {} rows have no dataflow that fits the memory, see their `dataflow`", infeasible, table.rows()));
  }
  return 0;
}

int dse(const DseOptions& options) {
  if (options.fixed.empty() == options.space.space.empty()) {
    throw ConfigError("dse: one of SPACE.yaml and --fixed ROWS.csv is required, and only one");
  }
  if (!options.fixed.empty()) return search_fixed_devices(options);
  SpaceSearchRequest space = options.space;
  if (space.form.empty()) space.form = "detailed";
  return search_devices(space);
}

void add_row_options(Command& command, DseOptions& options) {
  command.add_option("--fixed", options.fixed, "CSV of devices and workloads (columns as in tests/data/dse_best.csv, latencies ignored)");
  command.add_option("--dataflows", options.rows.dataflow_directory, "--fixed: directory for each row's dataflow as a file, row-N.yaml");
  command.add_flag("--genetic", options.rows.genetic, "--fixed: the genetic search instead of the exact one");
  auto& genetic = options.rows.genetic_options;
  command.add_option("--population", genetic.population, "--genetic: dataflows in a generation")->range(2, 1000000)->capture_default_str();
  command.add_option("--generations", genetic.generations, "--genetic: generations")->range(0, 1000000)->capture_default_str();
  command.add_option("--seed", genetic.seed, "--genetic: seed")->capture_default_str();
}

}  // namespace

void add_dse(Command& app, Action& action) {
  auto options = std::make_shared<DseOptions>();
  Command* command = app.add_subcommand("dse", "search for devices and their dataflows");
  SpaceSearchRequest& space = options->space;
  command->add_option("SPACE", space.space, "design space (configs/space/): devices are searched, each with its best dataflows");
  command
      ->add_option("-o,--out", space.out,
                   "SPACE: directory for front.csv, dataflows/ and search.sqlite; --fixed: CSV of the same rows with what was found")
      ->required();
  add_form_option(*command, space.form, "when left out, detailed for a SPACE, h2llm-roofline for --fixed");
  command->add_option("--model", space.form, "the same")->now_called("--form");
  command
      ->add_option("--tier", space.tier,
                   "SPACE: what judges devices: analytical (a closed form), cycle (simulation), or both: the closed form screens, "
                   "simulation confirms")
      ->capture_default_str();
  command->add_option("-j,--jobs", space.jobs, "SPACE: worker processes; 0: one a processor")->range(0, 1024)->capture_default_str();
  command->add_flag("--resume", space.resume, "SPACE: go on with the search in --out");
  add_row_options(*command, *options);
  command->footer(
      "Example:\n  bondsim dse configs/space/h2llm.yaml --out out/space\n  bondsim dse --fixed tests/data/dse_best.csv --out found.csv");
  command->callback([options, &action] { action = [options] { return dse(*options); }; });
}

}  // namespace bondsim::tools
