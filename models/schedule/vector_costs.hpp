#pragma once
#include <cstdint>

#include "models/base/fields.hpp"
#include "models/schedule/schedule.hpp"

namespace bondsim {

/// Vector operations one element of each kind of work takes on a lane of a vector unit, the NPU's or a channel's.
struct VectorCosts {
  double softmax = 6;
  double norm = 4;
  double rotary = 3;
  double activation = 6;
  double residual = 1;
  double reduce = 1;
  double embedding = 1;
  double rescale = 1;
  double conversion = 2;
};
template <class Visitor>
void fields(Visitor& v, VectorCosts& c) {
  v.field("softmax", c.softmax, defaulted("softmax: maximum, subtract, exponential (3), sum, scale").range(0, 1000).in("op/element"));
  v.field("norm", c.norm, defaulted("RMSNorm or LayerNorm: square, sum, scale, weight").range(0, 1000).in("op/element"));
  v.field("rotary", c.rotary, defaulted("rotary embedding: two products and a sum").range(0, 1000).in("op/element"));
  v.field("activation", c.activation, defaulted("SiLU, GELU or ReLU, and the gate's product").range(0, 1000).in("op/element"));
  v.field("residual", c.residual, defaulted("residual sum").range(0, 1000).in("op/element"));
  v.field("reduce", c.reduce, defaulted("sum of partial results from channels").range(0, 1000).in("op/element"));
  v.field("embedding", c.embedding, defaulted("look-up of the token embedding").range(0, 1000).in("op/element"));
  v.field("rescale", c.rescale,
          defaulted("sums of values times the factor by which a running softmax's maximum has changed").range(0, 1000).in("op/element"));
  v.field("conversion", c.conversion,
          defaulted("a weight made the activations' number: subtract the zero point, times the scale").range(0, 1000).in("op/element"));
}

/// Operations of a piece of vector work, rounded up; 0 when the kind costs nothing.
std::int64_t vector_operations(const VectorWork& work, const VectorCosts& costs);

}  // namespace bondsim
