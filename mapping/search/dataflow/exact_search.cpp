#include "mapping/search/dataflow/exact_search.hpp"

#include <algorithm>
#include <cmath>

#include "mapping/search/dataflow/channel_assignment.hpp"
#include "mapping/search/dataflow/genetic_search.hpp"
#include "mapping/search/dataflow/layer_search.hpp"
#include "mapping/search/dataflow/memory_bound.hpp"
#include "mapping/search/dataflow/storing.hpp"

namespace bondsim::search {
namespace {

/// More storing choices than this in a layer are not enumerated.
constexpr double most_storing_choices = 1e5;

double storing_choices(const OperatorTable& table) {
  if (table.problem().rule == BindingRule::compute_centric || !table.has_normal() || table.nmp_channels() == 0) return 1;
  double choices = 1;
  for (int op = 0; op < table.operators(); ++op) choices *= static_cast<double>(table.units(op));
  return choices;
}

class MemoryBoundSearch {
 public:
  MemoryBoundSearch(const OperatorTable& table, SearchResult& result) : table_(table), range_(normal_range(table)), result_(result) {}

  bool found() const { return found_; }
  /// Nothing is faster than the bound: meeting it, up to the rounding of sums, is a proof too.
  bool proved() const { return result_.optimal || (found_ && result_.latency.total_s() <= result_.lower_bound_s * (1 + 1e-9)); }

  /// Dataflows with the same account compare exactly: the first whose account is allowed and whose channels can be named is the best.
  void run_accounted(bool whole_width) {
    LayerSearch search(table_, {Pricing::Mode::accounted, 0, whole_width});
    bool skipped = whole_width;
    for (const auto& candidate : search.run()) {
      const auto bytes = static_cast<double>(candidate.normal_bytes);
      if (bytes < range_.least - 1 || bytes > range_.most + 1) continue;
      FoundDataflow dataflow = search.dataflow(candidate.normal_bytes);
      if (offer(dataflow)) {
        if (!skipped) result_.optimal = true;
        return;
      }
      skipped = true;
    }
  }

  /// The price of a byte in the normal channels is bisected until they hold what they must; every dataflow on the way is made to fit.
  void run_priced(bool whole_width, double scale_s) {
    double low = 0;
    double high = 16 * scale_s / table_.total_bytes();
    const double sign = normal_too_empty(whole_width) ? -1 : 1;
    try_price(0, whole_width);
    try_price(sign * high, whole_width);
    for (int step = 0; step < 24 && !proved(); ++step) {
      const double price = 0.5 * (low + high);
      const double bytes = try_price(sign * price, whole_width);
      const bool enough = sign < 0 ? bytes >= range_.least : bytes <= range_.most;
      (enough ? high : low) = price;
    }
  }

  /// Channels that cannot be named evenly are the genetic search's strength: it names them from the start.
  void run_genetic() {
    GeneticOptions options{300, 60, 1, {}};
    if (found_) options.start.push_back(result_.dataflow);
    try {
      offer(search_genetically(table_, options));
    } catch (const InfeasibleError&) {
      // Nothing found this way either; `found` says so.
    }
  }

 private:
  void offer(const SearchResult& other) {
    if (found_ && other.latency.total_s() >= result_.latency.total_s()) return;
    result_.dataflow = other.dataflow;
    result_.latency = other.latency;
    found_ = true;
  }

  bool normal_too_empty(bool whole_width) {
    LayerSearch search(table_, {Pricing::Mode::free, 0, whole_width});
    search.run();
    return normal_bytes(table_, search.dataflow(0)) < 0.5 * (range_.least + range_.most);
  }

  /// @return bytes the normal channels would hold at this price.
  double try_price(double price_s_per_byte, bool whole_width) {
    LayerSearch search(table_, {Pricing::Mode::priced, price_s_per_byte, whole_width});
    search.run();
    FoundDataflow dataflow = search.dataflow(0);
    const double bytes = normal_bytes(table_, dataflow);
    if (fit_storing(table_, dataflow)) offer(dataflow);
    return bytes;
  }

  bool offer(FoundDataflow dataflow) {
    if (!assign_channels(table_, dataflow)) return false;
    const cost::LayerLatency latency = evaluate(table_, dataflow);
    if (found_ && latency.total_s() >= result_.latency.total_s()) return true;
    result_.dataflow = dataflow;
    result_.latency = latency;
    found_ = true;
    return true;
  }

  const OperatorTable& table_;
  NormalRange range_;
  SearchResult& result_;
  bool found_ = false;
};

}  // namespace

SearchResult search_exactly(const OperatorTable& table) {
  const NormalRange range = normal_range(table);
  if (range.least > range.most) {
    throw InfeasibleError(
        fmt::format("the layers store {:.0f} bytes, the channels hold {:.0f}", table.total_bytes(),
                    table.problem().channel_capacity_bytes * (table.nmp_channels() + table.problem().device.normal_channels)));
  }
  SearchResult result;
  LayerSearch free_search(table, {});
  result.lower_bound_s = free_search.run().front().cost_s;
  result.dataflow = free_search.dataflow(0);
  result.optimal = assign_channels(table, result.dataflow);
  result.latency = evaluate(table, result.dataflow);
  if (result.optimal) return result;
  const double scale_s = result.lower_bound_s;
  MemoryBoundSearch search(table, result);
  if (storing_choices(table) <= most_storing_choices) {
    search.run_accounted(false);
    if (!result.optimal) search.run_accounted(true);
  }
  if (!result.optimal) {
    result.lower_bound_s = std::max(result.lower_bound_s, memory_lower_bound_s(table));
    search.run_priced(false, scale_s);
    if (!search.proved()) search.run_priced(true, scale_s);
    if (!search.proved()) search.run_genetic();
  }
  if (!search.found()) throw InfeasibleError("no dataflow was found whose operands fit the channels");
  result.optimal = search.proved();
  if (result.optimal) result.lower_bound_s = result.latency.total_s();
  return result;
}

}  // namespace bondsim::search
