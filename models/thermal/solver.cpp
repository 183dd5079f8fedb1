#include "models/thermal/solver.hpp"

#include <Eigen/SparseCholesky>
#include <Eigen/SparseCore>

#include "models/base/error.hpp"

namespace bondsim {

using Sparse = Eigen::SparseMatrix<double>;
using Vector = Eigen::VectorXd;

struct ThermalSolver::Matrices {
  Sparse conductance;  ///< G, the ways to the ambient on its diagonal
  Vector capacity;     ///< C
  Vector to_ambient;   ///< W/K
  Eigen::SimplicialLDLT<Sparse> steady, transient;
  double dt_s = 0;
};

namespace {

/// Conductance of two halves in series, each `length` long with this conductivity and cross section.
double in_series(double length_a, double k_a, double length_b, double k_b, double area) {
  return area / (length_a / (2 * k_a) + length_b / (2 * k_b));
}

/// Fills conductances and capacities of a grid, cell by cell.
class Assembly {
 public:
  explicit Assembly(const ThermalGrid& grid)
      : grid_(grid),
        dx_(grid.width_m / grid.columns),
        dy_(grid.height_m / grid.rows),
        capacity_(Vector::Zero(static_cast<Eigen::Index>(grid.nodes()))),
        to_ambient_(Vector::Zero(static_cast<Eigen::Index>(grid.nodes()))) {
    for (int layer = 0; layer < layers(); ++layer) {
      for (int row = 0; row < grid.rows; ++row) {
        for (int column = 0; column < grid.columns; ++column) add_cell(layer, row, column);
      }
    }
  }

  Sparse conductance() const {
    auto entries = entries_;
    for (Eigen::Index node = 0; node < to_ambient_.size(); ++node) entries.emplace_back(node, node, to_ambient_[node]);
    Sparse matrix(to_ambient_.size(), to_ambient_.size());
    matrix.setFromTriplets(entries.begin(), entries.end());
    return matrix;
  }
  const Vector& capacity() const { return capacity_; }
  const Vector& to_ambient() const { return to_ambient_; }

 private:
  int layers() const { return static_cast<int>(grid_.layers.size()); }
  const GridLayer& layer_at(int layer) const { return grid_.layers[static_cast<std::size_t>(layer)]; }
  std::size_t cell(int row, int column) const {
    return static_cast<std::size_t>(row) * static_cast<std::size_t>(grid_.columns) + static_cast<std::size_t>(column);
  }
  Eigen::Index node(int layer, int row, int column) const {
    return static_cast<Eigen::Index>(static_cast<std::size_t>(layer) * grid_.cells() + cell(row, column));
  }
  double k(int layer, int row, int column) const { return layer_at(layer).conductivity_w_per_m_k[cell(row, column)]; }

  void connect(Eigen::Index a, Eigen::Index b, double conductance) {
    entries_.emplace_back(a, a, conductance);
    entries_.emplace_back(b, b, conductance);
    entries_.emplace_back(a, b, -conductance);
    entries_.emplace_back(b, a, -conductance);
  }

  void add_cell(int layer, int row, int column) {
    const GridLayer& here = layer_at(layer);
    const double t = here.thickness_m, own = k(layer, row, column);
    const Eigen::Index at = node(layer, row, column);
    check(t > 0 && own > 0 && here.capacity_j_per_m3_k[cell(row, column)] > 0, "layer {} of a grid has a value that is not above 0", layer);
    capacity_[at] += here.capacity_j_per_m3_k[cell(row, column)] * t * dx_ * dy_;
    if (column + 1 < grid_.columns) {
      connect(at, node(layer, row, column + 1), in_series(dx_, own, dx_, k(layer, row, column + 1), t * dy_));
    }
    if (row + 1 < grid_.rows) connect(at, node(layer, row + 1, column), in_series(dy_, own, dy_, k(layer, row + 1, column), t * dx_));
    if (layer + 1 < layers()) {
      connect(at, node(layer + 1, row, column), in_series(t, own, layer_at(layer + 1).thickness_m, k(layer + 1, row, column), dx_ * dy_));
    } else {
      capacity_[at] += grid_.top_capacity_j_per_k / static_cast<double>(grid_.cells());
      add_surface(at, grid_.top_w_per_m2_k, t, own);
    }
    if (layer == 0) add_surface(at, grid_.bottom_w_per_m2_k, t, own);
  }

  void add_surface(Eigen::Index at, double w_per_m2_k, double thickness, double conductivity) {
    if (w_per_m2_k > 0) to_ambient_[at] += dx_ * dy_ / (1 / w_per_m2_k + thickness / (2 * conductivity));
  }

  const ThermalGrid& grid_;
  double dx_, dy_;
  std::vector<Eigen::Triplet<double>> entries_;
  Vector capacity_, to_ambient_;
};

Eigen::Map<const Vector> mapped(const std::vector<double>& values) { return {values.data(), static_cast<Eigen::Index>(values.size())}; }

std::vector<double> copied(const Vector& values) { return {values.data(), values.data() + values.size()}; }

}  // namespace

ThermalSolver::ThermalSolver(const ThermalGrid& grid) : matrices_(std::make_unique<Matrices>()) {
  check(grid.top_w_per_m2_k > 0 || grid.bottom_w_per_m2_k > 0, "a grid whose heat goes nowhere");
  const Assembly assembly(grid);
  matrices_->conductance = assembly.conductance();
  matrices_->capacity = assembly.capacity();
  matrices_->to_ambient = assembly.to_ambient();
  matrices_->steady.compute(matrices_->conductance);
  check(matrices_->steady.info() == Eigen::Success, "conductances of {} nodes cannot be factorised", grid.nodes());
}
ThermalSolver::~ThermalSolver() = default;
ThermalSolver::ThermalSolver(ThermalSolver&&) noexcept = default;

std::size_t ThermalSolver::nodes() const { return static_cast<std::size_t>(matrices_->capacity.size()); }

std::vector<double> ThermalSolver::steady(const std::vector<double>& power_w) const {
  check(power_w.size() == nodes(), "power of {} nodes, not {}", power_w.size(), nodes());
  return copied(matrices_->steady.solve(mapped(power_w)));
}

void ThermalSolver::set_step(double dt_s) {
  check(dt_s > 0, "a step of {} s", dt_s);
  matrices_->dt_s = dt_s;
  Sparse system = matrices_->conductance;
  system.diagonal() += matrices_->capacity / dt_s;
  matrices_->transient.compute(system);
  check(matrices_->transient.info() == Eigen::Success, "a step of {} s cannot be factorised", dt_s);
}

std::vector<double> ThermalSolver::step(const std::vector<double>& rise_k, const std::vector<double>& power_w) const {
  check(matrices_->dt_s > 0, "set_step() comes first");
  check(power_w.size() == nodes() && rise_k.size() == nodes(), "a step of other nodes");
  const Vector right = matrices_->capacity.cwiseProduct(mapped(rise_k)) / matrices_->dt_s + mapped(power_w);
  return copied(matrices_->transient.solve(right));
}

double ThermalSolver::outflow_w(const std::vector<double>& rise_k) const { return matrices_->to_ambient.dot(mapped(rise_k)); }
double ThermalSolver::stored_j(const std::vector<double>& rise_k) const { return matrices_->capacity.dot(mapped(rise_k)); }

}  // namespace bondsim
