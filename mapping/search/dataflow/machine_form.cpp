#include "mapping/search/dataflow/machine_form.hpp"

#include <limits>

#include "mapping/cost/detailed/detailed.hpp"
#include "mapping/cost/detailed/operator_plan.hpp"

namespace bondsim::search {

MachineForm::MachineForm(const System& system) : system_(system) {
  // A copy is made for each number of channels: only what times depend on.
  system_.energy = {};
  system_.controller.address_map = {{}, {}};
}

const MachineForm::Part& MachineForm::part(bool nmp, int channels) const {
  const auto known = parts_.find({nmp, channels});
  if (known != parts_.end()) return known->second;
  System s = system_;
  s.set_channels(nmp ? channels : 0, nmp ? 0 : channels);
  return parts_.emplace(std::make_pair(nmp, channels), Part{s, cost::TaskTiming(s, cost::PieceWalk::runs)}).first->second;
}

double MachineForm::seconds(bool nmp, int channels, const GemmShape& gemm, const OperandBits& bits) const {
  const Key key{nmp,
                channels,
                gemm.count,
                gemm.m,
                gemm.n,
                gemm.k,
                bits.activation.key(),
                bits.stationary.key(),
                bits.output.key(),
                bits.accumulator.key()};
  const auto known = seconds_.find(key);
  if (known != seconds_.end()) return known->second;
  const Part& p = part(nmp, channels);
  double s = std::numeric_limits<double>::infinity();
  try {
    const cost::OperatorPlan plan = nmp ? cost::plan_on_nmp(p.system, gemm, bits) : cost::plan_on_npu(p.system, gemm, bits);
    s = p.timing.operator_ps(plan) * 1e-12;
  } catch (const InfeasibleError&) {
    // No binding of the search takes it then.
  }
  return seconds_.emplace(key, s).first->second;
}

double MachineForm::nmp_operand_seconds(const GemmShape& gemm, const OperandBits& bits, const cost::NmpDevice& device) const {
  return seconds(true, device.channels, gemm, bits);
}

double MachineForm::npu_operand_seconds(const GemmShape& gemm, const OperandBits& bits, const cost::NpuDevice& device) const {
  return seconds(false, device.channels, gemm, bits);
}

double MachineForm::nmp_seconds(const GemmShape& gemm, double element_bytes, const cost::NmpDevice& device) const {
  return nmp_operand_seconds(gemm, cost::bits_of_elements(element_bytes), device);
}

double MachineForm::npu_seconds(const GemmShape& gemm, double element_bytes, const cost::NpuDevice& device) const {
  return npu_operand_seconds(gemm, cost::bits_of_elements(element_bytes), device);
}

double MachineForm::block_seconds(const Block& block, const System& system, double start_s) const {
  return cost::TaskTiming(system).block_ps(block, start_s * 1e12) * 1e-12;
}

}  // namespace bondsim::search
