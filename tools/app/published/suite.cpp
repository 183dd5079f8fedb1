#include "tools/app/published/suite.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "mapping/emit/mapper.hpp"
#include "mapping/emit/single_operator.hpp"
#include "models/base/csv_table.hpp"
#include "sim/simulate.hpp"
#include "tools/app/experiment/experiment.hpp"
#include "tools/app/processes/isolate.hpp"
#include "tools/app/published/commands_power.hpp"

namespace bondsim::tools {
namespace {

SingleOperator operator_of(const System& system, const PublishedFigure& figure, const FigureGemm& gemm) {
  SingleOperator op;
  op.executor = figure.work == FigureWork::arrays ? Executor::npu : Executor::nmp;
  for (int c = 0; c < system.channel_count(); ++c) op.channels.push_back(c);
  op.shape = {gemm.count, gemm.m, gemm.n, gemm.k};
  op.whole_products = figure.whole_products;
  return op;
}

/// Columns, rows, refreshes and computations, and the waits between them, of the channel that has most of them.
Picoseconds longest_of_banks(const Results& r) {
  Picoseconds longest;
  for (const ChannelResult& c : r.channels)
    longest = std::max(longest, c.time.column + c.time.row + c.time.refresh + c.time.compute + c.time.buffer_wait);
  return longest;
}

/// On PEs from the first transfer to the last; on the arrays, whose memory is ideal in what they are compared with, the time they compute.
Picoseconds time_of(const System& system, const PublishedFigure& figure, const FigureGemm& gemm) {
  return Picoseconds(std::stoll(run_isolated([&] {
    const auto schedule = single_operator_schedule(system, operator_of(system, figure, gemm));
    const Results r = simulate(system, *schedule);
    if (figure.banks_alone) return std::to_string(longest_of_banks(r).value);
    return std::to_string(figure.work == FigureWork::arrays ? r.npu.compute.value : r.operators.front().span.value);
  })));
}

double measure_gemms(const Target& target, const PublishedFigure& figure) {
  const System system = load_system(target.path(target.system), figure.set);
  const bool arrays = figure.work == FigureWork::arrays;
  const double cycle_ps = arrays ? 1e6 / system.npu.clock_mhz : 1e6 / system.dram.timing.ck_mhz;
  double sum = 0;
  for (const FigureGemm& gemm : figure.gemms) {
    const auto ps = static_cast<double>(time_of(system, figure, gemm).value);
    // The arrays begin on an edge of their clock, up to a cycle after their operands are there.
    const double one = figure.unit == FigureUnit::us ? ps * 1e-6 : arrays ? std::floor(ps / cycle_ps) : ps / cycle_ps;
    sum += static_cast<double>(gemm.times) * one;
  }
  return sum;
}

double measure_model(const Target& target, const PublishedFigure& figure) {
  ExperimentRequest request;
  request.file = target.path(target.system);
  request.model = target.path(target.model);
  request.workload = target.path(target.workload);
  request.dataflow = target.path(target.dataflow);
  request.allow_illegal = true;
  request.overrides = figure.set;
  const Experiment e = load_experiment(request);
  const std::string seconds = run_isolated([&] {
    const auto schedule = make_schedule(make_plan(e.system, e.model, e.workload, e.dataflow));
    return fmt::format("{:.17g}", to_seconds(simulate(e.system, *schedule).decode()));
  });
  return static_cast<double>(e.workload.generated_tokens * e.workload.batch) / std::stod(seconds);
}

}  // namespace

double measure(const Target& target, const PublishedFigure& figure) {
  if (figure.work == FigureWork::commands) {
    const System system = load_system(target.path(target.system), figure.set);
    return commands_power_mw(system, count_commands(target.path(figure.trace), system.dram), figure.driven_channels,
                             figure.resting_channels);
  }
  return figure.work == FigureWork::model ? measure_model(target, figure) : measure_gemms(target, figure);
}

std::vector<FigureResult> run_target(const Target& target, const std::function<void()>& done) {
  std::vector<FigureResult> results;
  for (const PublishedFigure& figure : target.figures) {
    results.push_back({target.name, figure, target.least_of(figure), target.most_of(figure), measure(target, figure)});
    if (done) done();
  }
  return results;
}

std::string published_csv(const std::vector<FigureResult>& results) {
  std::string out = "target,figure,unit,published,ours,ratio,least,most,kept,source,cause\n";
  for (const FigureResult& r : results) {
    const PublishedFigure& f = r.figure;
    out += fmt::format("{},{},{},{},{:.6g},{:.4f},{},{},{},{},{}\n", r.target, csv_cell(f.name), enum_name(f.unit), f.published, r.ours,
                       r.ratio(), r.least, r.most, r.kept() ? "yes" : "no", csv_cell(f.source), csv_cell(f.cause));
  }
  return out;
}

std::string published_text(const Target& target, const std::vector<FigureResult>& results) {
  std::string out = fmt::format("{}: {}\n", target.name, target.title);
  out += fmt::format("  {:<52}{:>12}{:>12}{:>8}   {}\n", "", "published", "ours", "ratio", "allowed");
  for (const FigureResult& r : results) {
    out += fmt::format("  {:<52}{:>12.6g}{:>12.6g}{:>8.3f}   {:.2f} to {:.2f} {}{}\n", r.figure.name, r.figure.published, r.ours, r.ratio(),
                       r.least, r.most, enum_name(r.figure.unit), r.kept() ? "" : "  MISSED");
    if (!r.figure.cause.empty()) out += fmt::format("    {}\n", r.figure.cause);
  }
  return out + fmt::format("  theirs: {}\n  ours: {}\n", target.published_has, target.ours_has);
}

}  // namespace bondsim::tools
