#include "mapping/search/dataflow/problem.hpp"

#include <gtest/gtest.h>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/search/dataflow/exact_search.hpp"
#include "mapping/search/dataflow/front.hpp"
#include "mapping/search/dataflow/written.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim::search {
namespace {

const SearchOperator& operation(const SearchProblem& problem, const std::string& name) {
  for (const SearchOperator& op : problem.operators) {
    if (op.name == name) return op;
  }
  throw InternalError("no operator " + name);
}

void expect_shape(const GemmShape& a, const GemmShape& b) {
  EXPECT_EQ(a.count, b.count);
  EXPECT_EQ(a.m, b.m);
  EXPECT_EQ(a.n, b.n);
  EXPECT_EQ(a.k, b.k);
}

/// The published layer is written down apart, from the paper's evaluator: for its models both are the same problem.
TEST(GraphProblem, is_the_published_problem_for_the_published_models) {
  const auto form = cost::make_cost_model("h2llm-roofline");
  for (const auto& [layer, file] :
       {std::make_pair("opt", "opt-6.7b"), std::make_pair("llama", "llama-3-8b"), std::make_pair("palm", "palm-8b")}) {
    const SearchProblem published =
        make_problem(cost::make_layer(cost::published_layer(layer), {783, 209, 4}), {}, BindingRule::data_centric, *form);
    const SearchProblem graph = graph_problem(testing::model(file), testing::lengths(4, 783, 209), DecodeContext::last, 2048);
    ASSERT_EQ(graph.operators.size(), published.operators.size()) << layer;
    for (const SearchOperator& op : published.operators) {
      SCOPED_TRACE(std::string(layer) + " " + op.name);
      const SearchOperator& same = operation(graph, op.name);
      expect_shape(same.prefill, op.prefill);
      expect_shape(same.decode, op.decode);
      EXPECT_EQ(same.stationary_bytes, op.stationary_bytes);
      EXPECT_EQ(same.turns_of_prefill().size(), 1u);
    }
    EXPECT_EQ(graph.edges.size(), published.edges.size());
    for (const auto& [from, to] : published.edges) {
      const auto known = [&](const auto& e) {
        return graph.operators[static_cast<std::size_t>(e.first)].name == published.operators[static_cast<std::size_t>(from)].name &&
               graph.operators[static_cast<std::size_t>(e.second)].name == published.operators[static_cast<std::size_t>(to)].name;
      };
      EXPECT_EQ(std::count_if(graph.edges.begin(), graph.edges.end(), known), 1);
    }
  }
}

/// Of six tokens with a window of four, the scores are 1 2 3 4 4 4 = 18 wide, in chunks of four 1 2 3 4 1 2 = 13: a mean of 3 and of 13/6,
/// rounded up.
TEST(GraphProblem, prompts_beyond_the_window_have_its_mean_columns) {
  Model m = testing::model("llama-3-8b");
  const auto columns = [&](bool chunked, std::int64_t prompt) {
    WindowConfig window;
    window.tokens = 4;
    window.chunked = chunked;
    m.window = window;
    const SearchProblem p = graph_problem(m, testing::lengths(1, prompt, 1), DecodeContext::last);
    EXPECT_EQ(operation(p, "sv").turns_of_prefill().front().shape.k, operation(p, "qk").turns_of_prefill().front().shape.n);
    return operation(p, "qk").turns_of_prefill().front().shape.n;
  };
  EXPECT_EQ(columns(false, 6), 3);
  EXPECT_EQ(columns(true, 6), 3);
  EXPECT_EQ(columns(false, 5), 3) << "1 2 3 4 4 = 14, a fifth of it is 2.8";
  EXPECT_EQ(columns(true, 8), 3) << "20 / 8";
  EXPECT_EQ(columns(false, 12), 4) << "42 / 12";
  EXPECT_EQ(columns(false, 4), 4) << "all, as without a window";
}

TEST(GraphProblem, widths_go_with_the_operand) {
  const SearchProblem w4 = graph_problem(testing::model("llama-3-8b-w4a16"), testing::lengths(1, 100, 10), DecodeContext::last);
  const SearchProblem kv8 = graph_problem(testing::model("llama-3-8b-kv8"), testing::lengths(1, 100, 10), DecodeContext::last);
  EXPECT_EQ(operation(w4, "f1").bits.stationary, 4);
  EXPECT_EQ(operation(w4, "f1").bits.activation, 16);
  EXPECT_EQ(operation(w4, "qk").bits.stationary, 16);
  EXPECT_EQ(operation(kv8, "qk").bits.stationary, 8);
  EXPECT_EQ(operation(kv8, "f1").bits.stationary, 16);
  EXPECT_EQ(operation(w4, "f1").stationary_bytes, 32 * 4096.0 * 14336 / 2);
  EXPECT_EQ(operation(kv8, "sv").stationary_bytes, 32 * 8 * 128.0 * 110);
}

TEST(GraphProblem, experts_are_one_operator_that_takes_turns_and_holds_all_of_them) {
  const Model mixtral = testing::model("mixtral-8x7b");
  const SearchProblem p = graph_problem(mixtral, testing::lengths(1, 100, 10), DecodeContext::last);
  EXPECT_EQ(p.operators.size(), 10u);  // q k v qk sv o router f1 f3 f2
  EXPECT_EQ(p.experts, 8);
  const SearchOperator& f1 = operation(p, "f1");
  EXPECT_TRUE(f1.expert);
  EXPECT_FALSE(operation(p, "router").expert);
  EXPECT_EQ(f1.stationary_bytes, 32 * 8 * 4096.0 * 14336 * 2);
  double rows = 0, turns = 0;
  for (const Turn& turn : f1.turns_of_decode()) {
    rows += turn.times * static_cast<double>(turn.shape.m);
    turns += turn.times;
  }
  EXPECT_EQ(turns, 2) << "a token goes to two experts";
  EXPECT_EQ(rows, 2);
  rows = 0;
  for (const Turn& turn : f1.turns_of_prefill()) rows += turn.times * static_cast<double>(turn.shape.m);
  EXPECT_EQ(rows, 200);
}

TEST(GraphProblem, prompts_of_different_lengths_have_their_own_attention) {
  Workload w = testing::lengths(3, 0, 10);
  w.prompts = {100, 50, 100};
  const SearchProblem p = graph_problem(testing::model("llama-3-8b"), w, DecodeContext::last);
  const std::vector<Turn> turns = operation(p, "qk").turns_of_prefill();
  ASSERT_EQ(turns.size(), 2u);
  expect_shape(turns[0].shape, {8, 50 * 4, 50, 128});
  expect_shape(turns[1].shape, {16, 100 * 4, 100, 128});
  EXPECT_EQ(operation(p, "q").prefill.m, 250);
  EXPECT_EQ(operation(p, "qk").stationary_bytes, 32 * 1024.0 * 2 * (110 + 60 + 110));
}

/// The mapper is the judge of memory: what the problem counts is what a plan of one channel reserves for the layers, less its padding.
TEST(GraphProblem, counts_the_memory_that_the_mapper_reserves) {
  for (const char* name : {"llama-3-8b", "llama-3-8b-w4a16", "mixtral-8x7b-w4a16", "palm-8b"}) {
    Model model = testing::model(name);
    const Workload w = testing::lengths(2, 300, 20);
    const auto bytes_at = [&](int layers) {
      model.layers = layers;
      const Plan plan = make_plan(testing::h2llm_system(), model, w, testing::dataflow("npu_only"));
      double sum = 0;
      for (int c = 0; c < plan.memory.channels(); ++c) sum += static_cast<double>(plan.memory.bytes_per_bank(c)) * plan.memory.banks();
      return sum;
    };
    const double of_a_layer = bytes_at(2) - bytes_at(1);
    model.layers = 1;
    double counted = 0;
    for (const SearchOperator& op : graph_problem(model, w, DecodeContext::last).operators) counted += op.stationary_bytes;
    EXPECT_LE(counted, of_a_layer) << name;
    EXPECT_GT(counted, of_a_layer * 0.98) << name;
  }
}

/// Only one of the parts that run side by side can have the normal channels, but what they account for adds up whatever it is.
TEST(Front, memory_of_parts_side_by_side_adds_up) {
  const Front a = {{1, 5, 300, 0, -1}};
  const Front b = {{2, 4, 400, 1, -1}};
  const std::vector<Label> beside = pairs_beside(a, b);
  ASSERT_EQ(beside.size(), 1u);
  EXPECT_EQ(beside[0].normal_bytes, 700);
  EXPECT_EQ(beside[0].decode_s, 5);
  EXPECT_EQ(beside[0].prefill_s, 3);
  EXPECT_EQ(pairs_in_turn(a, b)[0].normal_bytes, 700);
}

OperatorTable mixtral_table(const cost::CostModel& form, const Model& model) {
  SearchProblem problem = graph_problem(model, testing::lengths(1, 157, 67), DecodeContext::last);
  problem.device.nmp.channels = 6;
  problem.device.nmp.fpus = 8;
  problem.device.nmp.clock_mhz = 600;
  problem.device.nmp.hb_bandwidth_gbps = 25.6;
  problem.device.normal_channels = 2;
  problem.channel_capacity_bytes = published_channel_bytes;
  problem.most_shares = 33;
  problem.model = &form;
  return OperatorTable(problem);
}

TEST(WrittenDataflow, of_a_mixture_of_experts_is_one_that_a_plan_takes) {
  const auto form = cost::make_cost_model("h2llm-roofline-corrected");
  const Model model = testing::model("mixtral-8x7b-w4a16");
  const OperatorTable table = mixtral_table(*form, model);
  const SearchResult found = search_exactly(table);
  const Dataflow written = written_dataflow(table, found.dataflow, "found", balanced_head_rule(table));
  const ResolvedDataflow resolved = resolve(written, testing::h2llm_system(), layer_graph(model), head_graph(model));
  EXPECT_EQ(resolved.binding("e0.f1").nmp_channels, resolved.binding("e7.f1").nmp_channels);
  std::size_t operators = 0;
  for (const AccessGroup& group : resolved.groups()) {
    for (const Partition& partition : group.partitions) {
      for (const auto& tier : partition.tiers) operators += tier.size();
    }
  }
  EXPECT_EQ(operators, 7u + 8 * 3) << to_file(written);
  // Both ways of taking turns: the router beside its experts, and apart from them.
  for (const int mag_of_experts : {0, 1}) {
    FoundDataflow d = found.dataflow;
    for (int op = 0; op < table.operators(); ++op) {
      Placement& p = d[static_cast<std::size_t>(op)];
      p = {0, op, {6, false, 0}, 63};
      if (table.problem().operators[static_cast<std::size_t>(op)].expert) p.mag = mag_of_experts;
    }
    ASSERT_EQ(structure_fault(table, d), "");
    const Dataflow other = written_dataflow(table, d, "other", balanced_head_rule(table));
    EXPECT_EQ(other.groups.size(), mag_of_experts == 0 ? 1u : 9u);
    EXPECT_NO_THROW(resolve(other, testing::h2llm_system(), layer_graph(model), head_graph(model))) << to_file(other);
  }
}

TEST(MixtureOfExperts, does_not_fit_where_eight_experts_do_not) {
  const auto form = cost::make_cost_model("h2llm-roofline-corrected");
  EXPECT_THROW(search_exactly(mixtral_table(*form, testing::model("mixtral-8x7b"))), InfeasibleError) << "94 GB on 34";
}

}  // namespace
}  // namespace bondsim::search
