#include "tools/app/validation/judging.hpp"

#include "mapping/cost/forms/make_cost_model.hpp"
#include "tools/app/validation/predictions.hpp"

namespace bondsim::tools {

ValidationSet validation_cases(const ValidationRequest& request) {
  if (!request.experiment.file.empty()) return validation_of_experiment(load_experiment(request.experiment), request.samples);
  if (!request.suite.empty()) return validation_suite(request.suite, request.system);
  const System base = load_system(request.system, {});
  return validation_of_rows(base, CsvTable::load(request.ops.empty() ? request.predictions : request.ops));
}

namespace {

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

}  // namespace

ValidationPlan plan_validation(const ValidationRequest& request) {
  ValidationPlan plan{validation_cases(request), {}};
  const bool all = request.forms.empty() && request.predictions.empty();
  for (const std::string& name : all ? cost::cost_model_names() : request.forms) plan.judged.push_back(judge_form(name, plan.set.cases));
  if (!request.predictions.empty()) plan.judged.push_back(read_predictions(request.predictions, plan.set.table));
  return plan;
}

}  // namespace bondsim::tools
