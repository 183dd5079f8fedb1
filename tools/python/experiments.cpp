#include <pybind11/stl.h>

#include <nlohmann/json.hpp>

#include "tools/app/experiment/experiment.hpp"
#include "tools/app/experiment/shipped.hpp"
#include "tools/python/bindings.hpp"

namespace py = pybind11;

namespace bondsim::tools::python {
namespace {

using Json = nlohmann::ordered_json;

/// What an experiment decodes to, as JSON: names of its parts, digest, files, and every value with where it comes from.
std::string describe(const ExperimentRequest& request) {
  const Experiment e = load_experiment(request);
  Json out;
  out["system"] = e.system.name;
  out["model"] = e.model.name;
  out[request.serves ? "serving" : "workload"] = request.serves ? e.serving->name : e.workload.name;
  out["dataflow"] = e.dataflow.name;
  out["digest"] = e.digest;
  out["files"] = e.files;
  out["values"] = Json::array();
  for (const ConfigValue& v : e.values) {
    out["values"].push_back({{"key", v.key},
                             {"value", v.value},
                             {"unit", v.unit},
                             {"meaning", v.meaning},
                             {"where", v.where},
                             {"source", v.source},
                             {"confidence", v.confidence}});
  }
  return out.dump();
}

}  // namespace

void bind_experiments(py::module_& m) {
  py::class_<ExperimentRequest>(m, "ExperimentRequest")
      .def(py::init<>())
      .def_readwrite("file", &ExperimentRequest::file)
      .def_readwrite("model", &ExperimentRequest::model)
      .def_readwrite("workload", &ExperimentRequest::workload)
      .def_readwrite("dataflow", &ExperimentRequest::dataflow)
      .def_readwrite("serving", &ExperimentRequest::serving)
      .def_readwrite("serves", &ExperimentRequest::serves)
      .def_readwrite("tiling", &ExperimentRequest::tiling)
      .def_readwrite("allow_illegal", &ExperimentRequest::allow_illegal)
      .def_readwrite("overrides", &ExperimentRequest::overrides);
  m.def("describe", &describe, py::arg("request"), py::call_guard<py::gil_scoped_release>());
  m.def("schema_names", &schema_names);
  m.def(
      "schema_text", [](const std::string& kind) { return schema_text(schema_of(kind)); }, py::arg("kind"));
  m.def("shipped", &shipped, py::arg("path"));
  m.def("config_folder", &config_folder, py::arg("kind"));
  m.def("first_comment", &first_comment, py::arg("file"));
}

}  // namespace bondsim::tools::python
