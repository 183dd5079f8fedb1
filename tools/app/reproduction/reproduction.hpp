#pragma once
#include <string>
#include <vector>

#include "mapping/llm/model.hpp"
#include "mapping/llm/workload.hpp"
#include "models/system/system.hpp"

/// The experiments of a paper, from one file (`schema: bondsim.reproduction/1`).
namespace bondsim::tools {

/// A name and the file that it stands for.
struct NamedFile {
  std::string name;
  std::string file;
};

/// A device with the way it is used.
struct ReproducedSystem {
  std::string name;
  std::string system;              ///< file
  std::vector<std::string> set;    ///< `nmp.pe.fpus=4`
  std::string dataflow;            ///< a fixed one by name, or data_centric or compute_centric: searched
  std::vector<std::string> tiers;  ///< empty: both
};

/// An experiment of a paper: systems on models and data sets, as speed-ups over a baseline.
struct ReproducedExperiment {
  std::string name;
  std::string baseline;  ///< speed-ups are over this system; empty: none
  std::vector<std::string> systems;
  std::vector<std::string> models;    ///< empty: all
  std::vector<std::string> datasets;  ///< empty: all
};

/// A figure of the paper: `of` is better than the systems `over`, in the geometric mean, by the factor `published`.
struct Headline {
  std::string name;
  std::string metric;  ///< total_latency, decode_energy, decode_energy_paper
  std::string of;
  std::vector<std::string> over;
  double published = 0;
};

/// Design spaces of an architecture, by the tier that judges them.
struct ReproducedArchitecture {
  std::string analytical;  ///< design spaces
  std::string cycle;
};

/// Selection of models, data sets and batches, by --quick or by options; empty lists keep all.
struct QuickPart {
  std::vector<std::string> models;
  std::vector<std::string> datasets;
  std::vector<std::int64_t> batches;
};

/// All experiments of a paper, as a file of configs/reproduce/ lists them.
struct Reproduction {
  std::string name;
  std::int64_t longest_context = 2048;
  std::int64_t decode_samples = 2;
  std::string paper_energy;  ///< file
  std::vector<NamedFile> models;
  std::vector<NamedFile> datasets;
  std::vector<std::int64_t> batches;
  std::vector<ReproducedSystem> systems;
  std::vector<ReproducedExperiment> experiments;
  std::vector<Headline> headlines;
  ReproducedArchitecture architecture;
  QuickPart quick;
  std::string directory;  ///< of the file, for what it names

  std::string path(const std::string& file) const;
  /// Keeps the named models, data sets and batches; an empty list keeps all. An experiment on others gets the first of them.
  /// @throws ConfigError for names that are not known.
  void restrict_to(const QuickPart& part);
};

/// @throws ConfigError
Reproduction load_reproduction(const std::string& file);

/// One run of the experiments: a system, a model, a data set and a batch at one tier.
struct Cell {
  std::size_t system = 0;
  std::size_t model = 0;
  std::size_t dataset = 0;
  std::int64_t batch = 1;
  bool operator<(const Cell& o) const;
};

/// Everything that a cell needs, read and checked once. @throws ConfigError
struct Inputs {
  explicit Inputs(const Reproduction& reproduction);
  std::vector<System> systems;
  std::vector<Model> models;
  std::vector<Workload> workloads;  ///< by data set, batch 1
  EnergyTable paper_energy;
  std::string digest;  ///< of everything read

  Workload workload(const Cell& cell) const;
};

}  // namespace bondsim::tools
