#pragma once
#include <string>

#include "tools/app/reproduction/cell.hpp"

namespace bondsim::tools {

template <class Visitor>
void members(Visitor& v, Cell& c) {
  v("system", c.system);
  v("model", c.model);
  v("dataset", c.dataset);
  v("batch", c.batch);
  v("variant", c.variant);
}

/// Task of a worker in a run of the experiments.
struct CellTask {
  std::string tier;  ///< analytical; cycle: the plan; `utilization`: of the in-die PEs of `cell.system` at `cell.batch`
  Cell cell;
  double utilization = 1;  ///< of in-die PEs, for the analytical tier
};
template <class Visitor>
void members(Visitor& v, CellTask& t) {
  v("tier", t.tier);
  members(v, t.cell);
  v("utilization", t.utilization);
}
inline const char* message_schema(const CellTask&) { return "bondsim.cell_task/2"; }

/// Plan of a cell whose dataflow is that of another.
struct GivenDataflowTask {
  Cell cell;
  std::string file;
};
template <class Visitor>
void members(Visitor& v, GivenDataflowTask& t) {
  members(v, t.cell);
  v("file", t.file);
}
inline const char* message_schema(const GivenDataflowTask&) { return "bondsim.given_dataflow_task/1"; }

/// One step of a planned cell, to be simulated.
struct StepTask {
  Cell cell;
  std::string file;  ///< its dataflow
  std::size_t step = 0;
};
template <class Visitor>
void members(Visitor& v, StepTask& t) {
  members(v, t.cell);
  v("file", t.file);
  v("step", t.step);
}
inline const char* message_schema(const StepTask&) { return "bondsim.step_task/1"; }

/// Share of the roofline's rate that in-die PEs reach.
struct Utilization {
  double share = 0;
};
template <class Visitor>
void members(Visitor& v, Utilization& u) {
  v("share", u.share);
}
inline const char* message_schema(const Utilization&) { return "bondsim.utilization/1"; }

}  // namespace bondsim::tools
