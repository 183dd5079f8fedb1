#pragma once
#include <cstdint>
#include <vector>

namespace bondsim {

/// A cut of K and N over channels: channel (i, j), i < t_k, j < t_n, gets part i of K and part j of N.
struct GridSplit {
  int t_k = 1;
  int t_n = 1;
  int channels() const { return t_k * t_n; }
};

struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t size() const { return end - begin; }
};

/// Part `index` of `parts` of [0, total), sizes differing by at most one granule, the larger ones first.
/// When total is not a multiple of `granule` or there are fewer granules than parts, the granule is 1.
Range even_part(std::int64_t total, int parts, int index, std::int64_t granule);

/// Divisor of `channels` nearest to `real`, the smaller of two equally near.
int nearest_divisor(int channels, double real);

/// The closed form of H2-LLM (ISCA'25): minimise M * (K / (T_K * B_s) + N / (T_N * B_l)) over T_K * T_N = C, whose real solution is
/// T_K = sqrt(C * K * B_l / (N * B_s)); rounded to the nearest divisor of C.
/// @param scatter_over_load B_s / B_l
GridSplit closed_form_split(std::int64_t k, std::int64_t n, int channels, double scatter_over_load);

}  // namespace bondsim
