#pragma once
#include "models/results/results.hpp"
#include "tools/app/experiment/experiment.hpp"

namespace bondsim::tools {

/// Decode of an experiment without its drafts; picoseconds and joules.
struct PlainDecode {
  std::int64_t decode_ps = 0;
  double energy_j = 0;
};
template <class Visitor>
void members(Visitor& v, PlainDecode& p) {
  v("decode_ps", p.decode_ps);
  v("energy_j", p.energy_j);
}
inline const char* message_schema(const PlainDecode&) { return "bondsim.plain_decode/1"; }

PlainDecode plain_decode_of(const Results& plain);
/// In a process of its own. @throws InfeasibleError
PlainDecode simulate_plain_decode(const Experiment& experiment);
/// @pre results.speculation
void set_plain(Results& results, const PlainDecode& plain);

/// Lengths and counts of the experiment's rounds, which do not depend on time; no plain decode yet.
SpeculationResult speculation_figures(const Experiment& experiment);

}  // namespace bondsim::tools
