#include <algorithm>
#include <numeric>

#include "mapping/layout/attention.hpp"
#include "mapping/tiling/rounds.hpp"
#include "models/base/element_bytes.hpp"
#include "models/base/quantity.hpp"
#include "models/system/peaks.hpp"

/// Dealing of an operator's heads to channels, and of a channel's heads to its PEs.
namespace bondsim {

double head_round_ps(const PlanContext& c, int channel, const AttentionPlacement& a, std::int64_t tokens, std::int64_t together) {
  const std::int64_t rows = a.m * a.tokens, pes = c.system.dram_of(channel).organization.banks() / together;
  const GemmShape shape{together, rows, a.keys ? tokens : a.head_dim, a.keys ? a.head_dim : tokens};
  const NmpConfig& nmp = c.system.nmp_of(channel);
  double ps = round_estimate_ps(nmp, tiling_problem(c.system, channel, shape, pes, a.bits));
  if (a.value_elements == 0) return ps;
  // Values by the same round: each PE those of its tokens, whose sums all leave over the bus.
  const GemmShape values{together * pes, rows, a.value_elements, ceil_div(tokens, pes)};
  ps += round_estimate_ps(nmp, tiling_problem(c.system, channel, values, 1, a.bits));
  const std::int64_t sums = together * std::min(pes, tokens) * bytes_of(rows * a.value_elements, a.bits.output);
  return ps + 1e3 * static_cast<double>(sums) / bus_gbps(c.system.dram_of(channel));
}

namespace {

/// Time of the fullest channel at a context: rounds of K and V by the PEs one after the other, the vectors that go in and out over the bus,
/// and the sums of values of different tokens.
double deal_cost_us(const PlanContext& c, const AttentionPlacement& a, const std::vector<HeadDeal>& deals, std::size_t channels,
                    std::int64_t context) {
  const int channel = c.system.nmp_channels().front();
  double ps = 0, sums = 0;
  for (const HeadDeal& deal : deals) {
    const std::int64_t tokens = tokens_of_part(context, deal.parts, 0);
    const auto mine = static_cast<std::int64_t>(ceil_div(deal.heads, channels / static_cast<std::size_t>(deal.parts)));
    const auto estimate = [&](std::int64_t together) { return head_round_ps(c, channel, a, tokens, together); };
    ps += rounds_estimate_ps(choose_rounds(mine, c.system.dram_of(channel).organization.banks(), estimate), estimate);
    const std::int64_t bytes = a.m * a.tokens * (a.head_dim + tokens) * a.bits.activation / 8;
    const double vectors = static_cast<double>(mine) * static_cast<double>(bytes);
    ps += 1e3 * vectors / bus_gbps(c.system.dram_of(channel));
    if (!a.keys) sums += static_cast<double>(deal.heads) * (deal.parts - 1) * static_cast<double>(a.m * a.tokens * a.head_dim);
    if (a.value_elements > 0) {
      const std::int64_t pes = std::max<std::int64_t>(1, c.system.dram_of(channel).organization.banks() / mine);
      sums += static_cast<double>(deal.heads) * static_cast<double>(deal.parts * pes - 1) *
              static_cast<double>(a.m * a.tokens * a.value_elements);
    }
  }
  const auto& npu = c.system.npu;
  const double reduce_us = sums * npu.vector_costs.reduce / (static_cast<double>(npu.vector_units) * npu.vector_lanes * npu.clock_mhz);
  return 1e-6 * ps + reduce_us;
}

/// The published rule: a channel a head, or C / gcd(B, C) channels when there are no more heads than channels.
int rule_parts(std::size_t heads, std::size_t channels) {
  return static_cast<int>(heads > channels ? 1 : channels / std::gcd(heads, channels));
}

/// All heads over `parts` channels each; those that would make some channels fuller than others over more channels, by the rule for as many
/// heads, when that is estimated to be faster.
std::vector<HeadDeal> deal_of(const PlanContext& c, const AttentionPlacement& a, std::size_t heads, std::size_t channels, int parts,
                              std::int64_t context) {
  std::vector<HeadDeal> together = {{heads, parts}};
  const std::size_t groups = channels / static_cast<std::size_t>(parts), rest = heads % groups;
  if (rest == 0 || rest == heads) return together;
  std::vector<HeadDeal> apart = {{heads - rest, parts}, {rest, rule_parts(rest, channels)}};
  return deal_cost_us(c, a, apart, channels, context) < deal_cost_us(c, a, together, channels, context) ? apart : together;
}

}  // namespace

std::vector<HeadDeal> deal_heads(const PlanContext& context, AttentionPlacement& a, std::size_t heads, std::size_t channels,
                                 std::int64_t tokens) {
  a.rule = deal_of(context, a, heads, channels, rule_parts(heads, channels), tokens);
  a.rule_us = deal_cost_us(context, a, a.rule, channels, tokens);
  a.searched = a.rule;
  a.searched_us = a.rule_us;
  for (std::size_t parts = 1; parts <= channels; ++parts) {
    if (channels % parts != 0) continue;
    const auto deal = deal_of(context, a, heads, channels, static_cast<int>(parts), tokens);
    const double cost = deal_cost_us(context, a, deal, channels, tokens);
    if (cost >= a.searched_us) continue;
    a.searched_us = cost;
    a.searched = deal;
  }
  return context.split == SplitPolicy::search ? a.searched : a.rule;
}

}  // namespace bondsim
