#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <memory>
#include <sstream>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "models/dram/check/trace_checker.hpp"
#include "models/results/phases.hpp"
#include "models/results/speed_of_light.hpp"
#include "models/system/validate/validator.hpp"
#include "tests/support/scale.hpp"
#include "tests/support/soak_case.hpp"
#include "tools/app/processes/isolate.hpp"
#include "tools/app/serving/serve.hpp"
#include "tools/app/studies/run_estimate.hpp"
#include "tools/app/studies/run_experiment.hpp"

/// Random small experiments with everything that must hold of any run.
namespace bondsim::test {
namespace {

/// Commands of every channel before the independent checker.
class Checkers : public SimulationListener {
 public:
  explicit Checkers(const System& system) {
    for (int c = 0; c < system.channel_count(); ++c) {
      const bool has_pes = system.has_pes(c);
      ports_.push_back(has_pes ? std::make_unique<NmpConfig>(system.nmp_of(c)) : nullptr);
      checkers_.push_back(
          std::make_unique<TraceChecker>(system.dram_of(c), system.controller_of(c), ports_.back().get(), TraceCheckerOptions{}));
    }
  }
  void command(int channel, const CommandRecord& record) override { checkers_.at(static_cast<std::size_t>(channel))->command(record); }
  std::string problem() const {
    for (const auto& checker : checkers_) {
      if (checker->violations() > 0)
        return fmt::format("{} violations of {}: {}", checker->violations(), checker->first()[0].rule, checker->first()[0].detail);
    }
    return "";
  }

 private:
  std::vector<std::unique_ptr<NmpConfig>> ports_;
  std::vector<std::unique_ptr<TraceChecker>> checkers_;
};

/// Every picosecond of an executor and every attojoule has one cause.
std::string attribution_problem(const Results& r) {
  if (r.npu.sum() != r.total) return fmt::format("the NPU's time sums to {}, the run takes {}", r.npu.sum().value, r.total.value);
  for (const ChannelResult& c : r.channels) {
    if (c.time.sum() != r.total) return fmt::format("{}: its time sums to {}, the run takes {}", c.name, c.time.sum().value, r.total.value);
  }
  Attojoules by_operator, by_component;
  for (const OperatorResult& op : r.operators) {
    for (const Attojoules e : op.energy) by_operator += e;
  }
  for (const Attojoules e : r.energy) by_component += e;
  if (by_operator != r.energy_total || by_component != r.energy_total) return "energies by operator or component do not sum to the total";
  return "";
}

/// Of a fixed workload: prefill, then the steps. @return what does not sum
std::string phases_problem(const Results& r) {
  for (const ChannelResult& c : r.channels) {
    if (c.prefill.sum() != r.prefill) return fmt::format("{}: prefill sums to {} of {}", c.name, c.prefill.sum().value, r.prefill.value);
  }
  Picoseconds steps;
  for (const Picoseconds step : r.steps) steps += step;
  if (steps + r.prefill != r.total)
    return fmt::format("steps sum to {}, with prefill {} of {}", steps.value, r.prefill.value, r.total.value);
  return "";
}

/// Nothing is faster than its peak.
std::string bound_problem(const Results& r) {
  for (const char* phase : {"prefill", "decode"}) {
    for (const UnitUse& unit : speed_of_light(r, phase)) {
      if (unit.share > 1 + 1e-9) return fmt::format("{} in {}: {:.4f} of the peak", unit.unit, phase, unit.share);
    }
  }
  return "";
}

std::int64_t mapped_macs(const tools::Experiment& e) {
  std::int64_t macs = 0;
  const auto schedule = make_schedule(e.system, e.model, e.workload, e.dataflow);
  for (Block block; schedule->next(block); block = Block{}) {
    for (const OperatorWork& w : block.work) macs += w.shape.macs() * block.executions();
  }
  return macs;
}

std::string work_problem(const tools::Experiment& e, const Results& r) {
  std::int64_t macs = 0;
  for (const OperatorResult& op : r.operators) macs += op.macs;
  const std::int64_t mapped = mapped_macs(e);
  return macs == mapped ? "" : fmt::format("{} MACs done, {} mapped", macs, mapped);
}

/// The closed form's error on such small machines and models, where fixed times and what tasks wait in queues weigh most.
constexpr double detailed_within = 0.1;

std::string estimate_problem(const tools::Experiment& e, const Results& r) {
  const auto form = cost::make_cost_model("detailed", &e.system);
  const Results estimate = tools::estimate_run(e, *form);
  const double error = to_seconds(estimate.total) / to_seconds(r.total) - 1;
  if (const char* file = std::getenv("BONDSIM_SOAK_ERRORS")) std::ofstream(file, std::ios::app) << error << "\n";
  return std::abs(error) <= detailed_within ? "" : fmt::format("detailed is {:.1f} % from the cycles", 100 * error);
}

/// How far a step may be from that of a machine with one token of context, or one group of heads, more, besides refreshes that fall
/// elsewhere. The newest token's K and V go to a channel that depends on its position: a list that has them is longer than the others.
constexpr double token_within = 0.05, fewer_heads_within = 0.02;

/// ns of each decode step, simulated in a process of its own; none when the machine cannot hold it.
std::vector<double> steps_ns(const tools::Experiment& e) {
  std::istringstream text(run_isolated([&] {
    std::string steps;
    try {
      for (const Picoseconds step : tools::run_experiment(e).steps) steps += fmt::format("{} ", 1e9 * to_seconds(step));
    } catch (const InfeasibleError&) {
    }
    return steps;
  }));
  return {std::istream_iterator<double>(text), std::istream_iterator<double>()};
}

std::string smooth_problem(const tools::Experiment& e) {
  tools::Experiment longer = e, wider = e;
  ++longer.workload.prompt_tokens;
  wider.model.query_heads += e.model.query_heads / e.model.kv_heads;
  ++wider.model.kv_heads;
  const double refreshes_ns = 2 * e.system.dram_of(0).timing.t_rfc_ab_ns * static_cast<double>(e.model.layers);
  const std::vector<double> steps = steps_ns(e), token_more = steps_ns(longer), heads_more = steps_ns(wider);
  for (std::size_t i = 0; i < std::min({steps.size(), token_more.size(), heads_more.size()}); ++i) {
    if (const char* file = std::getenv("BONDSIM_SOAK_STEPS")) {
      std::ofstream(file, std::ios::app) << fmt::format("{} {} {} {} {}\n", steps[i], token_more[i] / steps[i], heads_more[i] / steps[i],
                                                        refreshes_ns / steps[i], e.model.kv_heads);
    }
    if (std::abs(token_more[i] - steps[i]) > token_within * steps[i] + refreshes_ns)
      return fmt::format("step {}: {} ns, {} with a token more of context", i, steps[i], token_more[i]);
    if (heads_more[i] < (1 - fewer_heads_within) * steps[i] - refreshes_ns)
      return fmt::format("step {}: {} ns, {} with a head more", i, steps[i], heads_more[i]);
  }
  return "";
}

std::string run_problem(const tools::Experiment& e) {
  Checkers checkers(e.system);
  TraceHub hub;
  TraceHub::Hears hears;
  hears.commands = true;
  hub.add(checkers, hears);
  SimulateOptions options;
  options.traces = &hub;
  const Results results = tools::run_experiment(e, options);
  for (const std::string& problem :
       {checkers.problem(), attribution_problem(results), phases_problem(results), bound_problem(results), work_problem(e, results)}) {
    if (!problem.empty()) return problem;
  }
  return estimate_problem(e, results);
}

std::string serve_problem(const tools::Experiment& e) {
  tools::ServeOptions options;
  Attojoules of_requests;
  std::string problem;
  options.requests = [&](const serving::RequestRow& row) {
    of_requests += row.energy;
    const bool in_order = row.arrival <= row.scheduled && row.scheduled <= row.first_token && row.first_token <= row.end;
    if (!in_order) problem = fmt::format("request {}: arrival, begin, first token and end are not in order", row.id);
  };
  const tools::ServingRun run = tools::serve(e, options);
  const auto& t = run.totals;
  if (t.arrived != t.complete + t.truncated + t.rejected) return "requests that came did not all leave";
  if (of_requests + t.idle_energy != run.results->energy_total) return "energies of requests and of idle time do not sum to the run's";
  if (!problem.empty()) return problem;
  const std::string attributed = attribution_problem(*run.results);
  return attributed.empty() ? bound_problem(*run.results) : attributed;
}

/// What does not hold of the case, empty when all does. What is refused is not judged.
std::string problem_of(const SoakCase& c, const ScratchDirectory& scratch) {
  try {
    const tools::Experiment e = c.load(scratch.write("dataflow.yaml", c.dataflow));
    std::string problem = run_isolated([&] {
      try {
        return c.serves ? serve_problem(e) : run_problem(e);
      } catch (const InfeasibleError&) {
        return std::string();
      }
    });
    if (problem.empty() && !c.serves && c.seed % 4 == 0) problem = smooth_problem(e);
    return problem;
  } catch (const ConfigError&) {
    return "";
  } catch (const std::exception& e) {
    return fmt::format("ended by: {}", e.what());
  }
}

/// Leaves out what the problem does not need.
SoakCase reduced(SoakCase c, const ScratchDirectory& scratch) {
  for (std::size_t i = c.overrides.size(); i-- > 0;) {
    SoakCase less = c;
    less.overrides.erase(less.overrides.begin() + static_cast<std::ptrdiff_t>(i));
    // Sizes are left out last: without them a run takes minutes.
    if (c.overrides[i].rfind("model.", 0) == 0 || c.overrides[i].rfind("workload.", 0) == 0 || c.overrides[i].rfind("serving.", 0) == 0)
      continue;
    if (!problem_of(less, scratch).empty()) c = less;
  }
  return c;
}

/// A directory with the dataflow and the command that shows the problem. @return its name
std::string keep(const SoakCase& c) {
  const std::string folder = tests::build_dir() + "/soak/seed-" + std::to_string(c.seed);
  std::filesystem::create_directories(folder);
  std::ofstream(folder + "/dataflow.yaml") << c.dataflow;
  std::ofstream(folder + "/run.sh") << "cd '" << tests::source_dir() << "' && '" << tests::binary() << "' "
                                    << c.command(folder + "/dataflow.yaml") << "\n";
  return folder;
}

/// BONDSIM_SOAK=1000 for the long run, BONDSIM_SOAK_SEED to begin elsewhere.
std::int64_t setting(const char* name, std::int64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoll(text);
}

TEST(Soak, everything_holds_of_random_small_experiments) {
  const ScratchDirectory scratch;
  const auto first = setting("BONDSIM_SOAK_SEED", 1);
  const auto cases = setting("BONDSIM_SOAK", scaled(100));
  for (std::int64_t seed = first; seed < first + cases; ++seed) {
    const SoakCase c = draw_soak_case(static_cast<std::uint64_t>(seed), scratch);
    const std::string problem = problem_of(c, scratch);
    if (!problem.empty()) ADD_FAILURE() << problem << "\nseed " << seed << ": sh " << keep(reduced(c, scratch)) << "/run.sh";
  }
}

}  // namespace
}  // namespace bondsim::test
