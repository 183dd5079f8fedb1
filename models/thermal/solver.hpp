#pragma once
#include <cstddef>
#include <memory>
#include <vector>

namespace bondsim {

/// One layer of cells, all of one thickness. Values by cell: [rows, columns] row-major, row 0 at y = 0.
struct GridLayer {
  double thickness_m = 0;
  std::vector<double> conductivity_w_per_m_k;
  std::vector<double> capacity_j_per_m3_k;
};

/// A box of equal cells. Its sides let no heat through; top and bottom pass it to the ambient through a heat transfer coefficient, 0: none.
struct ThermalGrid {
  int columns = 0, rows = 0;
  double width_m = 0, height_m = 0;
  std::vector<GridLayer> layers;  ///< the bottom first
  double top_w_per_m2_k = 0;
  double bottom_w_per_m2_k = 0;
  double top_capacity_j_per_k = 0;  ///< of what hangs on the top layer: fins, chassis

  std::size_t cells() const { return static_cast<std::size_t>(columns) * static_cast<std::size_t>(rows); }
  std::size_t nodes() const { return cells() * layers.size(); }
};

/// Compact RC model of a grid: a node in the middle of each cell, C dT/dt = P - G T, T the rise over the ambient. Neighbours conduct
/// through half of each cell in series (the grid model of HotSpot and 3D-ICE). Node of (layer, row, column): (layer x rows + row) x columns
/// + column. Solved directly by Eigen's SimplicialLDLT: G is symmetric and, with a way to the ambient, positive definite.
class ThermalSolver {
 public:
  /// @throws InternalError for a grid without a way to the ambient, or with values that are not above 0
  explicit ThermalSolver(const ThermalGrid& grid);
  ~ThermalSolver();
  ThermalSolver(ThermalSolver&&) noexcept;

  std::size_t nodes() const;
  /// Rise in K by node that power, W by node, holds for ever.
  std::vector<double> steady(const std::vector<double>& power_w) const;

  /// Factorises the implicit Euler method, (C / dt + G) T' = C / dt T + P, once for many steps. @param dt_s above 0
  void set_step(double dt_s);
  /// Rise one step later, the power constant meanwhile.
  std::vector<double> step(const std::vector<double>& rise_k, const std::vector<double>& power_w) const;

  /// W that go to the ambient; J stored over the ambient's temperature.
  double outflow_w(const std::vector<double>& rise_k) const;
  double stored_j(const std::vector<double>& rise_k) const;

 private:
  struct Matrices;
  std::unique_ptr<Matrices> matrices_;
};

}  // namespace bondsim
