#include <benchmark/benchmark.h>

#include "mapping/cost/cost_model.hpp"

namespace {

using namespace bondsim;

/// Shapes that take every branch of the roofline: one GEMM, fewer and more GEMMs than channels, both sides of the ridge.
void nmp_evaluations(benchmark::State& state, const char* name) {
  const auto model = cost::make_cost_model(name);
  cost::NmpDevice device;
  device.channels = 6;
  device.fpus = 8;
  device.clock_mhz = 600;
  device.hb_bandwidth_gbps = 25.6;
  GemmShape shapes[] = {{1, 1, 4096, 4096}, {1, 16, 14336, 4096}, {4, 16, 1983, 256}, {128, 1, 128, 992}};
  std::size_t i = 0;
  for (auto _ : state) {
    GemmShape& shape = shapes[i++ & 3];
    benchmark::DoNotOptimize(shape);
    benchmark::DoNotOptimize(model->nmp_seconds(shape, 2, device));
  }
  state.SetItemsProcessed(state.iterations());
}

void npu_evaluations(benchmark::State& state, const char* name) {
  const auto model = cost::make_cost_model(name);
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

}  // namespace

BENCHMARK_MAIN();
