#include "models/schedule/vector_costs.hpp"

#include <cmath>
#include <utility>

namespace bondsim {
namespace {

/// Operations an element of a kind takes; 0 for none.
double operations_per_element(VectorKind kind, const VectorCosts& costs) {
  using Cost = double VectorCosts::*;
  static constexpr std::pair<VectorKind, Cost> list[] = {
      {VectorKind::softmax, &VectorCosts::softmax},     {VectorKind::norm, &VectorCosts::norm},
      {VectorKind::rotary, &VectorCosts::rotary},       {VectorKind::activation, &VectorCosts::activation},
      {VectorKind::residual, &VectorCosts::residual},   {VectorKind::reduce, &VectorCosts::reduce},
      {VectorKind::embedding, &VectorCosts::embedding}, {VectorKind::rescale, &VectorCosts::rescale}};
  for (const auto& [listed, cost] : list) {
    if (listed == kind) return costs.*cost;
  }
  check(kind == VectorKind::none, "vector work of kind {} has no cost", static_cast<int>(kind));
  return 0;
}

}  // namespace

std::int64_t vector_operations(const VectorWork& work, const VectorCosts& costs) {
  return static_cast<std::int64_t>(std::ceil(static_cast<double>(work.elements) * operations_per_element(work.kind, costs)));
}

}  // namespace bondsim
