#pragma once
#include <optional>
#include <string>
#include <vector>

#include "mapping/llm/model.hpp"
#include "mapping/llm/workload.hpp"
#include "models/system/system.hpp"
#include "tools/app/reproduction/reproduction.hpp"

namespace bondsim::tools {

/// One run of the experiments: a system under a variant, a model, a data set and a batch at one tier.
struct Cell {
  std::size_t system = 0;
  std::size_t model = 0;
  std::size_t dataset = 0;
  std::int64_t batch = 1;
  std::size_t variant = 0;
  bool operator<(const Cell& o) const;
};

/// Everything that a cell needs, read and checked once. @throws ConfigError
class Inputs {
 public:
  explicit Inputs(const Reproduction& reproduction);

  /// A system under a variant.
  struct Device {
    System system;
    std::string text;    ///< of all settings
    std::string energy;  ///< text of its energy tables
    std::string dataflow;
  };
  const Device& device(const Cell& cell) const { return *devices_[cell.variant][cell.system]; }
  const System& system(const Cell& cell) const { return device(cell).system; }
  /// The same run under the first variant that gives it the same device: a variant that does not touch a system shares its runs.
  Cell shared(Cell cell) const;
  Workload workload(const Cell& cell) const;

  std::vector<Model> models;
  std::vector<Workload> workloads;  ///< by data set, batch 1
  EnergyTable paper_energy;
  std::string digest;  ///< of everything read

 private:
  Device make_device(const Reproduction& r, std::size_t system, const std::vector<const Variant*>& variants, std::string& text) const;

  std::vector<std::vector<std::optional<Device>>> devices_;  ///< by variant and system; none: as under `base_`
  std::vector<std::size_t> base_;                            ///< by variant: row policy that it is made over
};

}  // namespace bondsim::tools
