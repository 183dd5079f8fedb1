#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "mapping/tiling/dies.hpp"
#include "tests/support/mapping_setup.hpp"
#include "tests/support/paths.hpp"

namespace bondsim {
namespace {

DieSystem chip() { return decode_dies(load_yaml_file(testing::config_path("system/matrix-dies"))); }

struct Matrix {
  const char* name;
  std::int64_t k;
  std::int64_t n;
};

/// Weight matrices of the comparison; batch 16.
const std::vector<Matrix>& matrices() {
  static const std::vector<Matrix> list = {
      {"Llama-3.2-1B q", 2048, 2048},    {"Llama-3.2-1B gate", 2048, 8192}, {"Gemma-2-2B q", 2304, 2048},   {"Llama-3-8B q", 4096, 4096},
      {"Llama-3-8B gate", 4096, 14336},  {"Llama-3-8B k", 4096, 1024},      {"Qwen3-8B gate", 4096, 22016}, {"Llama-3-70B q", 8192, 8192},
      {"Llama-3-70B gate", 8192, 28672}, {"Llama-3-70B k", 8192, 1024}};
  return list;
}

std::string table_row(const DieSystem& d, const Matrix& matrix) {
  const SplitChoice c = search_split(d.dies, closed_form_split(matrix.k, matrix.n, d.dies, 1.0),
                                     [&](const GridSplit& s) { return pipelined_us(d, 16, matrix.k, matrix.n, s); });
  return fmt::format("| {} | {} x {} | {} | {:.2f} | {} | {:.2f} | {:.3f} |", matrix.name, matrix.k, matrix.n,
                     closed_form_split(matrix.k, matrix.n, d.dies, 1.0).text(), c.fallback_cost, c.split.text(), c.cost,
                     c.fallback_cost / c.cost);
}

TEST(MatrixDies, search_is_at_least_as_fast_as_the_closed_form_and_the_readme_has_the_table) {
  std::ifstream in(bondsim::tests::source_dir() + "/mapping/tiling/README.md");
  std::ostringstream readme;
  readme << in.rdbuf();
  for (const Matrix& matrix : matrices()) {
    const std::string row = table_row(chip(), matrix);
    EXPECT_NE(readme.str().find(row), std::string::npos) << "mapping/tiling/README.md should have\n" << row;
    const SplitChoice c = search_split(8, closed_form_split(matrix.k, matrix.n, 8, 1.0),
                                       [&](const GridSplit& s) { return pipelined_us(chip(), 16, matrix.k, matrix.n, s); });
    EXPECT_LE(c.cost, c.fallback_cost) << matrix.name;
  }
}

TEST(MatrixDies, one_tile_is_input_then_compute_then_output) {
  const DieSystem d = chip();
  const double in = 16.0 * 128 * 2 / 12.5e3;
  const double compute = std::max(16.0 * 128 * 128 / 4.8e6, 128.0 * 128 / 2 / 409.6e3);
  EXPECT_NEAR(pipelined_us(d, 16, 128, 128), in + compute + in, 1e-9);
}

TEST(MatrixDies, a_slow_link_hides_all_computation_but_the_last_input_tiles_and_a_fast_one_hides_the_transfers) {
  DieSystem d = chip();
  d.link_gbps = 0.001;
  const double transfers = 16.0 * (1024 + 1280) * 2 / 1.0;
  EXPECT_NEAR(pipelined_us(d, 16, 1024, 1280) / transfers, 1.0, 1e-4);
  d.link_gbps = 1e9;
  EXPECT_NEAR(pipelined_us(d, 16, 1024, 1280), 16.0 * 1024 * 1280 / 4.8e6, 1e-3);
}

TEST(MatrixDies, never_faster_than_the_link_or_the_array_alone) {
  const DieSystem d = chip();
  for (const Matrix& m : matrices()) {
    for (int t_k = 1; t_k <= 8; ++t_k) {
      const double us = pipelined_us(d, 16, m.k, m.n, grid_of(8, t_k));
      EXPECT_GE(us, 16.0 * static_cast<double>(m.k * m.n) / 8 / 4.8e6);
      EXPECT_GE(us, 16.0 * 2 * static_cast<double>(m.k / t_k + m.n * t_k / 8) / 12.5e3 * 0.8);
    }
  }
}

}  // namespace
}  // namespace bondsim
