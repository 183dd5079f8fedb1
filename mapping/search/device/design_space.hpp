#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/base/fields.hpp"

namespace bondsim::search {

/// How a design space is searched: every point, the genetic NSGA-II, or pagmo's extended ant colony.
enum class SpaceMethod { exhaustive, nsga2, ant_colony };

}  // namespace bondsim::search

namespace bondsim {

template <>
inline constexpr EnumEntry<search::SpaceMethod> enum_names<search::SpaceMethod>[] = {{"exhaustive", search::SpaceMethod::exhaustive},
                                                                                     {"nsga2", search::SpaceMethod::nsga2},
                                                                                     {"ant_colony", search::SpaceMethod::ant_colony}};

}  // namespace bondsim

namespace bondsim::search {

/// Keys that are varied together: row i gives every key its i-th value. One key is a plain list. A key is of the system file, or of all
/// models
/// (`model.bits.weight`), of all workloads (`workload.batch`), or `dataflow`, the rule of the dataflow search.
struct SpaceParameter {
  std::vector<std::string> keys;
  std::vector<std::vector<std::string>> rows;  ///< values as written
};

/// Candidates whose metric is above are infeasible.
struct SpaceConstraint {
  std::string metric;
  double at_most = 0;
};
template <class Visitor>
void fields(Visitor& v, SpaceConstraint& c) {
  v.field("metric", c.metric, required("metric of the evaluation"));
  v.field("at_most", c.at_most, required("largest value allowed"));
}

/// A model and a workload that every device is judged on, each with a dataflow of its own.
struct SpaceWorkload {
  std::string model;
  std::string workload;
  double weight = 1;
};
template <class Visitor>
void fields(Visitor& v, SpaceWorkload& c) {
  v.field("model", c.model, required("model file, relative to this one"));
  v.field("workload", c.workload, required("workload file"));
  v.field("weight", c.weight, defaulted("share in the weighted mean of the metrics").range(1e-9, 1e9));
}

/// How the space is searched.
struct SpaceSearch {
  SpaceMethod method = SpaceMethod::exhaustive;
  int population = 64;
  int generations = 40;
  std::int64_t seed = 1;
};
template <class Visitor>
void fields(Visitor& v, SpaceSearch& c) {
  v.field("method", c.method, defaulted("every candidate, or a search by pagmo2: nsga2 for several objectives, ant_colony for one"));
  v.field("population", c.population, defaulted("candidates in a generation; a multiple of 4").range(8, 1 << 20));
  v.field("generations", c.generations, defaulted("generations").range(1, 1 << 20));
  v.field("seed", c.seed, defaulted("seed").range(0, 4294967295.0));
}

/// How the cycle tier judges devices, and which ones it is asked to confirm.
struct SpaceCycles {
  std::int64_t decode_samples = 2;
  int confirm_best = 16;
  int confirm_front = 64;
};
template <class Visitor>
void fields(Visitor& v, SpaceCycles& c) {
  v.field("decode_samples", c.decode_samples, defaulted("decode steps simulated, evenly over the contexts; 0 is all").range(0, 1 << 24));
  v.field("confirm_best", c.confirm_best, defaulted("tier both: best devices by the first objective that are simulated").range(0, 1 << 20));
  v.field("confirm_front", c.confirm_front,
          defaulted("tier both: most devices of the front that are simulated, evenly by the first objective").range(1, 1 << 20));
}

/// A candidate is one row number for each parameter.
using Candidate = std::vector<int>;

/// Devices that may be built, and the objectives and constraints they are judged by (`schema: bondsim.space/1`).
struct DesignSpace {
  std::string name;
  std::string system;  ///< file; as written, relative to the space's
  std::int64_t longest_context = 2048;
  std::string dataflow = "data_centric";
  std::vector<SpaceWorkload> workloads;
  std::vector<SpaceParameter> parameters;
  std::vector<SpaceConstraint> constraints;
  std::vector<std::string> objectives;  ///< metrics, all minimised
  bool allow_illegal = false;
  bool lm_head = true;
  std::string stack;  ///< file of the package, for max_junction_c; empty: none
  double ambient_c = 25;
  SpaceSearch search;
  SpaceCycles cycles;
  std::string directory;    ///< of the file, for what it names
  std::string description;  ///< the file's values as canonical text

  std::int64_t size() const;
  /// Candidates in order: the last parameter changes fastest.
  Candidate candidate(std::int64_t index) const;
  /// `key=value` pairs in the order of the file, joined by blanks: what identifies a candidate. Empty where nothing is varied.
  std::string text(const Candidate& candidate) const;
  /// The candidate of a text; nothing when it is none of this space.
  std::optional<Candidate> candidate(const std::string& text) const;
  std::vector<std::pair<std::string, std::string>> settings(const Candidate& candidate) const;
};

template <class Visitor>
void fields(Visitor& v, DesignSpace& c);

/// @throws ConfigError
DesignSpace decode_space(const ConfigNode& node);

}  // namespace bondsim::search
