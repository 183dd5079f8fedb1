#include "tools/app/studies/speculation_figures.hpp"

#include <cmath>

#include "mapping/speculation/rounds.hpp"
#include "models/results/phases.hpp"
#include "sim/simulate.hpp"
#include "tools/app/processes/isolate.hpp"
#include "tools/app/processes/message.hpp"
#include "tools/app/studies/plan_experiment.hpp"

namespace bondsim::tools {

PlainDecode plain_decode_of(const Results& plain) { return {plain.decode().value, to_joules(phase_figures(plain, "decode").energy)}; }

PlainDecode simulate_plain_decode(const Experiment& experiment) {
  return decode<PlainDecode>(run_isolated([&] {
    const Experiment plain = without_drafts(experiment);
    const auto schedule = schedule_experiment(plain);
    return encode(plain_decode_of(simulate(plain.system, *schedule)));
  }));
}

void set_plain(Results& results, const PlainDecode& plain) {
  results.speculation->plain_decode = Picoseconds(plain.decode_ps);
  results.speculation->plain_energy = Attojoules(static_cast<WideInt>(std::llround(plain.energy_j * 1e12)) * 1000000);
}

SpeculationResult speculation_figures(const Experiment& experiment) {
  const SpeculationConfig& config = *experiment.workload.speculation;
  const speculation::RoundCounts counts = speculation::count_rounds(experiment.workload);
  SpeculationResult out;
  out.draft = experiment.draft ? experiment.draft->model.name : enum_name(config.draft);
  out.depth = config.depth;
  out.rows = speculation::TokenTree(config).rows();
  out.rounds = counts.rounds;
  out.verifications = counts.verifications;
  out.lengths.assign(counts.lengths.begin(), counts.lengths.end());
  out.tokens = counts.tokens;
  out.dropped = counts.dropped;
  out.drafted = counts.drafted;
  out.unverified = counts.unverified;
  out.accepted = counts.accepted;
  out.copied = counts.copied;
  out.scores = counts.scores;
  out.masked_scores = counts.masked_scores;
  out.expected_tokens = speculation::expected_tokens(config);
  return out;
}

}  // namespace bondsim::tools
