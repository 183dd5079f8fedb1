#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "models/energy/model.hpp"
#include "models/system/system.hpp"

namespace bondsim {

/// Energy of a machine whose groups of channels may differ in energy table, DRAM part and PEs. Counts are kept apart by energy class: one
/// class for all groups without sections of their own and for the NPU (class 0), one for each other group.
class MachineEnergy {
 public:
  explicit MachineEnergy(const System& system, EnergyColumn column = EnergyColumn::maximum);

  static constexpr std::size_t npu_class = 0;
  std::size_t classes() const { return models_.size(); }
  std::size_t class_of(int channel) const { return class_of_channel_.at(static_cast<std::size_t>(channel)); }

  const EnergyModel& of(int channel) const { return models_[class_of(channel)]; }
  const EnergyModel& of_npu() const { return models_[npu_class]; }

  /// Sums over the classes. @param counts one entry a class
  EnergyByComponent energy(const std::vector<EnergyCounts>& counts) const;
  Attojoules estimated(const std::vector<EnergyCounts>& counts) const;
  /// Supply rails of all DRAM parts by name; parts with a rail of the same name share it.
  const std::vector<std::string>& rails() const { return rails_; }
  std::vector<Attojoules> by_rail(const std::vector<EnergyCounts>& counts) const;

 private:
  std::vector<EnergyModel> models_;
  std::vector<std::size_t> class_of_channel_;
  std::vector<std::string> rails_;
};

}  // namespace bondsim
