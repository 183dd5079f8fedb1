#include <benchmark/benchmark.h>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/cost/published/published_layer.hpp"
#include "mapping/search/dataflow/exact_search.hpp"
#include "mapping/search/dataflow/genetic_operators.hpp"

namespace {

using namespace bondsim;

search::OperatorTable h2llm_table(const cost::CostModel& model) {
  cost::LayerDevice device;
  device.nmp.channels = 6;
  device.nmp.fpus = 8;
  device.nmp.clock_mhz = 600;
  device.nmp.hb_bandwidth_gbps = 25.6;
  device.normal_channels = 2;
  return search::OperatorTable(search::make_problem(cost::make_layer(cost::published_layer("llama"), {783, 209, 4}), device,
                                                    search::BindingRule::data_centric, model));
}

/// Whole dataflows of a Llama-3-8B layer, all different, groups found anew each time.
void dataflow_evaluations(benchmark::State& state) {
  const auto model = cost::make_cost_model("h2llm-roofline");
  const search::OperatorTable table = h2llm_table(*model);
  search::GeneticOperators operators(table, 1);
  std::vector<search::FoundDataflow> dataflows;
  for (int i = 0; i < 1024; ++i) dataflows.push_back(operators.random_dataflow());
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(search::evaluate(table, dataflows[i++ & 1023]).total_s());
  state.SetItemsProcessed(state.iterations());
}

/// The same with the check of all rules and of the memory.
void dataflow_checks_and_evaluations(benchmark::State& state) {
  const auto model = cost::make_cost_model("h2llm-roofline");
  const search::OperatorTable table = h2llm_table(*model);
  search::GeneticOperators operators(table, 1);
  std::vector<search::FoundDataflow> dataflows;
  for (int i = 0; i < 1024; ++i) dataflows.push_back(operators.random_dataflow());
  std::size_t i = 0;
  for (auto _ : state) {
    const search::FoundDataflow& dataflow = dataflows[i++ & 1023];
    benchmark::DoNotOptimize(search::fault_of(table, dataflow));
    benchmark::DoNotOptimize(search::evaluate(table, dataflow).total_s());
  }
  state.SetItemsProcessed(state.iterations());
}

/// One exact search, the table of latencies included.
void exact_searches(benchmark::State& state) {
  const auto model = cost::make_cost_model("h2llm-roofline");
  for (auto _ : state) benchmark::DoNotOptimize(search::search_exactly(h2llm_table(*model)).latency.total_s());
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(dataflow_evaluations);
BENCHMARK(dataflow_checks_and_evaluations);
BENCHMARK(exact_searches)->Unit(benchmark::kMillisecond);

}  // namespace

BENCHMARK_MAIN();
