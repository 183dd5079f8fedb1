#include "models/system/machine_energy.hpp"

#include <algorithm>

#include "models/system/energy_counts.hpp"

namespace bondsim {

MachineEnergy::MachineEnergy(const System& system, EnergyColumn column) {
  models_.push_back(energy_model(system, column));
  int first = 0;
  for (const ChannelGroup& group : system.channels) {
    std::size_t energy_class = npu_class;
    if (group.dram || group.nmp || group.energy) {
      energy_class = models_.size();
      models_.emplace_back(system.energy_of(first), energy_context(system, first, column));
    }
    class_of_channel_.insert(class_of_channel_.end(), static_cast<std::size_t>(group.count), energy_class);
    first += group.count;
  }
  for (const EnergyModel& model : models_) {
    for (const std::string& rail : model.rails()) {
      if (std::find(rails_.begin(), rails_.end(), rail) == rails_.end()) rails_.push_back(rail);
    }
  }
}

EnergyByComponent MachineEnergy::energy(const std::vector<EnergyCounts>& counts) const {
  EnergyByComponent sum{};
  for (std::size_t k = 0; k < models_.size(); ++k) {
    const EnergyByComponent part = models_[k].energy(counts[k]);
    for (std::size_t c = 0; c < sum.size(); ++c) sum[c] += part[c];
  }
  return sum;
}

Attojoules MachineEnergy::estimated(const std::vector<EnergyCounts>& counts) const {
  Attojoules sum;
  for (std::size_t k = 0; k < models_.size(); ++k) sum += models_[k].estimated(counts[k]);
  return sum;
}

std::vector<Attojoules> MachineEnergy::by_rail(const std::vector<EnergyCounts>& counts) const {
  std::vector<Attojoules> sums(rails_.size());
  for (std::size_t k = 0; k < models_.size(); ++k) {
    const std::vector<Attojoules> part = models_[k].by_rail(counts[k]);
    for (std::size_t i = 0; i < part.size(); ++i) {
      const auto rail = std::find(rails_.begin(), rails_.end(), models_[k].rails()[i]);
      sums[static_cast<std::size_t>(rail - rails_.begin())] += part[i];
    }
  }
  return sums;
}

}  // namespace bondsim
