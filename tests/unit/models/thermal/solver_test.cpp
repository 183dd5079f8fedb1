#include "models/thermal/solver.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

/// The grid against cases that have a closed form, and against what must hold for any.
namespace bondsim {
namespace {

GridLayer uniform(const ThermalGrid& grid, double thickness_m, double k, double c) {
  return {thickness_m, std::vector<double>(grid.cells(), k), std::vector<double>(grid.cells(), c)};
}

ThermalGrid plate(int columns, int rows) {
  ThermalGrid grid;
  grid.columns = columns;
  grid.rows = rows;
  grid.width_m = 0.02;
  grid.height_m = 0.01;
  grid.top_w_per_m2_k = 5000;
  return grid;
}

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

/// Five layers of different materials, every cell its own conductivity, heat going both ways.
ThermalGrid patchwork(unsigned seed) {
  ThermalGrid grid = plate(7, 5);
  grid.bottom_w_per_m2_k = 300;
  grid.top_capacity_j_per_k = 3;
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> k(0.5, 400), c(1e6, 4e6), t(1e-5, 2e-3);
  for (int i = 0; i < 5; ++i) {
    GridLayer layer = uniform(grid, t(random), 1, 1);
    for (double& value : layer.conductivity_w_per_m_k) value = k(random);
    for (double& value : layer.capacity_j_per_m3_k) value = c(random);
    grid.layers.push_back(layer);
  }
  return grid;
}

std::vector<double> random_power(const ThermalGrid& grid, unsigned seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> watts(0, 0.1);
  std::vector<double> power(grid.nodes());
  for (double& p : power) p = watts(random);
  return power;
}

/// Heat of the bottom layer flows straight up: each layer adds q t / k, the surface q / h; half of the first layer carries it.
TEST(ThermalSolver, heat_through_several_layers_is_the_closed_form_of_one_dimension) {
  ThermalGrid grid = plate(4, 3);
  const double thickness[] = {5e-5, 5e-6, 5e-5, 1e-3}, k[] = {130, 3, 130, 400};
  for (int i = 0; i < 4; ++i) grid.layers.push_back(uniform(grid, thickness[i], k[i], 2e6));
  const double watts = 20, q = watts / (grid.width_m * grid.height_m);
  std::vector<double> power(grid.nodes());
  for (std::size_t i = 0; i < grid.cells(); ++i) power[i] = watts / static_cast<double>(grid.cells());
  const std::vector<double> rise = ThermalSolver(grid).steady(power);
  double above = q / grid.top_w_per_m2_k;
  for (int layer = 3; layer >= 0; --layer) {
    const double middle = above + q * thickness[layer] / (2 * k[layer]);
    for (std::size_t i = 0; i < grid.cells(); ++i) {
      EXPECT_NEAR(rise[static_cast<std::size_t>(layer) * grid.cells() + i], middle, 1e-9 * middle) << layer;
    }
    above += q * thickness[layer] / k[layer];
  }
}

/// Heat made evenly in a thick layer, of which one side is cold: a parabola. Slices of it come within 1 %.
TEST(ThermalSolver, slices_of_a_layer_that_heats_itself_follow_the_parabola) {
  ThermalGrid grid = plate(1, 1);
  const int slices = 16;
  const double thickness = 2e-3, k = 10, watts = 3;
  for (int i = 0; i < slices; ++i) grid.layers.push_back(uniform(grid, thickness / slices, k, 2e6));
  const std::vector<double> rise = ThermalSolver(grid).steady(std::vector<double>(grid.nodes(), watts / slices));
  const double q = watts / (grid.width_m * grid.height_m);
  for (int i = 0; i < slices; ++i) {
    const double z = (i + 0.5) / slices;  // of the thickness, from the warm side
    const double exact = q / grid.top_w_per_m2_k + q * thickness / (2 * k) * (1 - z * z);
    EXPECT_NEAR(rise[static_cast<std::size_t>(i)], exact, 0.01 * exact) << i;
  }
}

/// One cell is a resistor and a capacitor: P R (1 - exp(-t / RC)).
TEST(ThermalSolver, a_lumped_stack_answers_a_step_exponentially) {
  ThermalGrid grid = plate(1, 1);
  grid.layers.push_back(uniform(grid, 1e-3, 400, 3.55e6));
  grid.top_capacity_j_per_k = 10;
  const double area = grid.width_m * grid.height_m, watts = 7;
  const double resistance = (1 / grid.top_w_per_m2_k + 0.5e-3 / 400) / area, capacity = 3.55e6 * area * 1e-3 + 10;
  const double tau = resistance * capacity;
  ThermalSolver solver(grid);
  solver.set_step(tau / 1000);
  std::vector<double> rise(1);
  for (int i = 1; i <= 4000; ++i) {
    rise = solver.step(rise, {watts});
    const double exact = watts * resistance * (1 - std::exp(-i / 1000.0));
    if (i >= 20) {
      ASSERT_NEAR(rise[0], exact, 0.01 * exact) << i;
    }
  }
}

TEST(ThermalSolver, a_mirrored_floorplan_has_a_mirrored_map) {
  ThermalGrid grid = plate(8, 6);
  for (const double k : {130.0, 3.0, 400.0}) grid.layers.push_back(uniform(grid, 1e-4, k, 2e6));
  std::vector<double> power(grid.nodes()), mirrored(grid.nodes());
  const std::vector<double> any = random_power(grid, 3);
  for (std::size_t node = 0; node < grid.nodes(); ++node) {
    power[node] = any[node];
    mirrored[node / 8 * 8 + 7 - node % 8] = any[node];
  }
  const ThermalSolver solver(grid);
  const std::vector<double> a = solver.steady(power), b = solver.steady(mirrored);
  for (std::size_t node = 0; node < grid.nodes(); ++node) EXPECT_NEAR(a[node], b[node / 8 * 8 + 7 - node % 8], 1e-9 * a[node]);
}

TEST(ThermalSolver, sources_superpose) {
  const ThermalGrid grid = patchwork(1);
  const ThermalSolver solver(grid);
  const std::vector<double> p = random_power(grid, 4), q = random_power(grid, 5);
  std::vector<double> both(grid.nodes());
  for (std::size_t i = 0; i < both.size(); ++i) both[i] = 2 * p[i] + 3 * q[i];
  const std::vector<double> a = solver.steady(p), b = solver.steady(q), c = solver.steady(both);
  for (std::size_t i = 0; i < both.size(); ++i) EXPECT_NEAR(c[i], 2 * a[i] + 3 * b[i], 1e-9 * c[i]);
}

/// Node a heated raises node b as node b heated raises node a.
TEST(ThermalSolver, conduction_is_reciprocal) {
  const ThermalGrid grid = patchwork(2);
  const ThermalSolver solver(grid);
  std::vector<double> at_a(grid.nodes()), at_b(grid.nodes());
  const std::size_t a = 3, b = grid.nodes() - 8;
  at_a[a] = at_b[b] = 1;
  EXPECT_NEAR(solver.steady(at_a)[b], solver.steady(at_b)[a], 1e-9);
}

TEST(ThermalSolver, heat_in_is_heat_out_and_heat_stored) {
  for (unsigned seed = 1; seed <= 5; ++seed) {
    const ThermalGrid grid = patchwork(seed);
    ThermalSolver solver(grid);
    const std::vector<double> power = random_power(grid, seed + 10);
    EXPECT_NEAR(solver.outflow_w(solver.steady(power)), sum(power), 1e-9 * sum(power)) << "seed " << seed;
    const double dt = 0.02;
    solver.set_step(dt);
    std::vector<double> rise(grid.nodes());
    double in = 0, out = 0;
    for (int i = 0; i < 50; ++i) {
      rise = solver.step(rise, power);
      in += sum(power) * dt;
      out += solver.outflow_w(rise) * dt;
    }
    EXPECT_GT(solver.stored_j(rise), 0.1 * in);
    EXPECT_NEAR(in, out + solver.stored_j(rise), 1e-9 * in) << "seed " << seed;
  }
}

TEST(ThermalSolver, a_long_transient_ends_in_the_steady_state) {
  const ThermalGrid grid = patchwork(6);
  ThermalSolver solver(grid);
  const std::vector<double> power = random_power(grid, 7);
  const std::vector<double> steady = solver.steady(power);
  solver.set_step(50);
  std::vector<double> rise(grid.nodes());
  for (int i = 0; i < 100; ++i) rise = solver.step(rise, power);
  for (std::size_t i = 0; i < rise.size(); ++i) EXPECT_NEAR(rise[i], steady[i], 1e-6 * steady[i]);
}

/// A thin plate whose left half is heated, cooled all over: a fin. The mean rise of the heated half over its closed form.
/// @param n cells along the fin
double fin_error(int n) {
  ThermalGrid grid = plate(n, 2);
  const double thickness = 1e-4, k = 130, watts = 10, half = grid.width_m / 2;
  grid.layers.push_back(uniform(grid, thickness, k, 1.6e6));
  std::vector<double> power(grid.nodes());
  for (std::size_t i = 0; i < power.size(); ++i) {
    if (static_cast<int>(i) % n < n / 2) power[i] = watts / n;
  }
  const std::vector<double> rise = ThermalSolver(grid).steady(power);
  double mean = 0;
  for (std::size_t i = 0; i < power.size(); ++i) mean += rise[i] * power[i] / watts;
  const double h = 1 / (1 / grid.top_w_per_m2_k + thickness / (2 * k)), m = std::sqrt(h / (k * thickness));
  const double exact = watts / (half * grid.height_m) / h * (1 - std::tanh(m * half) / (2 * m * half));
  return (mean - exact) / exact;
}

TEST(ThermalSolver, a_finer_grid_converges_to_the_fin_in_second_order) {
  const double e16 = fin_error(16), e64 = fin_error(64), e128 = fin_error(128), e256 = fin_error(256);
  EXPECT_LT(std::abs(e16), 0.01);
  EXPECT_NEAR(std::log2(e64 / e128), 2, 0.1);
  EXPECT_NEAR(std::log2(e128 / e256), 2, 0.05);
}

/// Implicit Euler: half the step, half the error.
TEST(ThermalSolver, a_shorter_step_converges_in_first_order) {
  ThermalGrid grid = plate(1, 1);
  grid.layers.push_back(uniform(grid, 1e-3, 400, 3.55e6));
  const double area = grid.width_m * grid.height_m;
  const double resistance = (1 / grid.top_w_per_m2_k + 0.5e-3 / 400) / area, tau = resistance * 3.55e6 * area * 1e-3;
  const auto error = [&](int steps) {
    ThermalSolver solver(grid);
    solver.set_step(tau / steps);
    std::vector<double> rise(1);
    for (int i = 0; i < steps; ++i) rise = solver.step(rise, {1.0});
    return resistance * (1 - std::exp(-1.0)) - rise[0];
  };
  EXPECT_NEAR(std::log2(error(50) / error(100)), 1, 0.05);
}

}  // namespace
}  // namespace bondsim
