#include "tools/app/speculation/search.hpp"

#include <algorithm>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/speculation/acceptance.hpp"
#include "mapping/speculation/sample.hpp"
#include "models/base/csv_table.hpp"
#include "models/results/phases.hpp"
#include "sim/simulate.hpp"
#include "tools/app/dataflows/candidates.hpp"
#include "tools/app/processes/isolate.hpp"

namespace bondsim::tools {
namespace {

using speculation::SampledPart;

/// Drafts of a verification: how deep, and how wide at each level.
struct Shape {
  int depth = 0;
  std::vector<int> width;
};

/// Chains, and trees that try two or three tokens first. A trace does not say what a deeper draft would have had accepted.
std::vector<Shape> shapes_of(const SpeculationConfig& config, int most_depth) {
  std::vector<Shape> shapes = {{0, {}}};
  if (!config.trace.empty()) most_depth = std::min(most_depth, config.depth);
  for (int depth = 1; depth <= most_depth; ++depth) {
    shapes.push_back({depth, {}});
    if (config.schedule == DraftSchedule::parallel || !config.trace.empty()) continue;
    for (const std::vector<int>& width : {std::vector<int>{2, 1}, {3, 1}}) shapes.push_back({depth, width});
  }
  return shapes;
}

class Search {
 public:
  Search(const Experiment& experiment, const SpeculationSearchOptions& options)
      : e_(experiment),
        options_(options),
        form_(cost::make_cost_model("detailed", &experiment.system)),
        context_(e_.workload.prompt_of(0) + std::max<std::int64_t>(1, e_.workload.generated_tokens / 2)) {
    Experiment plain = e_;
    plain.workload.speculation.reset();
    targets_ = dataflow_candidates(plain, options.files);
    if (!e_.draft) return;
    plain.model = e_.draft->model;
    plain.dataflow = e_.draft->dataflow;
    drafts_ = dataflow_candidates(plain, options.files);
  }

  std::vector<SpeculationChoice> run() {
    estimate();
    std::stable_sort(all_.begin(), all_.end(), [](const auto& a, const auto& b) { return a.estimate_s < b.estimate_s; });
    if (all_.empty()) throw InfeasibleError("no dataflow runs");
    confirm();
    const auto rank = [](const SpeculationChoice& c) { return c.confirmed_s ? *c.confirmed_s : 1e9 + c.estimate_s; };
    std::stable_sort(all_.begin(), all_.end(), [&](const auto& a, const auto& b) { return rank(a) < rank(b); });
    if (!all_.front().confirmed_s) throw InfeasibleError(all_.front().problem);
    return all_;
  }

 private:
  Workload workload_of(const Shape& shape) const {
    Workload w = e_.workload;
    w.speculation->depth = shape.depth;
    w.speculation->width = shape.width;
    for (int& accepted : w.speculation->trace) accepted = std::min(accepted, shape.depth);
    return w;
  }

  double estimated(speculation::Plans plans, SampledPart part) const {
    const auto blocks = speculation::sample_schedule(std::move(plans), part, context_);
    double seconds = 0;
    for (Block block; blocks->next(block);) seconds += form_->block_seconds(block, e_.system) * static_cast<double>(block.executions());
    return seconds;
  }

  /// Of the model's rows alone, whoever makes the drafts. Nothing where the dataflow does not run.
  std::optional<double> verification(const Dataflow& dataflow, const Shape& shape) const {
    Workload w = workload_of(shape);
    w.speculation->draft = DraftKind::ngram;
    w.speculation->schedule = DraftSchedule::serial;
    return seconds_of(
        [&] { return estimated(speculation::make_plans(e_.system, e_.model, w, dataflow, e_.tiling, {}), SampledPart::verification); });
  }

  std::optional<double> draft(const Dataflow& model, const Dataflow* dataflow, const Shape& shape) const {
    if (shape.depth == 0 || e_.workload.speculation->draft == DraftKind::ngram) return 0.0;
    const Workload w = workload_of(shape);
    return seconds_of([&] {
      if (dataflow != nullptr)
        return estimated(speculation::make_draft_plans(e_.system, w, {e_.draft->model, *dataflow}), SampledPart::draft);
      return estimated(speculation::make_plans(e_.system, e_.model, w, model, e_.tiling, {}), SampledPart::draft);
    });
  }

  template <class Seconds>
  static std::optional<double> seconds_of(const Seconds& seconds) {
    try {
      return seconds();
    } catch (const ConfigError&) {
    } catch (const InfeasibleError&) {
    }
    return std::nullopt;
  }

  void estimate() {
    const std::vector<Shape> shapes = shapes_of(*e_.workload.speculation, options_.most_depth);
    // By draft dataflow and shape; one row without a dataflow where the draft has no model.
    std::vector<std::vector<std::optional<double>>> of_drafts;
    for (const RankedDataflow& d : drafts_) {
      std::vector<std::optional<double>> row;
      row.reserve(shapes.size());
      for (const Shape& shape : shapes) row.push_back(d.problem.empty() ? draft(e_.dataflow, &d.dataflow, shape) : std::nullopt);
      of_drafts.push_back(std::move(row));
    }
    int done = 0;
    for (const RankedDataflow& t : targets_) {
      if (options_.progress) options_.progress("estimated", done++, static_cast<int>(targets_.size()));
      for (std::size_t i = 0; i < shapes.size() && t.problem.empty(); ++i) {
        const auto verify = verification(t.dataflow, shapes[i]);
        if (!verify) break;  // more rows take no less of the buffers
        if (drafts_.empty() || shapes[i].depth == 0) {
          add(t.dataflow, nullptr, shapes[i], *verify, draft(t.dataflow, nullptr, shapes[i]));
          continue;
        }
        for (std::size_t d = 0; d < drafts_.size(); ++d) add(t.dataflow, &drafts_[d].dataflow, shapes[i], *verify, of_drafts[d][i]);
      }
    }
  }

  void add(const Dataflow& target, const Dataflow* of_draft, const Shape& shape, double verify, std::optional<double> drafts) {
    if (!drafts) return;
    SpeculationChoice choice;
    choice.dataflow = target;
    if (of_draft != nullptr) choice.draft = *of_draft;
    choice.depth = shape.depth;
    choice.width = shape.width;
    choice.tokens = speculation::expected_tokens(*workload_of(shape).speculation);
    choice.estimate_s = (verify + *drafts) / choice.tokens;
    all_.push_back(std::move(choice));
  }

  double simulated(const SpeculationChoice& c) const {
    const auto draft = c.draft ? std::optional(speculation::Draft{e_.draft->model, *c.draft}) : std::nullopt;
    const Workload w = workload_of({c.depth, c.width});
    double seconds = 0;
    for (const SampledPart part : {SampledPart::verification, SampledPart::draft}) {
      seconds += std::stod(run_isolated([&] {
        auto plans = speculation::make_plans(e_.system, e_.model, w, c.dataflow, e_.tiling, draft);
        const auto blocks = speculation::sample_schedule(std::move(plans), part, context_);
        return fmt::format("{:.17g}", to_seconds(simulate(e_.system, *blocks).total));
      }));
    }
    return seconds / c.tokens;
  }

  /// The best estimates until so many run, and the best without drafts.
  void confirm() {
    int left = options_.confirm;
    bool plain = false;
    const auto tell = [&](int done) {
      if (options_.progress) options_.progress("simulated", std::min(done, options_.confirm), options_.confirm);
    };
    for (SpeculationChoice& c : all_) {
      const bool first_plain = c.depth == 0 && !plain;
      if (left <= 0 && !first_plain) continue;
      tell(options_.confirm - left);
      try {
        c.confirmed_s = simulated(c);
        plain = plain || c.depth == 0;
        --left;
      } catch (const InfeasibleError& error) {
        c.problem = error.what();
      } catch (const ConfigError& error) {
        c.problem = error.what();
      }
      if (left <= 0 && plain) break;
    }
    tell(options_.confirm);
  }

  const Experiment& e_;
  const SpeculationSearchOptions& options_;
  std::unique_ptr<cost::CostModel> form_;
  std::int64_t context_;
  std::vector<RankedDataflow> targets_, drafts_;
  std::vector<SpeculationChoice> all_;
};

std::string width_text(const SpeculationChoice& c) {
  if (c.depth == 0) return "plain";
  return c.width.empty() ? "chain" : fmt::format("{}", fmt::join(c.width, " "));
}

}  // namespace

std::vector<SpeculationChoice> search_speculation(const Experiment& experiment, const SpeculationSearchOptions& options) {
  require_uniform(experiment.system, "a search of drafts");
  return Search(experiment, options).run();
}

std::string search_text(const std::vector<SpeculationChoice>& choices) {
  std::string out = fmt::format(
      "{} combinations of dataflows, depth and width, ms of an accepted token\n  {:<40} {:<28} {:>5} {:>6} {:>7} {:>10} {:>10}\n",
      choices.size(), "model", "draft", "depth", "width", "tokens", "estimated", "simulated");
  for (std::size_t i = 0; i < choices.size(); ++i) {
    const SpeculationChoice& c = choices[i];
    if (i >= 12 && !c.confirmed_s) continue;
    out += fmt::format("  {:<40} {:<28} {:>5} {:>6} {:>7.3f} {:>10.4f} {:>10}\n", c.dataflow.name, c.draft ? c.draft->name : "", c.depth,
                       width_text(c), c.tokens, c.estimate_s * 1e3,
                       c.confirmed_s       ? fmt::format("{:.4f}", *c.confirmed_s * 1e3)
                       : c.problem.empty() ? ""
                                           : "does not fit");
  }
  return out;
}

std::string search_csv(const std::vector<SpeculationChoice>& choices) {
  std::string out = "dataflow,draft_dataflow,depth,width,tokens_per_verification,estimated_token_s,simulated_token_s,problem\n";
  for (const SpeculationChoice& c : choices) {
    out +=
        fmt::format("{},{},{},{},{:.9g},{:.9e},{},{}\n", csv_cell(c.dataflow.name), csv_cell(c.draft ? c.draft->name : ""), c.depth,
                    width_text(c), c.tokens, c.estimate_s, c.confirmed_s ? fmt::format("{:.9e}", *c.confirmed_s) : "", csv_cell(c.problem));
  }
  return out;
}

}  // namespace bondsim::tools
