#pragma once
#include <csignal>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "mapping/serving/record.hpp"
#include "models/results/results.hpp"
#include "sim/construction_order.hpp"
#include "sim/trace/hub.hpp"
#include "tools/app/experiment/experiment.hpp"
#include "tools/app/serving/confirmation.hpp"

namespace bondsim::tools {

/// How an iteration's length is found.
enum class ServingTier {
  cycle,     ///< simulated
  detailed,  ///< the closed form, kept by shape
  both       ///< the closed form, and a sample of the iterations simulated: the error of each figure is estimated
};

/// Where a run is, told after each iteration.
struct ServingProgress {
  double simulated_s = 0;
  std::int64_t requests = 0;  ///< that have left
  std::int64_t tokens = 0;    ///< output
};

struct ServeOptions {
  ServingTier tier = ServingTier::cycle;
  serving::ServingRecord::Sink requests;  ///< is given each request as it leaves
  std::ostream* iterations = nullptr;     ///< iterations.csv, a row each
  std::function<void(const ServingProgress&)> progress;
  std::vector<serving::ServingListener*> listeners;  ///< told what the scheduler does
  TraceHub* traces = nullptr;                        ///< cycle: told what happens in the simulation
  bool form_times = false;                           ///< cycle: iterations.csv says what each iteration takes by the closed form, too
  bool reuse_pages = false;  ///< cycle: an iteration takes the time of an earlier one whose contexts have as many pages
  ConstructionOrder construction = ConstructionOrder::channels_first;  ///< cycle: nothing depends on it
  const volatile std::sig_atomic_t* stop = nullptr;                    ///< not 0: the run ends after the present iteration
};

/// What reuse of iterations saved and cost.
struct ReuseFigures {
  std::int64_t simulated = 0, reused = 0;
  std::int64_t checked = 0;  ///< simulated although an equal one was known
  double sum_error = 0;      ///< of the reused time over the simulated one, less 1
  double worst_error = 0;    ///< the largest magnitude

  double mean_error() const { return checked > 0 ? sum_error / static_cast<double>(checked) : 0; }
};

/// A serving run.
struct ServingRun {
  serving::ServingTotals totals;
  std::optional<Results> results;  ///< cycle, all iterations simulated: of the whole run, as of `run`
  std::optional<ReuseFigures> reuse;
  bool has_energy = false;                   ///< cycle
  bool partial = false;                      ///< it was stopped
  std::int64_t evaluations = 0;              ///< detailed: of the closed form
  std::optional<Confirmation> confirmation;  ///< both
  double wall_s = 0;
};

/// Runs what `experiment.serving` says. The tier `cycle` simulates in this process, once. @throws InfeasibleError when the model does not
/// fit the memory; ConfigError for a trace that is none, or a machine whose prefill a serving run cannot take.
ServingRun serve(const Experiment& experiment, const ServeOptions& options);

/// The largest error of the tables of IterationForm against the closed form itself, over so many random iterations of decode of the
/// experiment, and of one prompt.
double table_error(const Experiment& experiment, int iterations);

/// Header of requests.csv, and a row: the columns that LLMServingSim 2 writes, in ns, then bondsim's own.
std::string requests_csv_header();
std::string requests_csv_row(const serving::RequestRow& row, const std::string& model);
/// Header of iterations.csv.
std::string iterations_csv_header(bool form_times = false);

/// serving.json, schema bondsim.served/1.
std::string serving_json(const Experiment& experiment, const ServingRun& run, ServingTier tier);
/// For the terminal.
std::string serving_summary(const Experiment& experiment, const ServingRun& run, ServingTier tier);

const char* name_of(ServingTier tier);

}  // namespace bondsim::tools
