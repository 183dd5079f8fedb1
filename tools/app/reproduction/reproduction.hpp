#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The experiments of a paper, from one file (`schema: bondsim.reproduction/1`).
namespace bondsim::tools {

/// A dataflow that is searched for each run, by name: `data_centric`, `compute_centric` (SpecPIM's, which looks at the decode alone) and
/// `compute_centric_with_prefill`.
struct SearchedDataflow {
  bool data_centric = false;
  bool prefill_counts = false;
};
/// nullopt: a fixed one, by the name of its file.
std::optional<SearchedDataflow> searched_dataflow(const std::string& name);

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

/// Settings of some systems changed, for all or a part of the runs of the cycle tier: a row policy, or something that the paper leaves
/// open.
struct Variant {
  std::string name;
  std::vector<std::string> systems;  ///< empty: all
  std::vector<std::string> set;
  std::string dataflow;  ///< instead of the system's; empty: the system's
};

/// A key of some systems at several values, each a variant.
struct Sweep {
  std::string name;
  std::string key;
  std::vector<std::string> values;
  std::vector<std::string> systems;
  std::string of;  ///< system that is compared with them
};

/// Selection of models, data sets and batches; an empty list selects all.
struct RunSelection {
  std::vector<std::string> models;
  std::vector<std::string> datasets;
  std::vector<std::int64_t> batches;

  /// What both select; nullopt: nothing.
  std::optional<RunSelection> both(const RunSelection& other) const;
};

/// An experiment of a paper: systems on models and data sets, as speed-ups over a baseline.
struct ReproducedExperiment {
  std::string name;
  std::string baseline;  ///< speed-ups are over this system; empty: none
  std::vector<std::string> systems;
  RunSelection runs;
};

/// Figure of the paper. Of a factor metric: `of` is better than the systems `over` by `published`, in the geometric mean over the runs. Of
/// a share: from `published` to `most` percent over the runs of `of`.
struct Headline {
  std::string name;
  std::string metric;
  std::string of;
  std::vector<std::string> over;
  RunSelection runs;
  double published = 0;  ///< 0: not in print
  double most = 0;

  bool is_range() const;
};

/// Metrics of headlines: factors, and shares.
const std::vector<std::string>& factor_metrics();
const std::vector<std::string>& share_metrics();

/// Design spaces of an architecture, by the tier that judges them.
struct ReproducedArchitecture {
  std::string analytical;  ///< design spaces
  std::string cycle;
};

/// Changes one at a time, over a row policy and a part of the runs, that show what a difference comes from.
struct Attribution {
  std::string over;  ///< row policy
  RunSelection part;
  std::vector<Variant> changes;
  std::vector<Sweep> sweeps;
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
  std::vector<Variant> row_policies;  ///< of the cycle tier; at least one
  std::vector<ReproducedSystem> systems;
  std::vector<ReproducedExperiment> experiments;
  std::vector<Headline> headlines;
  Attribution attribution;
  ReproducedArchitecture architecture;
  RunSelection quick;
  std::string directory;  ///< of the file, for what it names

  std::string path(const std::string& file) const;
  /// Keeps the named models, data sets and batches; an empty list keeps all. An experiment on others gets the first of them.
  /// @throws ConfigError for names that are not known.
  void restrict_to(const RunSelection& part);

  /// Row policies, then changes, then the values of sweeps; a cell names one by its number.
  const std::vector<Variant>& variants() const { return variants_; }
  std::size_t policies() const { return row_policies.size(); }
  /// Row policy that changes are made over.
  std::size_t changed_policy() const;
  void list_variants();

 private:
  std::vector<Variant> variants_;
};

/// @throws ConfigError
Reproduction load_reproduction(const std::string& file);

}  // namespace bondsim::tools
