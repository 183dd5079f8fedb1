#include "models/results/speculation.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "models/results/phases.hpp"
#include "models/results/results.hpp"

namespace bondsim {
namespace {

enum Part : std::size_t { drafts, verification, rollback, waiting };

Part part_of(const OperatorResult& op) {
  if (op.name == "(background)") return waiting;
  const auto ends_with = [&](const std::string& end) {
    return op.name.size() >= end.size() && op.name.compare(op.name.size() - end.size(), end.size(), end) == 0;
  };
  if (ends_with("k_copy") || ends_with("v_copy")) return rollback;
  return op.name.rfind("draft.", 0) == 0 ? drafts : verification;
}

/// `1: 30.1 %, 2: 20.5 %, ...`
std::string lengths_text(const SpeculationResult& s) {
  std::string out;
  for (const auto& [tokens, count] : s.lengths) {
    const double share = 100 * static_cast<double>(count) / static_cast<double>(std::max<std::int64_t>(1, s.verifications));
    out += fmt::format("{}{}: {:.1f} %", out.empty() ? "" : ", ", tokens, share);
  }
  return out;
}

std::string parts_text(const Results& r) {
  std::string out;
  for (const DecodePart& part : decode_parts(r)) {
    const double share = 100 * static_cast<double>(part.time.value) / static_cast<double>(std::max<std::int64_t>(1, r.decode().value));
    out += fmt::format("{}{} {:.1f} %", out.empty() ? "" : ", ", part.name, share);
  }
  return out;
}

}  // namespace

std::vector<DecodePart> decode_parts(const Results& r) {
  std::vector<DecodePart> parts = {{"draft", {}, {}}, {"verification", {}, {}}, {"rollback", {}, {}}, {"waiting", {}, {}}};
  for (const OperatorResult& op : r.operators) {
    if (op.phase != "decode") continue;
    DecodePart& part = parts[part_of(op)];
    part.time += op.busy;
    part.energy += total_of(op.energy);
  }
  return parts;
}

TokenCost cost_of_token(const Results& r) {
  const PhaseFigures decode = phase_figures(r, "decode");
  return {to_seconds(decode.time) / std::max(1, r.generated_tokens), decode.joules_per_token()};
}

double speed_up(const Results& r) {
  if (!r.speculation || r.decode().value == 0) return 0;
  return static_cast<double>(r.speculation->plain_decode.value) / static_cast<double>(r.decode().value);
}

std::string speculation_text(const Results& r) {
  if (!r.speculation) return "";
  const SpeculationResult& s = *r.speculation;
  const TokenCost token = cost_of_token(r);
  std::string out = fmt::format("speculation: drafts of {} by {}, {} rows a verification; {} verifications in {} rounds\n", s.depth,
                                s.draft, s.rows, s.verifications, s.rounds);
  out += fmt::format("  an accepted token     {:>14}   {:.3f} mJ", time_text(token.seconds), token.joules * 1e3);
  if (s.plain_decode.value > 0) {
    out += fmt::format(
        "; without drafts {}, {:.3f} mJ: {:.3f} times as fast", time_text(to_seconds(s.plain_decode) / std::max(1, r.generated_tokens)),
        1e3 * to_joules(s.plain_energy) / std::max(1.0, static_cast<double>(r.generated_tokens) * r.schedule.batch), speed_up(r));
  }
  out += fmt::format("\n  tokens a verification {:>14.3f}   {:.3f} expected; {}\n", s.mean_tokens(), s.expected_tokens, lengths_text(s));
  out +=
      fmt::format("  drafts                {:>14}   {} accepted, {} made beside a verification in vain; {} tokens beyond the end dropped\n",
                  s.drafted, s.accepted, s.unverified, s.dropped);
  out += fmt::format("  decode                {:>14}   {}; {} tokens' K and V copied\n", time_text(to_seconds(r.decode())), parts_text(r),
                     s.copied);
  return out + fmt::format("  scores                {:>14}   a head; {:.2f} % of them computed, then zeroed by the mask\n", s.scores,
                           100 * static_cast<double>(s.masked_scores) / static_cast<double>(std::max<std::int64_t>(1, s.scores)));
}

}  // namespace bondsim
