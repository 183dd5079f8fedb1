#include "models/results/expert_balance.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "models/schedule/expert_name.hpp"

namespace bondsim {
std::optional<ExpertBalance> expert_balance(const Results& results, const std::string& phase) {
  std::map<int, ExpertLoad> loads;
  for (const OperatorResult& op : results.operators) {
    const auto expert = expert_of(op.name);
    if (op.phase != phase || !expert) continue;
    ExpertLoad& load = loads[*expert];
    load.expert = *expert;
    load.macs += op.macs;
    load.busy += op.busy;
  }
  std::int64_t macs = 0;
  Picoseconds busy, longest;
  ExpertBalance out;
  for (const auto& [expert, load] : loads) {
    out.experts.push_back(load);
    macs += load.macs;
    busy += load.busy;
    longest = std::max(longest, load.busy);
    if (load.macs > out.experts[out.busiest].macs) out.busiest = out.experts.size() - 1;
  }
  if (macs == 0) return std::nullopt;
  const auto experts = static_cast<double>(out.experts.size());
  out.share_of_macs = static_cast<double>(out.experts[out.busiest].macs) / static_cast<double>(macs);
  out.macs_over_mean = out.share_of_macs * experts;
  out.busy_over_mean = busy.value > 0 ? to_seconds(longest) / to_seconds(busy) * experts : 0;
  return out;
}

std::string expert_text(const Results& results) {
  std::string out;
  for (const char* phase : {"prefill", "decode"}) {
    const auto balance = expert_balance(results, phase);
    if (!balance) continue;
    out += fmt::format(
        "  experts in {}: e{} has most of the rows, {:.1f} % of {} experts', {:.2f} times the mean; the longest is busy {:.2f} times the "
        "mean\n",
        phase, balance->experts[balance->busiest].expert, 100 * balance->share_of_macs, balance->experts.size(), balance->macs_over_mean,
        balance->busy_over_mean);
  }
  return out;
}

}  // namespace bondsim
