#include "tools/commands/dse_space.hpp"

#include <algorithm>
#include <csignal>
#include <filesystem>

#include "models/base/digest.hpp"
#include "tools/app/cycle_evaluator.hpp"
#include "tools/app/processes/pool.hpp"
#include "tools/app/shipped.hpp"
#include "tools/commands/dse_output.hpp"

namespace bondsim::tools {
namespace {

/// Set by Ctrl-C: a signal handler can reach nothing else.
volatile std::sig_atomic_t interrupted = 0;

void interrupt(int) { interrupted = 1; }

/// Ctrl-C, and what mpirun sends on Ctrl-C, end the search in order while this lives.
class OrderlyEnd {
 public:
  OrderlyEnd() {
    interrupted = 0;
    int_ = std::signal(SIGINT, interrupt);
    term_ = std::signal(SIGTERM, interrupt);
  }
  ~OrderlyEnd() {
    std::signal(SIGINT, int_);
    std::signal(SIGTERM, term_);
  }
  OrderlyEnd(const OrderlyEnd&) = delete;
  OrderlyEnd& operator=(const OrderlyEnd&) = delete;

 private:
  void (*int_)(int) = nullptr;
  void (*term_)(int) = nullptr;
};

const std::vector<std::string> tiers = {"analytical", "cycle", "both"};

/// A search with everything it needs, in the process that leads it.
class SpaceSearchRun {
 public:
  SpaceSearchRun(const SpaceOptions& options, const search::DesignSpace& space, search::RooflineEvaluator& forms, CycleEvaluator& cycles,
                 TaskPool& pool)
      : options_(options),
        space_(space),
        forms_(forms),
        cycles_(cycles),
        pool_(pool),
        store_file_(file("search.sqlite")),
        store_(store_file_,
               {digest(forms.inputs() + cycles.inputs()), BONDSIM_VERSION, space.search.seed,
                fmt::format("{}", fmt::join(space.objectives, " "))},
               options.resume) {}

  int run() {
    if (!judge_everything()) {
      fmt::print(stderr, "bondsim: stopped; {} evaluations are in {}, go on with --resume\n",
                 store_.all("analytical").size() + store_.all("cycle").size(), store_file_);
      return 1;
    }
    const std::string deciding = options_.tier == "analytical" ? "analytical" : "cycle";
    const auto front = search::pareto_front(space_, store_, deciding);
    if (options_.tier == "both") confirm_in_output();
    print_front(space_, deciding, front, store_.all(deciding).size());
    if (deciding == "cycle") print_how_simulated();
    write_front(file("front.csv"), space_, front);
    write_dataflows(file("dataflows"), space_, deciding == "cycle" ? cycles_.forms() : forms_, front);
    fmt::print("written to {}: front.csv, dataflows/, search.sqlite{}\n", options_.out,
               options_.tier == "both" ? ", analytical_front.csv, confirmed.csv" : "");
    return front.empty() ? 1 : 0;
  }

 private:
  std::string file(const std::string& name) const { return (std::filesystem::path(options_.out) / name).string(); }

  bool judge_everything() {
    const OrderlyEnd orderly;
    if (options_.tier != "both") return searched(options_.tier);
    if (!searched("analytical")) return false;
    const auto candidates = search::candidates_to_confirm(space_, store_, "analytical");
    return with_progress("cycle", [&](const auto& how) { return search::judge_hardware(space_, how, store_, candidates); });
  }

  bool searched(const std::string& tier) {
    return with_progress(tier, [&](const auto& how) { return search::search_hardware(space_, how, store_); });
  }

  template <class Search>
  bool with_progress(const std::string& tier, const Search& search) {
    SearchProgressLine line(tier, space_.objectives[0]);
    search::HardwareSearchOptions how;
    how.pool = &pool_;
    how.tier = tier;
    // Neighbours share the closed form's dataflow search; a simulation shares nothing.
    how.chunk = tier == "analytical" ? 32 : 1;
    how.progress = [&](const search::SearchProgress& p) { line.show(p); };
    how.report = [&](const std::string& text) {
      line.clear();
      fmt::print(stderr, "bondsim: {}\n", text);
    };
    how.stop = [] { return interrupted != 0; };
    const bool complete = search(how);
    line.clear();
    return complete;
  }

  void confirm_in_output() {
    const auto screened = search::pareto_front(space_, store_, "analytical");
    write_front(file("analytical_front.csv"), space_, screened);
    write_confirmed(file("confirmed.csv"), space_, store_);
    print_front(space_, "analytical", screened, store_.all("analytical").size());
    const auto agreement = search::compare_tiers(store_, "analytical", "cycle");
    for (const auto& a : agreement) {
      store_.note_agreement(a.metric, "analytical", "cycle", a.candidates, a.kendall_tau, a.spearman_rho);
    }
    print_agreement(agreement);
  }

  void print_how_simulated() const {
    const std::string steps =
        space_.cycles.decode_samples == 0 ? "every decode step" : fmt::format("{} decode steps, evenly", space_.cycles.decode_samples);
    fmt::print("  simulated: the prefill and {}; one decoder layer counted for all, without embedding and LM head\n", steps);
  }

  const SpaceOptions& options_;
  const search::DesignSpace& space_;
  search::RooflineEvaluator& forms_;
  CycleEvaluator& cycles_;
  TaskPool& pool_;
  std::string store_file_;
  search::ResultStore store_;
};

}  // namespace

int search_space(const SpaceOptions& options) {
  if (std::find(tiers.begin(), tiers.end(), options.tier) == tiers.end()) {
    throw ConfigError(fmt::format("--tier: '{}' is not known, allowed: {}", options.tier, fmt::join(tiers, ", ")));
  }
  const search::DesignSpace space = search::decode_space(load_yaml_file(find_input(options.space)));
  search::RooflineEvaluator forms(space, options.model);
  CycleEvaluator cycles(space);
  for (const auto& parameter : space.parameters) check(!parameter.rows.empty(), "a parameter of no value");
  forms.system(space.candidate(0));  // wrong keys are found before anything starts
  const auto work = [&](const std::string& task) { return search::judge_task({&forms, &cycles}, task); };
  return lead_or_serve(options.jobs, work, [&](TaskPool& pool) {
    std::filesystem::create_directories(options.out);
    return SpaceSearchRun(options, space, forms, cycles, pool).run();
  });
}

}  // namespace bondsim::tools
