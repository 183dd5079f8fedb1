#pragma once
#include "mapping/search/operator_table.hpp"

namespace bondsim::search {

/// Seconds no dataflow that fits the memory can beat. Operators are taken one by one, from two facts that hold however they are grouped:
/// the NPU parts of a layer never overlap, and an operator on c of C NMP channels keeps c/C of them busy. So for any a in [0, 1] the decode
/// step is at least the sum of a * nmp_s * c / C + (1 - a) * npu_s; the bytes of the normal channels join by a Lagrange multiplier.
double memory_lower_bound_s(const OperatorTable& table);

}  // namespace bondsim::search
