#pragma once
#include <string>

#include "models/base/fields.hpp"

namespace bondsim::tools {

/// An experiment file: which four files make a run.
struct ExperimentFile {
  std::string name;
  std::string system;
  std::string model;
  std::string workload;
  std::string dataflow;
};
template <class Visitor>
void fields(Visitor& v, ExperimentFile& c) {
  v.field("name", c.name, required("name of the experiment"));
  v.field("system", c.system, required("system file, relative to this one"));
  v.field("model", c.model, required("model file"));
  v.field("workload", c.workload, required("workload file"));
  v.field("dataflow", c.dataflow, required("dataflow file"));
}

}  // namespace bondsim::tools
