#include "tools/app/validation/judging.hpp"

#include "mapping/cost/forms/make_cost_model.hpp"

namespace bondsim::tools {
namespace {

ValidationSet chosen_set(const ValidationRequest& request) {
  if (!request.experiment.file.empty()) return validation_of_experiment(load_experiment(request.experiment), request.samples);
  if (!request.suite.empty()) return validation_suite(request.suite, request.system);
  const System base = load_system(request.system, {});
  return validation_of_rows(base, CsvTable::load(request.ops.empty() ? request.predictions : request.ops));
}

Judged judge_form(const std::string& name, const std::vector<ValidationCase>& cases) {
  Judged judged{name, {}};
  for (const ValidationCase& c : cases) {
    double seconds = 0;
    try {
      seconds = c.predicted(*cost::make_cost_model(name, c.system.get()));
    } catch (const InfeasibleError&) {
    }
    judged.seconds.push_back(seconds);
  }
  return judged;
}

/// `latency_s` of a file whose rows are those of `table`, in the same order; shapes are compared where the file gives them.
Judged judge_file(const std::string& file, const CsvTable& table) {
  const CsvTable predictions = CsvTable::load(file);
  if (predictions.rows() != table.rows()) {
    throw ConfigError(fmt::format("{}: {} rows, allowed: one for each of the {} cases", file, predictions.rows(), table.rows()));
  }
  Judged judged{"predictions", {}};
  for (std::size_t row = 0; row < table.rows(); ++row) {
    for (const char* column : {"B", "M", "N", "K"}) {
      if (!predictions.has(row, column)) continue;
      const std::int64_t asked = table.integer(row, column, 1, std::int64_t{1} << 40);
      if (predictions.integer(row, column, 1, std::int64_t{1} << 40) != asked) {
        predictions.error(row, column, fmt::format("{} found, the operator has {}", predictions.text(row, column), asked));
      }
    }
    judged.seconds.push_back(predictions.number(row, "latency_s", 1e-15, 1e12));
  }
  return judged;
}

}  // namespace

ValidationPlan plan_validation(const ValidationRequest& request) {
  ValidationPlan plan{chosen_set(request), {}};
  const bool all = request.forms.empty() && request.predictions.empty();
  for (const std::string& name : all ? cost::cost_model_names() : request.forms) plan.judged.push_back(judge_form(name, plan.set.cases));
  if (!request.predictions.empty()) plan.judged.push_back(judge_file(request.predictions, plan.set.table));
  return plan;
}

}  // namespace bondsim::tools
