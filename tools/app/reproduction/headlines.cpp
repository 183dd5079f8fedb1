#include "tools/app/reproduction/headlines.hpp"

#include <algorithm>
#include <cmath>

namespace bondsim::tools {
namespace {

constexpr double near = 1.1;  ///< a ratio up to which a figure counts as the published one

double metric_of(const CellResult& r, const std::string& metric) {
  if (metric == "prefill_latency") return r.prefill_s_per_layer;
  if (metric == "decode_latency") return r.decode_s_per_layer;
  if (metric == "decode_energy") return r.decode_energy_j;
  if (metric == "decode_energy_paper") return r.paper_decode_energy_j;
  if (metric == "prefill_share") return 100 * r.prefill_s_per_layer / r.total_s_per_layer();
  if (metric == "transfer_share") return 100 * r.decode_transfer_share;
  return r.total_s_per_layer();
}

/// Largest distance of a value from the published one, as a logarithm.
double distance(const std::vector<double>& values, const std::vector<double>& published) {
  double most = 0;
  for (std::size_t i = 0; i < values.size(); ++i) most = std::max(most, std::abs(std::log(values[i] / published[i])));
  return most;
}

}  // namespace

std::vector<double> HeadlineRow::published() const {
  if (headline.published == 0) return {};
  return headline.is_range() ? std::vector<double>{headline.published, headline.most} : std::vector<double>{headline.published};
}

bool HeadlineRow::differs() const { return !published().empty() && distance(found.values, published()) > std::log(near); }

Headlines::Headlines(const Reproduction& reproduction, const Inputs& inputs, const Findings& findings, std::vector<double> splits)
    : r_(reproduction), inputs_(inputs), findings_(findings), splits_(std::move(splits)) {}

std::vector<HeadlineRow> Headlines::rows() const {
  std::vector<HeadlineRow> rows;
  for (const auto& [tier, cells] : findings_.cells) {
    for (const Headline& headline : r_.headlines) {
      for (std::size_t policy = 0; policy < (tier == "cycle" ? r_.policies() : 1); ++policy) {
        HeadlineRow row{headline, tier, policy, figure(headline, tier, policy, {}), {}};
        if (row.found.runs == 0) continue;
        if (tier == "cycle" && row.differs()) row.cause = cause(row);
        rows.push_back(std::move(row));
      }
    }
  }
  return rows;
}

Figure Headlines::figure(const Headline& headline, const std::string& tier, std::size_t variant, const RunSelection& part) const {
  if (headline.metric == "channel_split") {
    if (variant > 0 || splits_.empty()) return {};
    const auto [least, most] = std::minmax_element(splits_.begin(), splits_.end());
    return {{*least, *most}, static_cast<int>(splits_.size())};
  }
  const std::optional<RunSelection> runs = part.both(headline.runs);
  if (!runs) return {};
  return headline.is_range() ? share(headline, tier, variant, *runs) : factor(headline, tier, variant, *runs);
}

Figure Headlines::factor(const Headline& h, const std::string& tier, std::size_t variant, const RunSelection& part) const {
  double sum = 0;
  Figure figure;
  for (Cell cell : cells_of(r_, index_of(r_.systems, h.of), variant, part)) {
    const CellResult* better = findings_.find(tier, inputs_.shared(cell));
    for (const std::string& over : h.over) {
      cell.system = index_of(r_.systems, over);
      const CellResult* worse = findings_.find(tier, inputs_.shared(cell));
      if (better == nullptr || worse == nullptr || !(metric_of(*better, h.metric) > 0)) continue;
      sum += std::log(metric_of(*worse, h.metric) / metric_of(*better, h.metric));
      ++figure.runs;
    }
  }
  if (figure.runs > 0) figure.values = {std::exp(sum / figure.runs)};
  return figure;
}

Figure Headlines::share(const Headline& h, const std::string& tier, std::size_t variant, const RunSelection& part) const {
  Figure figure;
  for (const Cell& cell : cells_of(r_, index_of(r_.systems, h.of), variant, part)) {
    const CellResult* result = findings_.find(tier, inputs_.shared(cell));
    if (result == nullptr || (h.metric == "transfer_share" && !(result->energy_j > 0))) continue;
    const double percent = metric_of(*result, h.metric);
    if (figure.runs++ == 0) figure.values = {percent, percent};
    figure.values = {std::min(figure.values[0], percent), std::max(figure.values[1], percent)};
  }
  return figure;
}

/// Another row policy that gives the published figure, as it was run in whole; otherwise what comes nearest, which has to take away a
/// quarter of the distance at least.
std::optional<Cause> Headlines::cause(const HeadlineRow& row) const {
  std::optional<Cause> best;
  double least = 0.75 * distance(row.found.values, row.published());
  for (std::size_t v = 0; v < r_.variants().size(); ++v) {
    auto moved = v == row.policy ? std::nullopt : moved_by(row, v);
    if (!moved) continue;
    const double d = distance(moved->moved.values, row.published());
    if (v < r_.policies() && d <= std::log(near)) return moved;
    if (d >= least) continue;
    least = d;
    best = std::move(moved);
  }
  return best;
}

/// Another row policy was run in whole; a change on a part, where its factor is taken.
std::optional<Cause> Headlines::moved_by(const HeadlineRow& row, std::size_t variant) const {
  Cause cause{r_.variants()[variant].name, {}, 0};
  if (variant < r_.policies()) {
    cause.moved = figure(row.headline, row.tier, variant, {});
    cause.runs = cause.moved.runs;
    return cause.runs > 0 ? std::optional<Cause>(cause) : std::nullopt;
  }
  const Figure before = figure(row.headline, row.tier, r_.changed_policy(), r_.attribution.part);
  const Figure after = figure(row.headline, row.tier, variant, r_.attribution.part);
  if (before.runs == 0 || after.runs == 0) return std::nullopt;
  cause.moved = row.found;
  for (std::size_t i = 0; i < row.found.values.size(); ++i) cause.moved.values[i] *= after.values[i] / before.values[i];
  cause.runs = after.runs;
  return cause;
}

}  // namespace bondsim::tools
