#pragma once
#include <string>

#include "models/base/fields.hpp"

namespace bondsim::tools {

/// An experiment file: which files make a run, of a fixed workload or of requests that are served.
struct ExperimentFile {
  std::string name;
  std::string system;
  std::string model;
  std::string workload;
  std::string dataflow;
  std::string serving;
};
template <class Visitor>
void fields(Visitor& v, ExperimentFile& c) {
  v.field("name", c.name, required("name of the experiment"));
  v.field("system", c.system, required("system file, relative to this one"));
  v.field("model", c.model, required("model file"));
  v.field("workload", c.workload, defaulted("workload file, for all commands but serve"));
  v.field("dataflow", c.dataflow, required("dataflow file"));
  v.field("serving", c.serving, defaulted("serving file, for serve: who asks, and how requests share the machine"));
}

}  // namespace bondsim::tools
