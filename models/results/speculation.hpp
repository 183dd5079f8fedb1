#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "models/base/quantity.hpp"

namespace bondsim {

struct Results;

/// What the drafts of a run came to. A verification is one request's part of a round.
struct SpeculationResult {
  std::string draft;  ///< who makes drafts: ngram, layers, or the draft's model
  std::int32_t depth = 0;
  std::int64_t rows = 1;  ///< of a verification
  std::int64_t rounds = 0;
  std::int64_t verifications = 0;
  std::vector<std::pair<std::int64_t, std::int64_t>> lengths;  ///< tokens of a verification, how many verifications gave so many
  std::int64_t tokens = 0;                                     ///< of all verifications
  std::int64_t dropped = 0;                                    ///< of these, beyond what was to be generated
  std::int64_t drafted = 0, unverified = 0, accepted = 0;      ///< drafts; unverified: made beside a verification that refused those before
  std::int64_t copied = 0;                                     ///< accepted tokens whose K and V moved to their places
  std::int64_t scores = 0, masked_scores = 0;                  ///< of a head in verifications; masked: computed, and zeroed by the mask
  double expected_tokens = 1;                                  ///< of a verification, by the chances given
  Picoseconds plain_decode;                                    ///< decode of the same experiment without drafts; 0: not simulated
  Attojoules plain_energy;                                     ///< of that decode

  double mean_tokens() const { return verifications > 0 ? static_cast<double>(tokens) / static_cast<double>(verifications) : 0; }
};

/// Parts of decode: each operator's exclusive time and its energy; waiting is the time in which no task runs, and what belongs to no
/// operator. The four sum to decode's exactly.
struct DecodePart {
  const char* name = "";
  Picoseconds time;
  Attojoules energy;
};
std::vector<DecodePart> decode_parts(const Results& results);

/// Decode per token that a request was given, of one request, and the energy of a token of the batch.
struct TokenCost {
  double seconds = 0;
  double joules = 0;
};
TokenCost cost_of_token(const Results& results);

/// Time of decode without drafts over that with them; 0 where that was not simulated.
double speed_up(const Results& results);

/// Lines of the summary.
std::string speculation_text(const Results& results);

}  // namespace bondsim
