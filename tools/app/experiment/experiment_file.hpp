#pragma once
#include <optional>
#include <string>
#include <vector>

#include "models/base/fields.hpp"

namespace bondsim::tools {

/// What `bondsim heat` asks of an experiment.
struct ExperimentHeat {
  std::string stack;
  std::vector<double> ambients_c;
  std::vector<std::string> policies;
  double duration_s = 0;
  double step_s = 0;
};
template <class Visitor>
void fields(Visitor& v, ExperimentHeat& c) {
  v.field("stack", c.stack, required("package: a stack file, relative to this one"));
  v.field("ambients_c", c.ambients_c, defaulted("temperatures of the ambient; none: the stack's own"));
  v.field("policies", c.policies, defaulted("throttling policies of the stack, beside none"));
  v.field("duration_s", c.duration_s,
          defaulted("of the run repeated, from a cold machine on; 0: steady states alone").range(0, 1e7).in("s"));
  v.field("step_s", c.step_s, defaulted("of a step of it; 0: a 600th of the duration").range(0, 1e6).in("s"));
}

/// An experiment file: which files make a run, of a fixed workload or of requests that are served.
struct ExperimentFile {
  std::string name;
  std::string system;
  std::string model;
  std::string workload;
  std::string dataflow;
  std::string serving;
  std::optional<ExperimentHeat> heat;
};
template <class Visitor>
void fields(Visitor& v, ExperimentFile& c) {
  v.field("name", c.name, required("name of the experiment"));
  v.field("system", c.system, required("system file, relative to this one"));
  v.field("model", c.model, required("model file"));
  v.field("workload", c.workload, defaulted("workload file, for all commands but serve"));
  v.field("dataflow", c.dataflow, required("dataflow file"));
  v.field("serving", c.serving, defaulted("serving file, for serve: who asks, and how requests share the machine"));
  v.section("heat", c.heat, defaulted("for heat: package, ambients, throttling"));
}

}  // namespace bondsim::tools
