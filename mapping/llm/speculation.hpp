#pragma once
#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "models/base/fields.hpp"

namespace bondsim {

/// Who makes drafts.
enum class DraftKind {
  ngram,   ///< a look-up in the text so far: takes no time
  layers,  ///< the first layers of the model itself, and its LM head
  model,   ///< another model, token after token
  heads    ///< heads behind the model's last layer: all tokens of a draft at once
};
template <>
inline constexpr EnumEntry<DraftKind> enum_names<DraftKind>[] = {
    {"ngram", DraftKind::ngram}, {"layers", DraftKind::layers}, {"model", DraftKind::model}, {"heads", DraftKind::heads}};

/// When the next draft is made.
enum class DraftSchedule { serial, parallel };
template <>
inline constexpr EnumEntry<DraftSchedule> enum_names<DraftSchedule>[] = {{"serial", DraftSchedule::serial},
                                                                         {"parallel", DraftSchedule::parallel}};

/// Section `speculation` of a workload: drafts of several tokens, which the model verifies in one step.
struct SpeculationConfig {
  DraftKind draft = DraftKind::ngram;
  std::string model;
  std::string dataflow;
  int layers = 0;
  int depth = 4;
  std::vector<int> width;
  std::vector<double> acceptance;
  std::string trace_file;
  std::vector<int> trace;  ///< accepted drafts of one verification after the other; read from trace_file
  std::uint64_t seed = 1;
  DraftSchedule schedule = DraftSchedule::serial;

  /// Drafts that follow each of the level before; levels from 0.
  int width_at(int level) const { return width.empty() ? 1 : width[std::min(static_cast<std::size_t>(level), width.size() - 1)]; }
  /// Chance that the model accepts a draft of a level, those before it being accepted; levels from 0.
  double acceptance_at(int level) const { return acceptance[std::min(static_cast<std::size_t>(level), acceptance.size() - 1)]; }
};
template <class Visitor>
void fields(Visitor& v, SpeculationConfig& c) {
  v.field("draft", c.draft, defaulted("ngram: look-up, no time; layers: the first ones of the model; model: another one; heads: a graph"));
  v.field("model", c.model, defaulted("draft model or heads: model file, relative to this one"));
  v.field("dataflow", c.dataflow, defaulted("draft model or heads: dataflow file"));
  v.field("layers", c.layers, defaulted("draft layers: how many of the model's").range(1, 4096));
  v.field("depth", c.depth, defaulted("tokens of a draft, one after the other; 0: plain decode").range(0, 64));
  v.field(
      "width", c.width,
      defaulted("drafts that follow each of the level before, by level, the last for all deeper ones; left out: 1, a chain").range(1, 64));
  v.field("acceptance", c.acceptance,
          defaulted("chance that a draft is accepted whose predecessors are, by level, the last for all deeper ones").range(0, 1));
  v.field("trace_file", c.trace_file,
          defaulted("instead: CSV with a column `accepted`, drafts accepted by one verification after the other"));
  v.field("seed", c.seed, defaulted("of what is drawn").range(0, 1e15));
  v.field("schedule", c.schedule, defaulted("serial: draft, then verify; parallel: the next draft while the model verifies"));
}

/// Checks that keys fit together, and reads the trace. Names of files become relative to where bondsim runs. @throws ConfigError
/// @param section of the file that has it: `workload`, `serving`
void resolve_speculation(const ConfigNode& node, const std::string& section, SpeculationConfig& config);

}  // namespace bondsim
