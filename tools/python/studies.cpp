#include <pybind11/stl.h>
#include <unistd.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "models/results/results_read.hpp"
#include "tools/app/dataflows/study.hpp"
#include "tools/app/processes/isolate.hpp"
#include "tools/app/serving/rates.hpp"
#include "tools/app/serving/serve.hpp"
#include "tools/app/studies/run_estimate.hpp"
#include "tools/app/studies/run_experiment.hpp"
#include "tools/app/studies/sweep.hpp"
#include "tools/app/validation/judging.hpp"
#include "tools/app/validation/predictions.hpp"
#include "tools/python/bindings.hpp"

namespace py = pybind11;

namespace bondsim::tools::python {
namespace {

using Json = nlohmann::ordered_json;

/// Lines `progress DONE ALL` to a file descriptor, ten a second at most; none to a negative one.
class Progress {
 public:
  explicit Progress(int fd) : fd_(fd) {}
  void operator()(std::int64_t done, std::int64_t all) {
    const auto now = std::chrono::steady_clock::now();
    if (fd_ < 0 || now < next_) return;
    next_ = now + std::chrono::milliseconds(100);
    const std::string line = fmt::format("progress {} {}\n", done, all);
    // Progress that cannot be told is no reason to end the run.
    if (::write(fd_, line.data(), line.size()) < 0) fd_ = -1;
  }

 private:
  int fd_;
  std::chrono::steady_clock::time_point next_{};
};

/// results.json of a run.
std::string run(const ExperimentRequest& request, int progress_fd) {
  return run_isolated([&] {
    Progress progress(progress_fd);
    return results_json(run_experiment(load_experiment(request), {}, [&](std::int64_t done, std::int64_t all) { progress(done, all); }));
  });
}

/// What `bondsim run --out` writes, of a results.json. @return names of the files
std::vector<std::string> save(const std::string& results, const std::string& directory) {
  OutputDirectory out(directory, "run");
  const Results read = results_from_json(results, "results");
  out.write("results.json", results);  // the text itself: what is read back may differ in the last digit of sums
  out.write("operators.csv", operators_csv(read));
  out.write("channels.csv", channels_csv(read));
  return out.commit();
}

/// estimate.json.
std::string estimate(const ExperimentRequest& request, const std::string& form) {
  const Experiment experiment = load_experiment(request);
  const auto model = cost::make_cost_model(form, &experiment.system);
  return estimate_json(estimate_run(experiment, *model), *model);
}

/// Columns of a sweep, of a results.json: ([(figure, value)], what bounds decode).
std::pair<std::vector<std::pair<std::string, double>>, std::string> figures(const std::string& results) {
  const SweepRow row = sweep_row(results_from_json(results, "results"));
  return {row.metrics, row.decode_bound};
}

/// What each closed form says of the cases, and the table of the cases: (validate.csv so far, [(form, seconds by row)]).
std::pair<std::string, std::vector<std::pair<std::string, std::vector<double>>>> predict(const ValidationRequest& request) {
  const ValidationPlan plan = plan_validation(request);
  std::vector<std::pair<std::string, std::vector<double>>> judged;
  for (const Judged& j : plan.judged) judged.emplace_back(j.name, j.seconds);
  return {plan.set.table.to_text(), judged};
}

/// Simulates the cases and holds predictions against them: JSON with validate.csv, accuracy.csv, and the report's text.
std::string validate(const ValidationRequest& request, const std::vector<std::pair<std::string, std::vector<double>>>& predictions,
                     int progress_fd) {
  // Forms that nobody named are asked only where there is nothing else to judge.
  const bool these_alone = request.forms.empty() && request.predictions.empty() && !predictions.empty();
  auto [set, judged] = these_alone ? ValidationPlan{validation_cases(request), {}} : plan_validation(request);
  for (const auto& [name, seconds] : predictions) judged.push_back({name, seconds});
  for (const Judged& j : judged) {
    if (j.seconds.size() != set.cases.size())
      throw ConfigError(fmt::format("{}: {} predictions of {} cases", j.name, j.seconds.size(), set.cases.size()));
  }
  Progress progress(progress_fd);
  const auto all = static_cast<std::int64_t>(set.cases.size());
  const auto cycles = run_cycles(set.cases, request.jobs, request.limit_s, [&](std::int64_t done) { progress(done, all); });
  write_columns(set.table, cycles, judged);
  Json out;
  out["table"] = set.table.to_text();
  out["accuracy"] = accuracy_csv(set, cycles, judged);
  out["text"] = accuracy_report(set, cycles, judged, {}).text;
  return out.dump();
}

ServingTier tier_of(const std::string& name) {
  for (const ServingTier tier : {ServingTier::cycle, ServingTier::detailed, ServingTier::both}) {
    if (name == name_of(tier)) return tier;
  }
  throw ConfigError(fmt::format("tier '{}' found, allowed: cycle, detailed, both", name));
}

/// JSON with serving.json, requests.csv, iterations.csv and the summary.
std::string serve_requests(const ExperimentRequest& request, const std::string& tier, std::optional<double> rate_per_s, int progress_fd) {
  return run_isolated([&] {
    Experiment experiment = load_experiment(request);
    if (rate_per_s) experiment = at_rate(experiment, *rate_per_s);
    std::ostringstream requests, iterations;
    requests << requests_csv_header();
    iterations << iterations_csv_header();
    Progress progress(progress_fd);
    ServeOptions options;
    options.tier = tier_of(tier);
    options.requests = [&](const serving::RequestRow& row) { requests << requests_csv_row(row, experiment.model.name); };
    options.iterations = &iterations;
    options.progress = [&](const ServingProgress& p) { progress(p.requests, experiment.serving->requests.limit); };
    const ServingRun run = serve(experiment, options);
    Json out;
    out["serving"] = Json::parse(serving_json(experiment, run, options.tier));
    out["requests"] = requests.str();
    out["iterations"] = iterations.str();
    out["summary"] = serving_summary(experiment, run, options.tier);
    return out.dump();
  });
}

/// JSON with dataflows.csv, the table's text, and the winner as a file of dataflow.
std::string dataflows(const ExperimentRequest& request, const DataflowStudyOptions& options, int progress_fd) {
  const Experiment experiment = load_experiment(request);
  Progress progress(progress_fd);
  DataflowStudyOptions how = options;
  how.progress = [&](const std::string&, int done, int all) { progress(done, all); };
  const DataflowStudy study = study_dataflows(experiment, how);
  Json out;
  out["table"] = study_csv(study);
  out["text"] = study_summary(study, experiment);
  out["winner"] = study.winner().dataflow.name;
  return out.dump();
}

}  // namespace

void bind_studies(py::module_& m) {
  using Release = py::call_guard<py::gil_scoped_release>;
  py::class_<ValidationRequest>(m, "ValidationRequest")
      .def(py::init<>())
      .def_readwrite("experiment", &ValidationRequest::experiment)
      .def_readwrite("samples", &ValidationRequest::samples)
      .def_readwrite("ops", &ValidationRequest::ops)
      .def_readwrite("suite", &ValidationRequest::suite)
      .def_readwrite("predictions", &ValidationRequest::predictions)
      .def_readwrite("system", &ValidationRequest::system)
      .def_readwrite("forms", &ValidationRequest::forms)
      .def_readwrite("jobs", &ValidationRequest::jobs)
      .def_readwrite("limit_s", &ValidationRequest::limit_s);
  py::class_<DataflowStudyOptions>(m, "DataflowStudyOptions")
      .def(py::init<>())
      .def_readwrite("files", &DataflowStudyOptions::files)
      .def_readwrite("decode_samples", &DataflowStudyOptions::decode_samples)
      .def_readwrite("confirm", &DataflowStudyOptions::confirm)
      .def_readwrite("refinements", &DataflowStudyOptions::refinements)
      .def_readwrite("jobs", &DataflowStudyOptions::jobs);
  m.def("run", &run, py::arg("request"), py::arg("progress_fd") = -1, Release());
  m.def("save", &save, py::arg("results"), py::arg("directory"), Release());
  m.def(
      "summary", [](const std::string& results) { return results_summary(results_from_json(results, "results")); }, py::arg("results"));
  m.def("estimate", &estimate, py::arg("request"), py::arg("form"), Release());
  m.def("figures", &figures, py::arg("results"), Release());
  m.def("predict", &predict, py::arg("request"), Release());
  m.def("validate", &validate, py::arg("request"), py::arg("predictions"), py::arg("progress_fd") = -1, Release());
  m.def("serve", &serve_requests, py::arg("request"), py::arg("tier"), py::arg("rate_per_s") = std::nullopt, py::arg("progress_fd") = -1,
        Release());
  m.def("dataflows", &dataflows, py::arg("request"), py::arg("options"), py::arg("progress_fd") = -1, Release());
}

}  // namespace bondsim::tools::python
