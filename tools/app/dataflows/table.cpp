#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "models/base/csv_table.hpp"
#include "tools/app/dataflows/study.hpp"

namespace bondsim::tools {
namespace {

const char* origin_name(DataflowOrigin origin) {
  switch (origin) {
    case DataflowOrigin::shipped:
      return "shipped";
    case DataflowOrigin::given:
      return "given";
    case DataflowOrigin::found:
      return "found";
  }
  return "found";
}

double tokens(const Experiment& e) { return static_cast<double>(std::max<std::int64_t>(1, e.workload.generated_tokens)); }

/// Simulated times where there are any.
const RunTimes& best_known(const RankedDataflow& d) { return d.confirmed ? d.confirmed->times : d.estimate; }

std::string row_text(const RankedDataflow& d, const DataflowStudy& study, const Experiment& e) {
  const RunTimes& t = best_known(d);
  const double gap = 100 * (t.total_s() / study.bound.total_s() - 1);
  std::string text = fmt::format("  {:<44} {:<8} {:>9.3f} {:>11.2f} {:>9.4f} {:>8.1f} %", d.dataflow.name, origin_name(d.origin),
                                 1e3 * t.decode_s / tokens(e), 1e3 * t.prefill_s, t.total_s(), gap);
  if (!d.confirmed) return text + "  estimated only\n";
  const double error = 100 * (d.estimate.total_s() / t.total_s() - 1);
  return text + fmt::format(" {:>10.2f} {:>+9.2f} %\n", 1e3 * d.confirmed->energy_j / (tokens(e) * e.workload.batch), error);
}

/// Errors of the form against the simulation: mean of the magnitudes, and the largest error.
std::string error_text(const DataflowStudy& study) {
  double sum = 0, worst = 0;
  int count = 0;
  for (const RankedDataflow& d : study.ranking) {
    if (!d.confirmed) continue;
    const double error = 100 * (d.estimate.total_s() / d.confirmed->times.total_s() - 1);
    sum += std::abs(error);
    if (std::abs(error) > std::abs(worst)) worst = error;
    ++count;
  }
  return fmt::format("detailed against these {} simulations: {:.2f} % mean error, worst {:+.2f} %\n", count, sum / std::max(1, count),
                     worst);
}

}  // namespace

std::string study_summary(const DataflowStudy& study, const Experiment& e) {
  std::string out = fmt::format("DATAFLOWS of {} on {}; batch {}, {} prompt and {} generated tokens\n", e.model.name, e.system.name,
                                e.workload.batch, e.workload.prompt_of(0), e.workload.generated_tokens);
  out += fmt::format("  {:<44} {:<8} {:>9} {:>11} {:>9} {:>10} {:>10} {:>11}\n", "dataflow, fastest first", "origin", "ms/step",
                     "prefill ms", "total s", "over bound", "mJ/token", "estimate");
  for (const RankedDataflow& d : study.ranking) {
    if (d.problem.empty()) out += row_text(d, study, e);
  }
  out += fmt::format("  {:<44} {:<8} {:>9.3f} {:>11.2f} {:>9.4f}\n", "lower bound of the machine", "",
                     1e3 * study.bound.decode_s / tokens(e), 1e3 * study.bound.prefill_s, study.bound.total_s());
  for (const RankedDataflow& d : study.ranking) {
    if (!d.problem.empty()) out += fmt::format("  {}: does not run: {}\n", d.dataflow.name, d.problem);
  }
  return out + error_text(study);
}

std::string study_csv(const DataflowStudy& study) {
  std::string out =
      "dataflow,origin,estimated_prefill_s,estimated_decode_s,prefill_s,decode_s,total_s,energy_j,bound_prefill_s,bound_decode_s,problem\n";
  for (const RankedDataflow& d : study.ranking) {
    out += fmt::format("{},{},{:.9g},{:.9g},", csv_cell(d.dataflow.name), origin_name(d.origin), d.estimate.prefill_s, d.estimate.decode_s);
    out += d.confirmed ? fmt::format("{:.9g},{:.9g},{:.9g},{:.9g},", d.confirmed->times.prefill_s, d.confirmed->times.decode_s,
                                     d.confirmed->times.total_s(), d.confirmed->energy_j)
                       : ",,,,";
    out += fmt::format("{:.9g},{:.9g},{}\n", study.bound.prefill_s, study.bound.decode_s, csv_cell(d.problem));
  }
  return out;
}

}  // namespace bondsim::tools
