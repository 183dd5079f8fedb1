#include <benchmark/benchmark.h>

#include <algorithm>

#include "mapping/cost/detailed/detailed.hpp"
#include "mapping/cost/forms/make_cost_model.hpp"
#include "models/system/load.hpp"
#include "tests/support/h2llm_pes.hpp"
#include "tests/support/paths.hpp"

namespace {

using namespace bondsim;

/// Shapes that take every branch of the roofline: one GEMM, fewer and more GEMMs than channels, both sides of the ridge.
constexpr GemmShape shapes_of_all_kinds[] = {{1, 1, 4096, 4096}, {1, 16, 14336, 4096}, {4, 16, 1983, 256}, {128, 1, 128, 992}};

System h2llm_system() {
  ConfigNode node = load_yaml_file(bondsim::tests::source_dir() + "/configs/system/h2llm.yaml");
  std::vector<std::string> files;
  resolve_system(node, "system", files);
  return decode_system(node, "system");
}

void nmp_evaluations(benchmark::State& state, const char* name) {
  const System system = h2llm_system();
  const auto model = cost::make_cost_model(name, &system);
  const cost::NmpDevice device = test::h2llm_pes();
  GemmShape shapes[4];
  std::copy(std::begin(shapes_of_all_kinds), std::end(shapes_of_all_kinds), shapes);
  std::size_t i = 0;
  for (auto _ : state) {
    GemmShape& shape = shapes[i++ & 3];
    benchmark::DoNotOptimize(shape);
    benchmark::DoNotOptimize(model->nmp_seconds(shape, 2, device));
  }
  state.SetItemsProcessed(state.iterations());
}

/// One operator whose cut and tiling are given: the closed form alone.
void detailed_of_a_plan(benchmark::State& state) {
  cost::DetailedOnDevice device(h2llm_system(), test::h2llm_pes());
  const cost::OperatorPlan& plan = device.plan(shapes_of_all_kinds[static_cast<std::size_t>(state.range(0))], 2);
  for (auto _ : state) benchmark::DoNotOptimize(device.timing().operator_ps(plan));
  state.SetItemsProcessed(state.iterations());
}

/// Operators of one device, each shape seen before: its time is looked up, as in a search of mappings.
void detailed_of_known_shapes(benchmark::State& state) {
  cost::DetailedOnDevice device(h2llm_system(), test::h2llm_pes());
  std::size_t i = 0;
  for (auto _ : state) benchmark::DoNotOptimize(device.seconds(shapes_of_all_kinds[i++ & 3], 2));
  state.SetItemsProcessed(state.iterations());
}

void npu_evaluations(benchmark::State& state, const char* name) {
  const System system = h2llm_system();
  const auto model = cost::make_cost_model(name, &system);
  const cost::NpuDevice device{8, 12.8, 128};
  GemmShape shape{1, 16, 14336, 4096};
  for (auto _ : state) {
    benchmark::DoNotOptimize(shape);
    benchmark::DoNotOptimize(model->npu_seconds(shape, 2, device));
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK_CAPTURE(nmp_evaluations, h2llm_roofline, "h2llm-roofline");
BENCHMARK_CAPTURE(nmp_evaluations, roofline_ideal, "roofline-ideal");
BENCHMARK_CAPTURE(npu_evaluations, h2llm_roofline, "h2llm-roofline");
BENCHMARK(detailed_of_a_plan)->DenseRange(0, 3);
BENCHMARK(detailed_of_known_shapes);
BENCHMARK_CAPTURE(nmp_evaluations, detailed_from_scratch, "detailed");
BENCHMARK_CAPTURE(npu_evaluations, detailed_from_scratch, "detailed");

}  // namespace

BENCHMARK_MAIN();
