#pragma once
#include <pybind11/pybind11.h>

/// The module bondsim._core: bondsim::app for Python. Structured values travel as the JSON and CSV texts that the command writes, so that a
/// result in Python is the command's to the last digit; the package's Python code gives them their shapes.
namespace bondsim::tools::python {

/// ConfigError, InfeasibleError, IoError and InternalError as exceptions of Python.
void bind_errors(pybind11::module_& m);
/// ExperimentRequest, what it decodes to, what is shipped, schemas, the glossary.
void bind_experiments(pybind11::module_& m);
/// Runs, estimates, serving, validation. Those that simulate fork, since SystemC elaborates once a process: they are for a process without
/// threads, which bondsim._worker is.
void bind_studies(pybind11::module_& m);
/// Closed forms by name, and classes of Python that are closed forms.
void bind_forms(pybind11::module_& m);
/// Design spaces, searched by asking and telling.
void bind_spaces(pybind11::module_& m);

}  // namespace bondsim::tools::python
