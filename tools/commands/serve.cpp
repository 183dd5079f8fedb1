#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "mapping/cost/detailed/detailed.hpp"
#include "mapping/serving/requests/trace_reader.hpp"
#include "tools/app/output/output_directory.hpp"
#include "tools/app/serving/iteration_tasks.hpp"
#include "tools/app/serving/rates.hpp"
#include "tools/app/serving/request_trace.hpp"
#include "tools/app/serving/serve.hpp"
#include "tools/app/studies/run_experiment.hpp"
#include "tools/commands/commands.hpp"
#include "tools/commands/run.hpp"
#include "tools/commands/trace_options.hpp"

namespace bondsim::tools {
namespace {

struct ServeCommandOptions {
  ExperimentRequest experiment;
  std::string requests;
  std::string tier = "cycle";
  std::string out;
  std::vector<std::string> rates;
  int jobs = 0;
  double find_rate = 0;
  std::string reuse;
  bool form_times = false;
  TraceOptions trace;
  bool json = false;
  bool quiet = false;
  bool force = false;
};

/// Each names a directory of its own, to six digits.
std::vector<double> rates_of(const std::vector<std::string>& texts) {
  std::vector<double> rates;
  std::set<std::string> names;
  for (const std::string& text : texts) {
    char* end = nullptr;
    rates.push_back(std::strtod(text.c_str(), &end));
    if (text.empty() || *end != '\0' || !(rates.back() >= 1e-6 && rates.back() <= 1e6)) {
      throw ConfigError(fmt::format("--rate: '{}' found, allowed: numbers, 1e-6 to 1e6 requests a second, with commas between", text));
    }
    if (!names.insert(fmt::format("{:g}", rates.back())).second) {
      throw ConfigError(fmt::format("--rate: '{}' found twice, allowed: each once, to six digits", text));
    }
  }
  return rates;
}

/// Without --trace-steps, iterations up to this one are traced.
constexpr std::int32_t last_iteration = 39;

volatile std::sig_atomic_t interrupted = 0;

/// The first Ctrl-C ends the run in order, with what is complete; the second ends the process as it always does.
void interrupt(int) {
  interrupted = 1;
  std::signal(SIGINT, SIG_DFL);
}

/// A line of simulated time, requests and rate, on a terminal only.
class ProgressLine {
 public:
  explicit ProgressLine(std::int64_t limit) : limit_(limit), visible_(::isatty(STDERR_FILENO) == 1) {}
  ~ProgressLine() {
    if (visible_) fmt::print(stderr, "\r{:100}\r", "");
  }
  void show(const ServingProgress& p) {
    if (!visible_) return;
    const double elapsed = std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
    if (elapsed < shown_ + 0.2) return;
    shown_ = elapsed;
    std::string left = "?";
    if (limit_ > 0 && p.requests > 0)
      left = fmt::format("{:.0f} s", elapsed * static_cast<double>(limit_ - p.requests) / static_cast<double>(p.requests));
    fmt::print(stderr, "\r{:100}\r{:.2f} s simulated, {}{} requests, {} tokens, {:.1f} requests/s of wall time, {} left", "", p.simulated_s,
               p.requests, limit_ > 0 ? fmt::format(" of {}", limit_) : "", p.tokens, static_cast<double>(p.requests) / elapsed, left);
    std::fflush(stderr);
  }

 private:
  std::int64_t limit_;
  bool visible_;
  double shown_ = 0;
  std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
};

ServingTier tier_of(const std::string& name) {
  for (const ServingTier tier : {ServingTier::cycle, ServingTier::detailed}) {
    if (name == name_of(tier)) return tier;
  }
  return ServingTier::both;
}

int serve_once(const ServeCommandOptions& options, const Experiment& experiment) {
  std::signal(SIGINT, interrupt);
  std::optional<OutputDirectory> out;
  if (!options.out.empty()) out.emplace(options.out, "serve", OutputOwner{experiment.digest, options.force});
  ServingTables tables(out ? out->path() : "", experiment.model.name, options.form_times);
  std::optional<ProgressLine> line(experiment.serving->requests.limit);
  ServeOptions serving;
  serving.tier = tier_of(options.tier);
  serving.form_times = options.form_times;
  serving.reuse_pages = options.reuse == "page";
  serving.stop = &interrupted;
  serving.progress = [&](const ServingProgress& p) { line->show(p); };
  tables.attach(serving);
  std::optional<RequestTrace> trace;
  if (options.trace.has("perfetto")) serving.listeners.push_back(&trace.emplace(out->path() + "/requests.trace.json"));
  std::optional<IterationTasks> tasks;
  if (options.trace.has("tasks")) {
    const TraceWindow::Steps iterations = options.trace.window().steps.value_or(TraceWindow::Steps{0, last_iteration});
    serving.traces = &tasks.emplace(experiment.system, iterations, out->path(), options.trace.gzip).hub();
  }
  const ServingRun run = serve(experiment, serving);
  line.reset();
  if (trace) trace->close();
  if (tasks) tasks->finish();
  std::string files;
  if (out) {
    tables.close();
    out->write("serving.json", serving_json(experiment, run, serving.tier));
    if (run.results) write_results(*run.results, *out);
    files = list_of(out->commit());
  }
  if (options.json) fmt::print("{}", serving_json(experiment, run, serving.tier));
  if (!options.json && !options.quiet) {
    fmt::print("{}", serving_summary(experiment, run, serving.tier));
    if (serving.tier == ServingTier::detailed) fmt::print("{}", cost::switches_not_followed(experiment.system));
    if (out) fmt::print("written to {}: {}\n", options.out, files);
  }
  return run.partial ? 1 : 0;
}

void say_rate(const RatePoint& point) {
  if (::isatty(STDERR_FILENO) == 1)
    fmt::print(stderr, "{:.4f} requests/s: {:.1f} % keep the SLO\n", point.rate_per_s, 100 * point.attainment);
}

void write_curve(const OutputDirectory& out, const std::vector<RatePoint>& points) {
  out.write("curve.csv", curve_csv(points));
  for (const RatePoint& point : points) out.write(fmt::format("rate-{:g}/serving.json", point.rate_per_s), point.json);
}

int serve_rates(const ServeCommandOptions& options, const Experiment& experiment) {
  std::optional<OutputDirectory> out;
  const auto begin = [&] {
    if (!options.out.empty()) out.emplace(options.out, "serve --rate", OutputOwner{experiment.digest, options.force});
    return out ? out->path() : std::string();
  };
  const auto found = run_at_rates(experiment, rates_of(options.rates), tier_of(options.tier), options.jobs, begin, say_rate);
  if (!found) return 0;  // a rank that worked for another
  const std::vector<RatePoint>& points = *found;
  fmt::print("{} on {}, dataflow {}; {}, policy {}, {}\n{}", experiment.model.name, experiment.system.name, experiment.dataflow.name,
             experiment.serving->name, experiment.serving->batch.policy, options.tier == "cycle" ? "cycles" : "closed form",
             curve_text(points));
  if (!out) return 0;
  write_curve(*out, points);
  fmt::print("written to {}: {}\n", options.out, list_of(out->commit()));
  return 0;
}

int serve_found_rate(const ServeCommandOptions& options, const Experiment& experiment) {
  if (!experiment.serving->slo)
    throw ConfigError("--find-rate: the serving file has no slo, allowed: one with serving.slo.ttft_ms and tpot_ms");
  std::optional<OutputDirectory> out;
  if (!options.out.empty()) out.emplace(options.out, "serve --rate", OutputOwner{experiment.digest, options.force});
  FoundRate found = find_rate(experiment, options.find_rate, experiment.serving->requests.rate_per_s, tier_of(options.tier), say_rate);
  std::sort(found.points.begin(), found.points.end(), [](const auto& a, const auto& b) { return a.rate_per_s < b.rate_per_s; });
  fmt::print("{}", curve_text(found.points));
  fmt::print("highest rate at which {:g} % of the requests keep TTFT {:g} ms and TPOT {:g} ms: {}{:.4g} requests/s{}\n",
             100 * options.find_rate, experiment.serving->slo->ttft_ms, experiment.serving->slo->tpot_ms, found.at_least ? "at least " : "",
             found.rate_per_s, found.at_least ? ", none above was tried" : "");
  if (out) {
    write_curve(*out, found.points);
    fmt::print("written to {}: {}\n", options.out, list_of(out->commit()));
  }
  return found.rate_per_s > 0 ? 0 : 1;
}

int run(const ServeCommandOptions& options) {
  ExperimentRequest request = options.experiment;
  request.serves = true;
  if (!options.requests.empty()) {
    const std::string format = enum_name(serving::format_of(options.requests));
    request.overrides.insert(request.overrides.begin(), {"serving.requests.source=" + format, "serving.requests.file=" + options.requests});
  }
  const Experiment experiment = load_experiment(request);
  const bool several = options.find_rate > 0 || !options.rates.empty();
  if (several && (options.json || !options.trace.kinds.empty() || !options.reuse.empty())) {
    throw ConfigError("--json, --trace, --reuse: are of one run, allowed: without --rate and --find-rate");
  }
  if (!options.reuse.empty() && options.tier != "cycle")
    throw ConfigError("--reuse: is of iterations that are simulated, allowed: with --tier cycle");
  if (options.form_times && (options.tier != "cycle" || several))
    throw ConfigError("--form-times: is of iterations that are simulated, allowed: with --tier cycle, without --rate and --find-rate");
  if (options.trace.has("tasks") && options.tier != "cycle")
    throw ConfigError("--trace tasks: is of iterations that are simulated, allowed: with --tier cycle");
  if (options.find_rate > 0) return serve_found_rate(options, experiment);
  return options.rates.empty() ? serve_once(options, experiment) : serve_rates(options, experiment);
}

}  // namespace

void add_serve(Command& app, Action& action) {
  auto* command = app.add_subcommand("serve", "simulate requests that come and go: latencies, throughput, KV memory, energy");
  auto options = std::make_shared<ServeCommandOptions>();
  add_experiment_options(*command, options->experiment);
  command->add_option("--serving", options->experiment.serving, "serving file (configs/serving/), instead of the experiment's");
  command->add_option("--requests", options->requests,
                      "trace of requests, instead of the serving file's: Mooncake, Azure, BurstGPT, Vidur, LLMServingSim");
  command
      ->add_option("--tier", options->tier,
                   "cycle: each iteration simulated; detailed: by the closed form; both: by the closed form, a sample simulated")
      ->one_of({"cycle", "detailed", "both"});
  command->add_option("-o,--out", options->out, "directory for requests.csv, iterations.csv, serving.json and, of cycles, results.json");
  add_force_option(*command, options->force);
  command->add_option("--reuse", options->reuse, "page: with cycles, an iteration takes the time of one whose contexts have as many pages")
      ->one_of({"page"});
  command
      ->add_flag("--form-times", options->form_times,
                 "with cycles, iterations.csv says what each iteration takes by the closed form, too (form_ns)")
      ->needs("--out");
  auto* trace = command
                    ->add_option("--trace", options->trace.kinds,
                                 "perfetto: requests.trace.json, a lane a request, for ui.perfetto.dev; tasks: *.tasks.csv, what each "
                                 "channel does in some iterations")
                    ->delimiter(',')
                    ->allow_extra_args(false)
                    ->one_of({"perfetto", "tasks"});
  trace->needs("--out");
  command->add_option("--trace-steps", options->trace.steps, "FIRST:LAST iteration that tasks has; without it the first 40")->needs(trace);
  command->add_flag("--trace-gzip", options->trace.gzip, "compress *.tasks.csv")->needs(trace);
  auto* rates = command->add_option("--rate", options->rates, "mean rates, one run each: the throughput-latency curve")->delimiter(',');
  command->add_option("-j,--jobs", options->jobs, "--rate: worker processes; 0: one a processor")
      ->range(0, 1024)
      ->needs(rates)
      ->capture_default_str();
  command->add_option("--find-rate", options->find_rate, "share of requests that keep the SLO, e.g. 0.9: the highest rate at which they do")
      ->range(1e-6, 1.0)
      ->excludes(rates);
  auto* json = command->add_flag("--json", options->json, "print serving.json instead of the summary");
  command->add_flag("-q,--quiet", options->quiet, "print nothing; errors and the exit status remain")->excludes(json);
  command->footer(
      "Ctrl-C ends the run with what is complete, marked as partial, and exit status 1.\n"
      "Example:\n  bondsim serve configs/experiment/h2llm-llama3-8b-sharegpt.yaml --tier detailed --out out/chat\n"
      "  bondsim serve configs/experiment/h2llm-llama3-8b-sharegpt.yaml --serving serving/documents-beside-chat --rate 0.5,1,2");
  command->callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace bondsim::tools
