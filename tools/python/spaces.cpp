#include <pybind11/stl.h>

#include <map>
#include <memory>

#include "mapping/search/device/roofline_evaluator.hpp"
#include "tools/app/experiment/shipped.hpp"
#include "tools/app/exploration/ask_tell.hpp"
#include "tools/python/bindings.hpp"

namespace py = pybind11;

namespace bondsim::tools::python {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;
using Metrics = std::map<std::string, double>;

/// A design space, its search, and the closed forms that can judge its candidates.
class Space {
 public:
  explicit Space(const std::string& file) : search_(search::decode_space(load_yaml_file(find_input(file, {"space"})))) {}

  AskTellSearch& search() { return search_; }

  Settings settings(const std::string& candidate) const { return search_.space().settings(row_numbers(candidate)); }

  /// (metrics, why it is infeasible)
  std::pair<Metrics, std::string> evaluate(const std::string& candidate, const std::string& form) {
    auto& judge = judges_[form];
    if (!judge) judge = std::make_unique<search::RooflineEvaluator>(search_.space(), form);
    const search::Evaluation e = judge->evaluate(row_numbers(candidate));
    return {e.metrics, e.reason};
  }

 private:
  search::Candidate row_numbers(const std::string& candidate) const {
    const auto found = search_.space().candidate(candidate);
    if (!found) throw ConfigError(fmt::format("{}: '{}' is no candidate of the space", search_.space().name, candidate));
    return *found;
  }

  AskTellSearch search_;
  std::map<std::string, std::unique_ptr<search::RooflineEvaluator>> judges_;
};

std::vector<std::pair<std::string, Metrics>> front(Space& space) {
  std::vector<std::pair<std::string, Metrics>> out;
  for (const search::FrontMember& member : space.search().front()) out.emplace_back(member.candidate, member.evaluation.metrics);
  return out;
}

}  // namespace

void bind_spaces(py::module_& m) {
  using Release = py::call_guard<py::gil_scoped_release>;
  py::class_<Space>(m, "Space")
      .def(py::init<const std::string&>(), py::arg("file"))
      .def_property_readonly("name", [](Space& s) { return s.search().space().name; })
      .def_property_readonly("size", [](Space& s) { return s.search().space().size(); })
      .def_property_readonly("objectives", [](Space& s) { return s.search().space().objectives; })
      .def("settings", &Space::settings, py::arg("candidate"))
      .def(
          "ask", [](Space& s) { return s.search().ask(); }, Release())
      .def(
          "tell",
          [](Space& s, const std::string& candidate, const Metrics& metrics, const std::string& infeasible) {
            s.search().tell(candidate, {infeasible.empty(), infeasible, metrics});
          },
          py::arg("candidate"), py::arg("metrics"), py::arg("infeasible"))
      .def("evaluate", &Space::evaluate, py::arg("candidate"), py::arg("form"), Release())
      .def("front", &front, Release());
}

}  // namespace bondsim::tools::python
