#include <fmt/format.h>

#include <algorithm>

#include "mapping/speculation/acceptance.hpp"
#include "models/base/csv_table.hpp"
#include "models/results/phases.hpp"
#include "tools/app/speculation/study.hpp"

namespace bondsim::tools {
namespace {

std::string break_even_text(double acceptance) {
  return acceptance > 1 ? std::string("none: never faster") : fmt::format("{:.3f}", acceptance);
}

std::string depth_text(int depth) { return depth == 0 ? "plain" : std::to_string(depth); }

/// Speed-ups by cycles: a line a depth, a column an acceptance; the best of a column with an asterisk.
std::string speed_ups(const SpeculationStudy& s, int batch) {
  std::string out = fmt::format("batch {}: speed-up over plain decode by cycles\n  {:>5} {:>12} {:>12}", batch, "depth", "verify", "draft");
  for (const double a : s.acceptances) out += fmt::format(" {:>7}", fmt::format("a={:g}", a));
  out += "  break-even a\n";
  for (const DepthTimes& row : s.rows) {
    if (row.batch != batch) continue;
    if (!row.problem.empty()) {
      out += fmt::format("  {:>5} {}\n", row.depth, row.problem);
      continue;
    }
    const RoundTime& t = row.times.at(cycles);
    out += fmt::format("  {:>5} {:>12} {:>12}", row.depth, time_text(t[1].seconds), time_text(t[2].seconds));
    for (const double a : s.acceptances) {
      const double speed_up = s.plain_seconds(row, cycles) / s.token_seconds(row, cycles, a);
      out += fmt::format(" {:>6.3f}{}", speed_up, s.best_depth(batch, cycles, a) == row.depth ? "*" : " ");
    }
    out += "  " + break_even_text(s.break_even(row, cycles)) + "\n";
  }
  return out;
}

using Parts = std::vector<std::pair<std::string, double>>;

/// A round of a depth: its draft and its verification; of depth 0 a step of plain decode. Parts are those of the NMP channels.
struct RoundOf {
  double seconds = 0;
  Parts parts;
};

void add_part(Parts& sum, const std::string& name, double seconds) {
  const auto known = std::find_if(sum.begin(), sum.end(), [&](const auto& p) { return p.first == name; });
  if (known == sum.end()) {
    sum.emplace_back(name, seconds);
  } else {
    known->second += seconds;
  }
}

RoundOf round_of(const SpeculationStudy& s, int batch, int depth, const Judge& judge) {
  const DepthTimes* row = nullptr;
  for (const DepthTimes& candidate : s.rows) {
    const bool right = candidate.batch == batch && candidate.problem.empty() && (depth == 0 || candidate.depth == depth);
    if (right && row == nullptr) row = &candidate;
  }
  RoundOf out;
  const RoundTime& times = row->times.at(judge);
  for (const std::size_t part : depth == 0 ? std::vector<std::size_t>{0} : std::vector<std::size_t>{1, 2}) {
    out.seconds += times[part].seconds;
    for (const auto& [name, seconds] : times[part].parts) add_part(out.parts, name, seconds);
  }
  return out;
}

/// The longest three, most first.
std::string longest(Parts parts) {
  std::sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  std::string out;
  for (std::size_t i = 0; i < parts.size() && i < 3; ++i) {
    if (parts[i].second > 0) out += fmt::format("{}{} {}", out.empty() ? "" : ", ", parts[i].first, time_text(parts[i].second));
  }
  return out.empty() ? "nothing" : out;
}

/// Time that no roofline of bytes and MACs has.
Parts beyond_roofline(const Parts& parts) {
  Parts out;
  std::copy_if(parts.begin(), parts.end(), std::back_inserter(out),
               [](const auto& part) { return part.first != "compute" && part.first != "column"; });
  return out;
}

double tokens_of(const SpeculationStudy& s, int depth, double acceptance) {
  return speculation::expected_tokens(s.config_at(depth, acceptance));
}

/// Why a form's best depth is not the cycles'. The deeper one pays where tokens grow more than the round: the growth by each, what the
/// shorter round has that a roofline does not, and what grows.
std::string difference(const SpeculationStudy& s, int batch, const Judge& form, double acceptance) {
  const int by_cycles = s.best_depth(batch, cycles, acceptance), by_form = s.best_depth(batch, form, acceptance);
  if (by_cycles == by_form) return "";
  const int low = std::min(by_cycles, by_form), high = std::max(by_cycles, by_form);
  const RoundOf from = round_of(s, batch, low, cycles), to = round_of(s, batch, high, cycles);
  const double form_from = round_of(s, batch, low, form).seconds, form_to = round_of(s, batch, high, form).seconds;
  Parts grown = to.parts;
  for (const auto& [name, seconds] : from.parts) add_part(grown, name, -seconds);
  std::string out = fmt::format(
      "    a={:g}: {} by {}, {} by cycles. From {} to {} tokens grow {:.3f} times; a round {:.3f} times by cycles, from {} by {},",
      acceptance, depth_text(by_form), form, depth_text(by_cycles), depth_text(low), depth_text(high),
      tokens_of(s, high, acceptance) / tokens_of(s, low, acceptance), to.seconds / from.seconds, time_text(from.seconds),
      time_text(to.seconds - from.seconds));
  out += fmt::format(" and {:.3f} times by the form, from {} by {}.\n", form_to / form_from, time_text(form_from),
                     time_text(form_to - form_from));
  return out + fmt::format("      NMP channels by cycles: {} besides compute and column at {}; what grows is {}\n",
                           longest(beyond_roofline(from.parts)), depth_text(low), longest(grown));
}

std::string best_depths(const SpeculationStudy& s, int batch) {
  std::string out = "  best depth by\n";
  for (const Judge& judge : s.judges) {
    out += fmt::format("    {:<26}", judge);
    for (const double a : s.acceptances) out += fmt::format(" {:>7} ", depth_text(s.best_depth(batch, judge, a)));
    out += "  break-even acceptance " + break_even_text(s.break_even(batch, judge)) + "\n";
  }
  std::string why;
  for (std::size_t j = 1; j < s.judges.size(); ++j) {
    for (const double a : s.acceptances) why += difference(s, batch, s.judges[j], a);
  }
  return why.empty() ? out : out + "  where they differ\n" + why;
}

}  // namespace

std::string study_text(const SpeculationStudy& s) {
  std::string out;
  for (const int batch : s.batches()) {
    out += speed_ups(s, batch);
    if (std::any_of(s.rows.begin(), s.rows.end(), [&](const DepthTimes& r) { return r.batch == batch && r.problem.empty(); })) {
      out += best_depths(s, batch);
    }
  }
  return out;
}

std::string study_csv(const SpeculationStudy& s) {
  std::string out =
      "batch,depth,acceptance,judge,plain_s,verification_s,draft_s,tokens_per_verification,token_s,speed_up,break_even_acceptance,"
      "problem\n";
  for (const DepthTimes& row : s.rows) {
    if (!row.problem.empty()) {
      out += fmt::format("{},{},,,,,,,,,,{}\n", row.batch, row.depth, csv_cell(row.problem));
      continue;
    }
    for (const double a : s.acceptances) {
      for (const Judge& judge : s.judges) {
        const RoundTime& t = row.times.at(judge);
        const double token = s.token_seconds(row, judge, a), even = s.break_even(row, judge);
        out += fmt::format("{},{},{:g},{},{:.9e},{:.9e},{:.9e},{:.9g},{:.9e},{:.9g},{},\n", row.batch, row.depth, a, judge, t[0].seconds,
                           t[1].seconds, t[2].seconds, tokens_of(s, row.depth, a), token, t[0].seconds / token,
                           even > 1 ? "" : fmt::format("{:.6f}", even));
      }
    }
  }
  return out;
}

}  // namespace bondsim::tools
