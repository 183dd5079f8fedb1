#pragma once
#include <string>
#include <vector>

#include "mapping/search/device/hardware_search.hpp"
#include "mapping/search/device/roofline_evaluator.hpp"
#include "models/base/csv_table.hpp"
#include "tools/app/output/output_directory.hpp"

namespace bondsim::tools {

/// A row a member, with a column for each key of the space, then for each metric.
CsvTable front_table(const search::DesignSpace& space, const std::vector<search::FrontMember>& front);

/// A row for each candidate that a tier judged, in the order of the space: keys, `feasible`, its metrics, and the reason where it is not.
CsvTable candidate_table(const search::DesignSpace& space, const search::ResultStore& store, const std::string& tier);

/// A row for each candidate that both tiers judged: keys, each metric of either tier (`analytical_latency_s`, `cycle_latency_s`), and the
/// rank by the first objective in both; best by cycles first.
CsvTable confirmed_table(const search::DesignSpace& space, const search::ResultStore& store);

/// One dataflow file a front member and workload: dataflows/row-N-workload-M.yaml, N counting the front's rows from 1; with a draft model
/// its own beside it, row-N-workload-M-draft.yaml. @throws IoError
void write_dataflows(const WorkDirectory& directory, const search::DesignSpace& space, search::RooflineEvaluator& forms,
                     const std::vector<search::FrontMember>& front);

}  // namespace bondsim::tools
