#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bondsim {

/// Indices begin .. end - 1 of a dimension, in elements.
struct Range {
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::int64_t size() const { return end - begin; }
};

/// A cut of K and N over channels. K is cut into one part a row; row r has rows[r] channels, over which N is cut. A row's part of K is in
/// proportion to its channels, so every channel holds the same share of the weights even when the rows are not equally long.
struct GridSplit {
  std::vector<int> rows;

  int t_k() const { return static_cast<int>(rows.size()); }
  int channels() const;
  bool even() const;         ///< a plain T_K x T_N grid
  std::string text() const;  ///< `2 x 3`, or `2 (4 + 3)` for uneven rows
  Range k_of(int channel, std::int64_t k, std::int64_t granule) const;
  Range n_of(int channel, std::int64_t n) const;

 private:
  struct Cell {
    int row = 0;
    int column = 0;
    int before = 0;  ///< channels of the rows before
  };
  Cell cell(int channel) const;
};

/// T_K rows of C channels, as equal as they can be; the longer rows first.
GridSplit grid_of(int channels, int t_k);

/// Part `index` of `parts` of [0, total), sizes differing by at most one granule, the larger ones first.
/// When total is not a multiple of `granule` or there are fewer granules than parts, the granule is 1.
Range even_part(std::int64_t total, int parts, int index, std::int64_t granule);

/// Divisor of `channels` nearest to `real`, the smaller of two equally near.
int nearest_divisor(int channels, double real);

/// The closed form of H2-LLM (ISCA'25): minimise M * (K / (T_K * B_s) + N / (T_N * B_l)) over T_K * T_N = C, whose real solution is
/// T_K = sqrt(C * K * B_l / (N * B_s)); rounded to the nearest divisor of C.
/// @param scatter_over_load B_s / B_l
GridSplit closed_form_split(std::int64_t k, std::int64_t n, int channels, double scatter_over_load);

/// The best of all cuts: T_K = 1 .. C, with uneven rows where T_K does not divide C. `fallback` wins ties, so the result is never worse.
struct SplitChoice {
  GridSplit split;
  double cost = 0;
  double fallback_cost = 0;
};
SplitChoice search_split(int channels, const GridSplit& fallback, const std::function<double(const GridSplit&)>& cost);

}  // namespace bondsim
