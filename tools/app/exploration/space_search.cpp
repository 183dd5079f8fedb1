#include "tools/app/exploration/space_search.hpp"

#include <algorithm>
#include <csignal>

#include "models/base/digest.hpp"
#include "tools/app/experiment/shipped.hpp"
#include "tools/app/exploration/cycle_evaluator.hpp"
#include "tools/app/exploration/space_output.hpp"
#include "tools/app/output/output_directory.hpp"
#include "tools/app/processes/pool.hpp"

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
  SpaceSearchRun(const SpaceSearchRequest& request, const search::DesignSpace& space, search::RooflineEvaluator& forms,
                 CycleEvaluator& cycles, TaskPool& pool, SpaceSearchListener& listener)
      : request_(request),
        space_(space),
        forms_(forms),
        cycles_(cycles),
        pool_(pool),
        listener_(listener),
        directory_(request.out, "dse"),
        store_(directory_.file("search.sqlite"),
               {digest(forms.inputs() + cycles.inputs()), BONDSIM_VERSION, space.search.seed,
                fmt::format("{}", fmt::join(space.objectives, " "))},
               request.resume) {}

  SpaceSearchResult run() {
    SpaceSearchResult result;
    result.space = space_;
    result.store = directory_.file("search.sqlite");
    result.complete = judge_everything();
    result.evaluations = store_.all("analytical").size() + store_.all("cycle").size();
    if (!result.complete) return result;
    result.deciding = request_.tier == "analytical" ? "analytical" : "cycle";
    result.judged = store_.all(result.deciding).size();
    result.front = search::pareto_front(space_, store_, result.deciding);
    if (request_.tier == "both") confirm(result);
    directory_.write("front.csv", front_table(space_, result.front).to_text());
    directory_.write("candidates.csv", candidate_table(space_, store_, result.deciding).to_text());
    write_dataflows(directory_, space_, result.deciding == "cycle" ? cycles_.forms() : forms_, result.front);
    store_.note_front(result.deciding);
    result.files = "front.csv, candidates.csv, dataflows/, search.sqlite";
    if (request_.tier == "both") result.files += ", analytical_front.csv, confirmed.csv";
    return result;
  }

 private:
  bool judge_everything() {
    const OrderlyEnd orderly;
    if (request_.tier != "both") return searched(request_.tier);
    if (!searched("analytical")) return false;
    const auto candidates = search::candidates_to_confirm(space_, store_, "analytical");
    return with_progress("cycle", [&](const auto& how) { return search::judge_hardware(space_, how, store_, candidates); });
  }

  bool searched(const std::string& tier) {
    return with_progress(tier, [&](const auto& how) { return search::search_hardware(space_, how, store_); });
  }

  template <class Search>
  bool with_progress(const std::string& tier, const Search& search) {
    search::HardwareSearchOptions how;
    how.pool = &pool_;
    how.tier = tier;
    // Neighbours share the closed form's dataflow search; a simulation shares nothing.
    how.chunk = tier == "analytical" ? 32 : 1;
    how.progress = [&](const search::SearchProgress& p) { listener_.progress(tier, space_.objectives[0], p); };
    how.report = [&](const std::string& text) { listener_.report(text); };
    how.stop = [] { return interrupted != 0; };
    const bool complete = search(how);
    listener_.tier_ended();
    return complete;
  }

  void confirm(SpaceSearchResult& result) {
    result.screened = store_.all("analytical").size();
    result.screened_front = search::pareto_front(space_, store_, "analytical");
    directory_.write("analytical_front.csv", front_table(space_, result.screened_front).to_text());
    directory_.write("confirmed.csv", confirmed_table(space_, store_).to_text());
    result.agreement = search::compare_tiers(store_, "analytical", "cycle");
    for (const auto& a : result.agreement) {
      store_.note_agreement(a.metric, "analytical", "cycle", a.candidates, a.kendall_tau, a.spearman_rho);
    }
  }

  const SpaceSearchRequest& request_;
  const search::DesignSpace& space_;
  search::RooflineEvaluator& forms_;
  CycleEvaluator& cycles_;
  TaskPool& pool_;
  SpaceSearchListener& listener_;
  WorkDirectory directory_;
  search::ResultStore store_;
};

}  // namespace

std::optional<SpaceSearchResult> search_space(const SpaceSearchRequest& request, SpaceSearchListener& listener) {
  if (std::find(tiers.begin(), tiers.end(), request.tier) == tiers.end()) {
    throw ConfigError(fmt::format("--tier: '{}' is not known, allowed: {}", request.tier, fmt::join(tiers, ", ")));
  }
  const search::DesignSpace space = search::decode_space(load_yaml_file(find_input(request.space, {"space"})));
  search::RooflineEvaluator forms(space, request.form);
  CycleEvaluator cycles(space);
  for (const auto& parameter : space.parameters) check(!parameter.rows.empty(), "a parameter of no value");
  const auto work = [&](const std::string& task) { return search::judge_task({&forms, &cycles}, task); };
  std::optional<SpaceSearchResult> result;
  lead_or_serve(request.jobs, work, [&](TaskPool& pool) {
    result = SpaceSearchRun(request, space, forms, cycles, pool, listener).run();
    return 0;
  });
  return result;
}

}  // namespace bondsim::tools
