#include "mapping/search/device/machine_bound.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/search/dataflow/problem.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim::search {
namespace {

System without_refresh(System s) {
  s.fidelity.refresh = false;
  return s;
}

TEST(MachineBound, without_pes_is_every_byte_once_over_all_buses) {
  System system = without_refresh(testing::h2llm_system(0, 8));
  const Workload w = testing::lengths(2, 100, 11);
  // Weights of 32 layers and the head, K and V of two requests at a context of 106, the middle of 101 to 111; 8 buses of 12.8 GB/s.
  const double weights = 2.0 * 4096 * (32 * (2 * 4096 + 2 * 1024 + 3 * 14336) + 128256);
  const double caches = 2.0 * 32 * 2 * 1024 * 106 * 2;
  const MachineBound bound = machine_bound(system, testing::model("llama-3-8b"), w);
  EXPECT_NEAR(bound.decode_s, 11 * (weights + caches) / (8 * 12.8e9), 1e-9);
  // 200 rows of prompt on 131 TMAC/s take less than the weights do.
  EXPECT_NEAR(bound.prefill_s, weights / (8 * 12.8e9), 1e-9);
  system.fidelity.refresh = true;
  EXPECT_GT(machine_bound(system, testing::model("llama-3-8b"), w).decode_s, bound.decode_s * 1.03);
}

/// With PEs: by linear programming's dual. Channels of price a / nmp and (1 - a) / normal for any a in [0, 1] give a bound, each operator
/// on the cheaper kind; the largest of them is the least time of the fractional assignment.
TEST(MachineBound, with_pes_is_the_best_fractional_assignment) {
  for (const auto& [nmp, batch] : {std::pair{6, 1}, std::pair{2, 4}, std::pair{4, 64}, std::pair{7, 16}}) {
    const System system = without_refresh(testing::h2llm_system(nmp, 8 - nmp));
    const Workload w = testing::lengths(batch, 300, 21);
    const Model model = testing::model("llama-3-8b");
    std::vector<std::pair<double, double>> operands;  // seconds of one channel: PEs or bus, whichever is faster there; bus
    for (const SearchProblem& problem : {graph_problem(model, w, DecodeContext::mean), head_problem(model, w)}) {
      for (const SearchOperator& op : problem.operators) {
        const double layers = op.name == "lm_head" ? 1 : model.layers;
        const double bytes = layers * 2 * static_cast<double>(op.decode.count * op.decode.n * op.decode.k);
        const double row_s = bytes / (16 * 16.4e9);  // a bank of rows of 2 KB under LPDDR5 timing
        const double mac_s = layers * static_cast<double>(op.decode.macs()) / (16 * 8 * 16 * 600e6);
        const double bus_s = bytes / 12.8e9;
        operands.emplace_back(std::min(std::max(row_s, mac_s), bus_s), bus_s);
      }
    }
    double best = 0;
    for (int i = 0; i <= 20000; ++i) {
      const double a = i / 20000.0;
      double sum = 0;
      for (const auto& [on_nmp, on_bus] : operands) sum += std::min(a * on_nmp / nmp, (1 - a) * on_bus / (8 - nmp));
      best = std::max(best, sum);
    }
    EXPECT_NEAR(machine_bound(system, model, w).decode_s / 21 / best, 1, 0.01) << nmp << " NMP channels, batch " << batch;
  }
}

}  // namespace
}  // namespace bondsim::search
