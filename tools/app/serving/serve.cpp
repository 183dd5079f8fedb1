#include "tools/app/serving/serve.hpp"

#include <algorithm>
#include <boost/random/mersenne_twister.hpp>
#include <boost/random/uniform_int_distribution.hpp>
#include <chrono>
#include <cmath>
#include <memory>
#include <ostream>
#include <utility>

#include "mapping/serving/scheduler.hpp"
#include "sim/simulate.hpp"
#include "tools/app/serving/iteration_form.hpp"
#include "tools/app/serving/service.hpp"
#include "tools/app/studies/plan_experiment.hpp"

namespace bondsim::tools {
namespace {

using serving::ServingRecord;

/// The replay owns its source of batches; this one only hands on.
class Handing : public BatchSource {
 public:
  explicit Handing(BatchSource& source) : source_(source) {}
  std::optional<BatchStep> next(Picoseconds now) override { return source_.next(now); }

 private:
  BatchSource& source_;
};

/// The part of a block's MACs that requests in decode have.
double decode_share(const Block& block, const ScheduleHeader& header) {
  double decode = 0, all = 0;
  for (const OperatorWork& work : block.work) {
    const auto macs = static_cast<double>(work.shape.macs());
    all += macs;
    if (header.operators[static_cast<std::size_t>(work.op)].phase == Phase::decode) decode += macs;
  }
  return all > 0 ? decode / all : 0.5;
}

Results simulate_service(const Experiment& experiment, speculation::Plans plans, Service& service, ServingRecord& record,
                         const ServeOptions& serving) {
  const auto schedule = schedule_batches(std::move(plans), std::make_unique<Handing>(service));
  SimulateOptions options;
  options.traces = serving.traces;
  options.construction = serving.construction;
  options.energy = [&](const Block& block, Attojoules energy) {
    if (block.tasks.empty()) return record.idle_energy(energy);
    service.energy(energy, decode_share(block, schedule->header()));
  };
  Results results = simulate(experiment.system, *schedule, options);
  results.requests.clear();  // of places, which many requests had
  results.config_digest = experiment.digest;
  results.config_files = experiment.files;
  results.config_values = experiment.values;
  return results;
}

/// Iterations of a stratum that is simulated.
constexpr std::size_t samples_each = 8;

void run_by_form(IterationForm& form, Service& service, ServingRecord& record, StratifiedSample* sample) {
  const double idle_watts = form.idle_watts();
  Picoseconds now;
  while (const auto step = service.next(now)) {
    if (sample != nullptr) sample->add(step->batch);
    const IterationCost cost = form.cost(*step);
    const Picoseconds idle = std::max(now, step->not_before) - now;
    record.idle_energy(Attojoules(static_cast<WideInt>(idle_watts * to_seconds(idle) * 1e18)));
    now += idle + cost.length();
    service.energy(cost.energy(), cost.of_decode);
  }
}

/// The run again, each iteration as much longer as the sample of its stratum is by cycles.
serving::ServingTotals corrected_totals(const Experiment& experiment, const Plan& plan, IterationForm& form,
                                        const StratifiedSample& sample) {
  ServingRecord record(*experiment.serving);
  const ServeOptions quiet;
  Service service(experiment, plan, quiet, record);
  Picoseconds now;
  while (const auto step = service.next(now)) {
    const double ratio = sample.strata()[sample.stratum_of(step->batch)].ratio();
    const auto length = form.cost(step->batch).ps * ratio + form.moves(step->caches).ps;
    now = std::max(now, step->not_before) + Picoseconds(std::llround(length));
  }
  return record.totals();
}

Confirmation confirm(const Experiment& experiment, const speculation::Plans& plans, IterationForm& form, StratifiedSample& sample,
                     const serving::ServingTotals& totals) {
  for (Stratum& stratum : sample.strata()) {
    for (const Batch& batch : stratum.sample) stratum.form_s += form.cost(batch).ps * 1e-12;
  }
  simulate_samples(experiment.system, plans, sample.strata());
  const serving::ServingTotals corrected = corrected_totals(experiment, plans.target, form, sample);
  Confirmation out;
  out.strata = sample.strata();
  const auto metric = [&](const char* name, const serving::Distribution& a, const serving::Distribution& b) {
    out.metrics.push_back({fmt::format("{} mean", name), a.mean() * 1e-9, b.mean() * 1e-9});
    out.metrics.push_back({fmt::format("{} p99", name), a.percentile(0.99) * 1e-9, b.percentile(0.99) * 1e-9});
  };
  metric("TTFT", totals.ttft, corrected.ttft);
  metric("TPOT", totals.tpot, corrected.tpot);
  metric("ITL", totals.itl, corrected.itl);
  metric("e2e", totals.latency, corrected.latency);
  metric("queueing", totals.queueing, corrected.queueing);
  return out;
}

void serve_by_form(const Experiment& experiment, const speculation::Plans& plans, ServingTier tier, Service& service, ServingRecord& record,
                   ServingRun& run) {
  IterationForm form(experiment.system, plans);
  StratifiedSample sample(experiment.serving->batch.max_batch, samples_each);
  const bool both = tier == ServingTier::both;
  run_by_form(form, service, record, both ? &sample : nullptr);
  run.has_energy = true;
  if (both && !service.stopped()) run.confirmation = confirm(experiment, plans, form, sample, record.totals());
  run.evaluations = form.evaluations();
}

}  // namespace

ServingRun serve(const Experiment& experiment, const ServeOptions& options) {
  const auto began = std::chrono::steady_clock::now();
  ServingRun run;
  ServingRecord record(*experiment.serving, options.requests);
  speculation::Plans plans = plans_of_experiment(experiment);
  plans.header.steps = plans.target.header.steps = -1;
  Service service(experiment, plans.target, options, record);
  std::unique_ptr<IterationForm> beside;
  if (options.tier == ServingTier::cycle && options.form_times) {
    beside = std::make_unique<IterationForm>(experiment.system, plans);
    service.compare_with([&](const BatchStep& step) { return beside->cost(step).length(); });
  }
  if (options.tier == ServingTier::cycle) {
    Results results = simulate_service(experiment, std::move(plans), service, record, options);
    run.has_energy = true;
    if (options.reuse_pages) {
      run.reuse = service.reuse();
    } else {
      run.results = std::move(results);
    }
  } else {
    serve_by_form(experiment, plans, options.tier, service, record, run);
  }
  run.partial = service.stopped();
  record.close();
  run.totals = record.totals();
  run.wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  return run;
}

double table_error(const Experiment& experiment, int iterations) {
  IterationForm form(experiment.system, plans_of_experiment(experiment));
  boost::random::mt19937_64 random(1);
  const auto below = [&](std::int64_t limit) { return boost::random::uniform_int_distribution<std::int64_t>(1, limit)(random); };
  const std::int64_t longest = experiment.serving->kv.context_tokens;
  double worst = 0;
  for (int i = 0; i < iterations; ++i) {
    Batch batch;
    const auto requests = static_cast<int>(below(experiment.serving->batch.max_batch));
    const bool prompt = i % 4 == 0;
    for (int r = 0; r < (prompt ? 1 : requests); ++r) {
      const std::int64_t context = below(longest);
      batch.requests.push_back({r, prompt ? Phase::prefill : Phase::decode, prompt ? context : 1, context, 1});
    }
    const auto exact = form.evaluate(batch).ps;
    worst = std::max(worst, std::abs(form.cost(batch).ps / exact - 1));
  }
  return worst;
}

const char* name_of(ServingTier tier) { return tier == ServingTier::cycle ? "cycle" : tier == ServingTier::detailed ? "detailed" : "both"; }

}  // namespace bondsim::tools
