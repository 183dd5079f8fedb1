#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/cost/forms/tables.hpp"
#include "mapping/search/dataflow/channel_assignment.hpp"
#include "mapping/search/dataflow/genetic_search.hpp"
#include "mapping/search/dataflow/layer_search.hpp"
#include "mapping/search/dataflow/memory_bound.hpp"
#include "mapping/search/dataflow/rows.hpp"
#include "tests/support/paths.hpp"

namespace bondsim::search {
namespace {

constexpr std::size_t at(int i) { return static_cast<std::size_t>(i); }

/// Latencies without any order to them: more channels or fewer columns may be slower, so nothing but the definition holds.
class JaggedModel final : public cost::CostModel {
 public:
  const char* name() const override { return "jagged"; }
  double nmp_seconds(const GemmShape& g, double, const cost::NmpDevice& d) const override { return jag(g, d.channels) / d.channels; }
  double npu_seconds(const GemmShape& g, double, const cost::NpuDevice& d) const override { return jag(g, 100 + d.channels); }

 private:
  static double jag(const GemmShape& g, int salt) {
    const auto salted = static_cast<std::int32_t>(static_cast<std::uint32_t>(salt) * 32452843u);  // wraps
    std::uint64_t h = static_cast<std::uint64_t>(g.count * 7919 + g.m * 104729 + g.n * 1299709 + g.k * 15485863 + salted);
    h ^= h >> 31;
    h *= 0x9E3779B97F4A7C15u;
    return static_cast<double>(g.macs()) * (0.25 + static_cast<double>(h >> 40 & 1023) / 1024);
  }
};

/// The definition once more, from the published text, for dataflows with named channels: what `evaluate` and `fault_of` are held against.
class Definition {
 public:
  explicit Definition(const SearchProblem& problem) : p_(problem), n_(static_cast<int>(problem.operators.size())) {}

  double best_s() {
    best_ = std::numeric_limits<double>::infinity();
    d_.assign(at(n_), {});
    place(0);
    return best_;
  }

  double seconds(const FoundDataflow& d) const {
    double total = 0;
    for (int mag = 0; mag < n_; ++mag) {
      double slowest = 0;
      for (int head = 0; head < n_; ++head) {
        if (d[at(head)].mag == mag) slowest = std::max(slowest, group_s(d, group_of(d, head)));
      }
      total += slowest;
    }
    total *= p_.generated_tokens;
    for (int op = 0; op < n_; ++op) {
      total += p_.model->npu_seconds(p_.operators[at(op)].prefill, 2, npu(d[at(op)].binding));
    }
    return total;
  }

  bool valid(const FoundDataflow& d) const {
    for (const auto& [a, b] : p_.edges) {
      if (d[at(a)].mag > d[at(b)].mag || (d[at(a)].mag == d[at(b)].mag && d[at(a)].tier >= d[at(b)].tier)) return false;
    }
    for (int a = 0; a < n_; ++a) {
      const std::uint64_t group = group_of(d, a);
      for (int b = 0; b < n_; ++b) {
        if (a == b || d[at(a)].mag != d[at(b)].mag) continue;
        const bool together = (group >> b & 1) != 0;
        if ((!together || d[at(a)].tier == d[at(b)].tier) && (d[at(a)].nmp_mask & d[at(b)].nmp_mask) != 0) return false;
        if (!together && d[at(a)].binding.normal && d[at(b)].binding.normal) return false;
      }
    }
    return fits(d);
  }

 private:
  cost::NpuDevice npu(const Allotment& b) const {
    cost::NpuDevice device = p_.device.npu;
    device.channels = b.nmp + (b.normal ? p_.device.normal_channels : 0);
    return device;
  }

  bool fits(const FoundDataflow& d) const {
    double normal = 0;
    std::vector<double> nmp(at(p_.nmp_channels()), 0.0);
    for (int op = 0; op < n_; ++op) {
      const Allotment& b = d[at(op)].binding;
      const auto units = static_cast<double>(p_.operators[at(op)].units());
      const double share = b.nmp == 0 ? 0 : !b.normal ? 1 : static_cast<double>(b.units) / units;
      normal += (1 - share) * p_.operators[at(op)].stationary_bytes;
      for (int c = 0; c < p_.nmp_channels(); ++c) {
        if ((d[at(op)].nmp_mask >> c & 1) != 0) nmp[at(c)] += share * p_.operators[at(op)].stationary_bytes / b.nmp;
      }
    }
    for (const double bytes : nmp) {
      if (bytes > p_.channel_capacity_bytes * (1 + 1e-9)) return false;
    }
    return normal <= p_.channel_capacity_bytes * p_.device.normal_channels * (1 + 1e-9);
  }

  std::uint64_t group_of(const FoundDataflow& d, int op) const {
    std::uint64_t group = std::uint64_t{1} << op;
    for (int round = 0; round < n_; ++round) {
      for (const auto& [a, b] : p_.edges) {
        if (d[at(a)].mag == d[at(b)].mag && ((group >> a | group >> b) & 1) != 0) group |= std::uint64_t{1} << a | std::uint64_t{1} << b;
      }
    }
    return group;
  }

  double group_s(const FoundDataflow& d, std::uint64_t group) const {
    double sum = 0;
    for (int tier = 0; tier < n_; ++tier) {
      double nmp_s = 0;
      double npu_s = 0;
      for (int op = 0; op < n_; ++op) {
        if ((group >> op & 1) == 0 || d[at(op)].tier != tier) continue;
        const Allotment& b = d[at(op)].binding;
        GemmShape on_nmp = p_.operators[at(op)].decode;
        GemmShape on_npu = on_nmp;
        if (b.split()) {
          std::int64_t GemmShape::*const divided = on_nmp.count > 1 ? &GemmShape::count : &GemmShape::n;
          on_npu.*divided -= b.units;
          on_nmp.*divided = b.units;
        }
        cost::NmpDevice device = p_.device.nmp;
        device.channels = b.nmp;
        if (b.nmp > 0 && on_nmp.macs() > 0) nmp_s = std::max(nmp_s, p_.model->nmp_seconds(on_nmp, 2, device));
        if (b.normal) npu_s += p_.model->npu_seconds(on_npu, 2, npu(b));
      }
      sum += std::max(nmp_s, npu_s);
    }
    return sum;
  }

  /// Numbers MAGs and tiers in every way, then binds.
  void place(int op) {
    if (op == n_) {
      if (dense()) bind(0);
      return;
    }
    for (int mag = 0; mag < n_; ++mag) {
      for (int tier = 0; tier < n_; ++tier) {
        d_[at(op)].mag = mag;
        d_[at(op)].tier = tier;
        place(op + 1);
      }
    }
  }

  /// MAGs numbered without gaps, tiers of a MAG too, edges forward: each structure once or a few times.
  bool dense() const {
    for (const auto& [a, b] : p_.edges) {
      if (d_[at(a)].mag > d_[at(b)].mag || (d_[at(a)].mag == d_[at(b)].mag && d_[at(a)].tier >= d_[at(b)].tier)) return false;
    }
    for (const Placement& p : d_) {
      const auto has = [&](int mag, int tier) {
        return std::any_of(d_.begin(), d_.end(), [&](const Placement& q) { return q.mag == mag && (tier < 0 || q.tier == tier); });
      };
      if ((p.mag > 0 && !has(p.mag - 1, -1)) || (p.tier > 0 && !has(p.mag, p.tier - 1))) return false;
    }
    return true;
  }

  void bind(int op) {
    if (op == n_) {
      if (valid(d_)) best_ = std::min(best_, seconds(d_));
      return;
    }
    Placement& p = d_[at(op)];
    for (std::uint64_t mask = 0; mask < std::uint64_t{1} << p_.nmp_channels(); ++mask) {
      for (const bool normal : {false, true}) {
        if ((mask == 0 && !normal) || (normal && p_.device.normal_channels == 0)) continue;
        const bool split = mask != 0 && normal;
        if (split && p_.rule == BindingRule::compute_centric) continue;
        for (std::int64_t units = 0; units < (split ? p_.operators[at(op)].units() : 1); ++units) {
          p.nmp_mask = mask;
          p.binding = {__builtin_popcountll(mask), normal, units};
          bind(op + 1);
        }
      }
    }
  }

  const SearchProblem& p_;
  int n_;
  FoundDataflow d_;
  double best_ = 0;
};

struct Shape {
  int operators;
  int nmp;
  BindingRule rule;
};

SearchProblem random_problem(std::mt19937& random, const Shape& shape, const cost::CostModel& model) {
  const auto pick = [&](int low, int high) { return low + static_cast<int>(random() % static_cast<unsigned>(high - low + 1)); };
  SearchProblem p;
  double bytes = 0;
  for (int op = 0; op < shape.operators; ++op) {
    const int count = pick(0, 1) == 0 ? 1 : pick(2, 3);
    const std::int64_t n = count > 1 ? pick(1, 64) : pick(2, 3);
    SearchOperator o{"", {count, pick(1, 9), n, pick(1, 64)}, {count, pick(1, 3), n, pick(1, 64)}, 36.0 * pick(1, 20)};
    o.name = "op" + std::to_string(op);
    bytes += o.stationary_bytes;
    p.operators.push_back(o);
    for (int from = 0; from < op; ++from) {
      if (pick(0, 2) == 0) p.edges.emplace_back(from, op);
    }
  }
  p.generated_tokens = pick(1, 5);
  p.device.nmp.channels = shape.nmp;
  p.device.nmp.fpus = 4;
  p.device.nmp.clock_mhz = 600;
  p.device.nmp.hb_bandwidth_gbps = 0.4;
  p.device.normal_channels = pick(0, 2);
  if (shape.nmp == 0) p.device.normal_channels = 1;
  p.channel_capacity_bytes = bytes / (shape.nmp + p.device.normal_channels) * (pick(0, 1) == 0 ? 10 : 1.0 + 0.1 * pick(0, 8));
  p.rule = shape.rule;
  p.model = &model;
  return p;
}

/// Random problems small enough to try everything. @return how many had a dataflow that memory kept from being the fastest.
int hold_against_definition(const Shape& shape, const cost::CostModel& model, int problems, unsigned seed) {
  int memory_bound = 0;
  int unproved = 0;
  for (int i = 0; i < problems; ++i) {
    std::mt19937 random(seed + static_cast<unsigned>(i));
    const SearchProblem problem = random_problem(random, shape, model);
    Definition definition(problem);
    const double best_s = definition.best_s();
    const OperatorTable table(problem);
    SearchProblem unlimited = problem;
    unlimited.channel_capacity_bytes = 1e18;
    const double free_s = search_exactly(OperatorTable(unlimited)).latency.total_s();
    if (std::isinf(best_s)) {
      EXPECT_THROW(search_exactly(table), InfeasibleError) << "seed " << seed + static_cast<unsigned>(i);
      continue;
    }
    SearchResult result;
    try {
      result = search_exactly(table);
    } catch (const InfeasibleError&) {
      ++unproved;  // counts say yes, no set of channels was found
      continue;
    }
    EXPECT_TRUE(definition.valid(result.dataflow)) << "seed " << seed + static_cast<unsigned>(i);
    EXPECT_NEAR(definition.seconds(result.dataflow), result.latency.total_s(), 1e-12 * best_s);
    EXPECT_EQ(fault_of(table, result.dataflow), "");
    EXPECT_LE(result.lower_bound_s, best_s * (1 + 1e-12)) << "seed " << seed + static_cast<unsigned>(i);
    EXPECT_LE(memory_lower_bound_s(table), best_s * (1 + 1e-12)) << "seed " << seed + static_cast<unsigned>(i);
    EXPECT_GE(result.latency.total_s(), best_s * (1 - 1e-12)) << "seed " << seed + static_cast<unsigned>(i);
    if (result.optimal) {
      EXPECT_NEAR(result.latency.total_s(), best_s, 1e-12 * best_s)
          << "seed " << seed + static_cast<unsigned>(i) << " " << to_text(table, result.dataflow);
    }
    memory_bound += best_s > free_s * (1 + 1e-12) ? 1 : 0;
    unproved += result.optimal ? 0 : 1;
    EXPECT_LE(result.latency.total_s(), best_s * 1.1) << "seed " << seed + static_cast<unsigned>(i);
  }
  EXPECT_LE(unproved, problems / 5) << "of " << problems;
  return memory_bound;
}

TEST(ExactSearch, finds_what_trying_every_dataflow_finds) {
  const JaggedModel jagged;
  const auto roofline = cost::make_cost_model("h2llm-roofline");
  int memory_bound = 0;
  for (const cost::CostModel* model : {static_cast<const cost::CostModel*>(&jagged), static_cast<const cost::CostModel*>(roofline.get())}) {
    memory_bound += hold_against_definition({2, 3, BindingRule::data_centric}, *model, 60, 100);
    memory_bound += hold_against_definition({3, 2, BindingRule::data_centric}, *model, 6, 200);
    memory_bound += hold_against_definition({3, 3, BindingRule::compute_centric}, *model, 40, 300);
    memory_bound += hold_against_definition({4, 2, BindingRule::compute_centric}, *model, 8, 400);
    memory_bound += hold_against_definition({3, 0, BindingRule::data_centric}, *model, 5, 500);
  }
  EXPECT_GT(memory_bound, 10);  // or the memory is not tested
}

OperatorTable table_of(const std::string& model, const cost::Request& request, BindingRule rule, const cost::CostModel& cost_model,
                       int nmp = 6) {
  cost::LayerDevice device;
  device.nmp.channels = nmp;
  device.nmp.fpus = 8;
  device.nmp.clock_mhz = 600;
  device.nmp.hb_bandwidth_gbps = 25.6;
  device.normal_channels = 8 - nmp;
  return OperatorTable(make_problem(cost::make_layer(cost::published_layer(model), request), device, rule, cost_model));
}

/// Seconds of every binding of a lone operator, with a price on its bytes in the normal channels; the cheapest of them.
double cheapest_alone(const SearchProblem& p, double price_s_per_byte) {
  const OperatorTable table(p);
  double best_s = std::numeric_limits<double>::infinity();
  for (int nmp = 0; nmp <= p.nmp_channels(); ++nmp) {
    for (const bool normal : {false, true}) {
      if (nmp == 0 && !normal) continue;
      for (std::int64_t units = 0; units < (nmp > 0 && normal ? table.units(0) : 1); ++units) {
        const Allotment b{nmp, normal, units};
        const double step_s = std::max(table.nmp_s(0, b), table.npu_s(0, b));
        best_s =
            std::min(best_s, p.generated_tokens * step_s + table.prefill_s(0, nmp, normal) + price_s_per_byte * table.normal_bytes(0, b));
      }
    }
  }
  return best_s;
}

TEST(LayerSearch, of_an_operator_alone_every_share_is_weighed_with_the_price_of_memory) {
  const JaggedModel jagged;
  for (unsigned seed = 1; seed <= 100; ++seed) {
    std::mt19937 random(seed);
    SearchProblem problem = random_problem(random, {1, 3, BindingRule::data_centric}, jagged);
    problem.device.normal_channels = 1;
    SearchOperator& op = problem.operators.front();
    op.decode.n = op.prefill.n = 40;
    op.decode.count = op.prefill.count = 1;
    const double scale = cheapest_alone(problem, 0) / op.stationary_bytes;
    const OperatorTable table(problem);
    for (const double price : {-2.0, -0.5, -0.1, 0.0, 0.1, 0.5, 2.0}) {
      LayerSearch search(table, {Pricing::Mode::priced, price * scale, false});
      const double expected_s = cheapest_alone(problem, price * scale);
      EXPECT_NEAR(search.run().front().cost_s, expected_s, 1e-12 * (std::abs(expected_s) + scale * op.stationary_bytes))
          << "seed " << seed << ", price " << price;
    }
  }
}

TEST(ExactSearch, equals_or_beats_every_published_row_and_fits_the_memory) {
  CsvTable rows = CsvTable::load(bondsim::tests::source_dir() + "/tests/data/dse_best.csv");
  ASSERT_GT(rows.rows(), 30u);
  const auto model = cost::make_cost_model("h2llm-roofline");
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    const double published_s = rows.number(row, "total_latency_s_per_layer", 0, 1e9);
    const OperatorTable table(problem_of_row(rows, row, *model));
    const SearchResult result = search_exactly(table);
    EXPECT_LE(result.latency.total_s(), published_s * (1 + 1e-9)) << "row " << row;
    EXPECT_GT(result.latency.total_s(), published_s * 0.7) << "row " << row;
    EXPECT_EQ(fault_of(table, result.dataflow), "") << "row " << row;
    EXPECT_NEAR(evaluate(table, result.dataflow).total_s(), result.latency.total_s(), 1e-15);
  }
}

TEST(ExactSearch, reaches_the_published_optimum_of_the_compute_centric_space_exactly) {
  // Where the published search ran long enough on the small space it ended here; a larger space than its own would do better.
  CsvTable rows = CsvTable::load(bondsim::tests::source_dir() + "/tests/data/dse_best.csv");
  const auto model = cost::make_cost_model("h2llm-roofline");
  int equal = 0;
  for (std::size_t row = 0; row < rows.rows(); ++row) {
    if (rows.text(row, "search") != "specpim" || rows.text(row, "model") == "palm") continue;
    const double published_s = rows.number(row, "total_latency_s_per_layer", 0, 1e9);
    const double found_s = search_exactly(OperatorTable(problem_of_row(rows, row, *model))).latency.total_s();
    EXPECT_NEAR(found_s, published_s, 1e-12 * published_s) << "row " << row;
    ++equal;
  }
  EXPECT_GE(equal, 8);
}

TEST(ExactSearch, published_evaluation_of_an_even_split_is_reproduced) {
  // The published search's best for OPT, batch 1, HumanEval: every operator on all channels with a storing ratio of 48/49.
  const auto model = cost::make_cost_model("h2llm-roofline");
  const OperatorTable table = table_of("opt", {157, 67, 1}, BindingRule::data_centric, *model);
  FoundDataflow d;
  for (int op = 0; op < table.operators(); ++op) {
    const auto units = static_cast<std::int64_t>(static_cast<double>(table.units(op)) * (48.0 / 49.0));
    d.push_back({op, 0, {6, true, units}, 63});
  }
  EXPECT_EQ(fault_of(table, d), "");
  const cost::LayerLatency latency = evaluate(table, d);
  EXPECT_NEAR(latency.decode_s, 0.01117798793788298, 1e-14);
  EXPECT_NEAR(latency.prefill_s, 0.00585469375, 1e-14);
}

TEST(ExactSearch, compute_centric_is_never_faster) {
  const auto model = cost::make_cost_model("h2llm-roofline");
  for (const int nmp : {2, 4, 7}) {
    const double centric = search_exactly(table_of("palm", {783, 209, 4}, BindingRule::data_centric, *model, nmp)).latency.total_s();
    const double compute = search_exactly(table_of("palm", {783, 209, 4}, BindingRule::compute_centric, *model, nmp)).latency.total_s();
    EXPECT_LE(centric, compute);
  }
}

TEST(ExactSearch, memory_too_small_for_the_model_is_infeasible) {
  const auto model = cost::make_cost_model("h2llm-roofline");
  EXPECT_THROW(search_exactly(table_of("opt", {157, 67, 32}, BindingRule::data_centric, *model)), InfeasibleError);
}

TEST(GeneticSearch, same_seed_same_dataflow_and_near_the_optimum) {
  const auto model = cost::make_cost_model("h2llm-roofline");
  const OperatorTable table = table_of("llama", {783, 209, 4}, BindingRule::data_centric, *model);
  const double best_s = search_exactly(table).latency.total_s();
  const SearchResult first = search_genetically(table, {200, 40, 7});
  const SearchResult again = search_genetically(table, {200, 40, 7});
  EXPECT_EQ(to_text(table, first.dataflow), to_text(table, again.dataflow));
  EXPECT_EQ(fault_of(table, first.dataflow), "");
  EXPECT_GE(first.latency.total_s(), best_s * (1 - 1e-12));
  EXPECT_LE(first.latency.total_s(), best_s * 1.03);
  EXPECT_NE(to_text(table, first.dataflow), to_text(table, search_genetically(table, {200, 40, 8}).dataflow));
}

TEST(GeneticSearch, more_generations_are_never_worse) {
  const auto model = cost::make_cost_model("h2llm-roofline");
  const OperatorTable table = table_of("palm", {157, 67, 16}, BindingRule::compute_centric, *model);
  double last_s = std::numeric_limits<double>::infinity();
  for (const int generations : {0, 5, 20}) {
    const double found_s = search_genetically(table, {100, generations, 3}).latency.total_s();
    EXPECT_LE(found_s, last_s);
    last_s = found_s;
  }
}

TEST(StoringRatio, gives_back_its_units_when_multiplied) {
  const auto model = cost::make_cost_model("h2llm-roofline");
  const OperatorTable table = table_of("palm", {157, 67, 3}, BindingRule::data_centric, *model);
  for (int op = 0; op < table.operators(); ++op) {
    for (std::int64_t units = 0; units < table.units(op); ++units) {
      const double ratio = storing_ratio(table, op, {6, true, units});
      ASSERT_EQ(static_cast<std::int64_t>(static_cast<double>(table.units(op)) * ratio), units);
      ASSERT_TRUE(ratio > 0 && ratio < 1);
    }
  }
}

}  // namespace
}  // namespace bondsim::search
