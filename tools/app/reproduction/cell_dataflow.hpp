#pragma once
#include <memory>
#include <string>
#include <vector>

#include "mapping/search/dataflow/machine_form.hpp"
#include "tools/app/reproduction/cell.hpp"
#include "tools/app/studies/step_run.hpp"

namespace bondsim::tools {

/// Dataflow of a cell of the cycle tier, with the schedules of its steps.
struct CellDataflow {
  Dataflow dataflow;
  std::string text;  ///< one line
  std::vector<StepSchedule> steps;
};

/// The steps of a cell under a dataflow. @throws InfeasibleError when the memory does not hold it
std::vector<StepSchedule> cell_steps(const Reproduction& reproduction, const Inputs& inputs, const Cell& cell, const Dataflow& dataflow);

/// Chooses the dataflows of cells. Times of operators on a machine are kept for the next cell on it.
class DataflowChooser {
 public:
  DataflowChooser(const Reproduction& reproduction, const Inputs& inputs) : r_(reproduction), inputs_(inputs) {}

  /// The named dataflow, or of a searched one the better of two: the exact search asks `detailed`, and the corrected roofline at sustained
  /// bandwidths; both are mapped and timed by `detailed`, the prefill included where it counts. @throws InfeasibleError
  CellDataflow choose(const Cell& cell);

 private:
  CellDataflow searched(const Cell& cell, const SearchedDataflow& how);
  const search::MachineForm& machine_form(const System& system);

  const Reproduction& r_;
  const Inputs& inputs_;
  std::string machine_;  ///< that the form is of, as text
  std::unique_ptr<search::MachineForm> form_;
};

}  // namespace bondsim::tools
