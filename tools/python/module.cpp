#include <cstdlib>

#include "models/base/error.hpp"
#include "models/base/io_error.hpp"
#include "tools/python/bindings.hpp"

namespace bondsim::tools::python {

void bind_errors(pybind11::module_& m) {
  const auto base = pybind11::exception<std::runtime_error>(m, "BondsimError");
  pybind11::register_exception<ConfigError>(m, "ConfigError", base);
  pybind11::register_exception<InfeasibleError>(m, "InfeasibleError", base);
  pybind11::register_exception<IoError>(m, "IoError", base);
  pybind11::register_exception<InternalError>(m, "InternalError", base);
}

}  // namespace bondsim::tools::python

PYBIND11_MODULE(_core, m) {
  ::setenv("SYSTEMC_DISABLE_COPYRIGHT_MESSAGE", "1", 1);  // the terminal is the user's
  m.doc() = "bondsim::app; use the package bondsim instead";
  m.attr("__version__") = BONDSIM_VERSION;
  bondsim::tools::python::bind_errors(m);
  bondsim::tools::python::bind_experiments(m);
  bondsim::tools::python::bind_studies(m);
  bondsim::tools::python::bind_forms(m);
  bondsim::tools::python::bind_spaces(m);
}
