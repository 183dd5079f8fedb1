#include "mapping/cost/detailed/detailed.hpp"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

namespace bondsim::cost {

OperandBits bits_of_elements(double element_bytes) {
  const int bits = static_cast<int>(std::lround(element_bytes * 8));
  if (bits < 1 || std::abs(element_bytes * 8 - bits) > 1e-9) {
    throw ConfigError(fmt::format("elements of {} bytes, allowed: whole bits", element_bytes));
  }
  return {bits, bits, bits, std::max(32, bits)};
}

System system_of_device(const System& system, const NmpDevice& device) {
  System s = system;
  s.set_channels(device.channels, 0);
  s.nmp.pe.fpus = device.fpus;
  s.nmp.pe.macs_per_fpu = device.macs_per_fpu;
  s.nmp.pe.clock_mhz = static_cast<int>(std::lround(device.clock_mhz));
  const double width = system.nmp.hb.access_bytes * device.hb_bandwidth_gbps / system.nmp.hb.bandwidth_gbps;
  const std::int64_t page = system.dram.organization.page_bytes();
  s.nmp.hb.access_bytes = static_cast<int>(std::lround(width));
  s.nmp.hb.bandwidth_gbps = device.hb_bandwidth_gbps;
  if (s.nmp.hb.access_bytes < 1 || std::abs(width - s.nmp.hb.access_bytes) > 1e-9 || page % s.nmp.hb.access_bytes != 0) {
    s.nmp.hb.access_bytes = system.nmp.hb.access_bytes;
  }
  if (device.pes_per_channel != s.dram.organization.banks()) {
    throw ConfigError(fmt::format("{} PEs a channel, allowed: one a bank, {}", device.pes_per_channel, s.dram.organization.banks()));
  }
  return s;
}

System system_of_device(const System& system, const NpuDevice& device) {
  System s = system;
  s.set_channels(0, device.channels);
  const double array = system.npu.peak_macs() / system.npu.arrays;
  s.npu.arrays = std::max(1, static_cast<int>(std::lround(device.peak_tmacs * 1e12 / array)));
  return s;
}

std::string switches_not_followed(const System& system) {
  const FidelityConfig& f = system.fidelity;
  std::vector<std::string> keys;
  const auto note = [&](bool on, const char* key) {
    if (!on) keys.emplace_back(key);
  };
  note(f.row_timing, "row_timing");
  note(f.mode_switch, "mode_switch");
  note(f.bus_contention, "bus_contention");
  note(f.overlap, "overlap");
  if (keys.empty()) return "";
  return fmt::format("system.fidelity: {} off in this system, which cycles alone follow; detailed takes them as on\n",
                     fmt::join(keys, ", "));
}

namespace {

auto values_of(const NmpDevice& d) {
  return std::make_tuple(d.channels, d.pes_per_channel, d.fpus, d.macs_per_fpu, d.clock_mhz, d.hb_bandwidth_gbps);
}
auto values_of(const NpuDevice& d) { return std::make_tuple(d.channels, d.peak_tmacs); }

}  // namespace

template <class Device>
class Detailed::Latest {
 public:
  struct Made {
    explicit Made(System s) : system(std::move(s)), timing(system) {}
    System system;
    TaskTiming timing;
  };

  explicit Latest(const System& base) : base_(base) {}

  std::shared_ptr<const Made> of(const Device& device) {
    const auto values = values_of(device);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (made_ && values == values_) return made_;
    }
    auto made = std::make_shared<const Made>(system_of_device(base_, device));
    const std::lock_guard<std::mutex> lock(mutex_);
    values_ = values;
    made_ = made;
    return made;
  }

 private:
  const System& base_;
  std::mutex mutex_;
  decltype(values_of(Device{})) values_;
  std::shared_ptr<const Made> made_;
};

Detailed::Detailed(const System& system)
    : system_(system), nmp_(std::make_unique<Latest<NmpDevice>>(system_)), npu_(std::make_unique<Latest<NpuDevice>>(system_)) {
  require_uniform(system, "the closed form 'detailed'");
  // A copy is made for each device: only what times depend on.
  system_.name.clear();
  system_.dram.name.clear();
  system_.energy = {};
  system_.controller.address_map = {{}, {}};
  system_.channels.clear();
}

Detailed::~Detailed() = default;

double Detailed::nmp_seconds(const GemmShape& gemm, double element_bytes, const NmpDevice& device) const {
  return nmp_operand_seconds(gemm, bits_of_elements(element_bytes), device);
}

double Detailed::npu_seconds(const GemmShape& gemm, double element_bytes, const NpuDevice& device) const {
  return npu_operand_seconds(gemm, bits_of_elements(element_bytes), device);
}

double Detailed::nmp_operand_seconds(const GemmShape& gemm, const OperandBits& bits, const NmpDevice& device) const {
  const auto made = nmp_->of(device);
  return made->timing.operator_ps(plan_on_nmp(made->system, gemm, bits)) * 1e-12;
}

double Detailed::npu_operand_seconds(const GemmShape& gemm, const OperandBits& bits, const NpuDevice& device) const {
  const auto made = npu_->of(device);
  return made->timing.operator_ps(plan_on_npu(made->system, gemm, bits)) * 1e-12;
}

double Detailed::block_seconds(const Block& block, const System& system, double start_s) const {
  return TaskTiming(system).block_ps(block, start_s * 1e12) * 1e-12;
}

// ---- One device, many operators -----------------------------------------------------------------------------------------------------

namespace {

std::int64_t key_bits(double element_bytes) { return std::llround(element_bytes * 1024); }

}  // namespace

DetailedOnDevice::DetailedOnDevice(const System& base, const NmpDevice& device)
    : on_nmp_(true), system_(system_of_device(base, device)), timing_(system_, PieceWalk::runs) {}

DetailedOnDevice::DetailedOnDevice(const System& base, const NpuDevice& device)
    : on_nmp_(false), system_(system_of_device(base, device)), timing_(system_, PieceWalk::runs) {}

DetailedOnDevice::Known& DetailedOnDevice::known(const GemmShape& gemm, double element_bytes) {
  const Key key{gemm.count, gemm.m, gemm.n, gemm.k, key_bits(element_bytes)};
  const auto found = known_.find(key);
  if (found != known_.end()) return found->second;
  const OperandBits bits = bits_of_elements(element_bytes);
  return known_.emplace(key, Known{on_nmp_ ? plan_on_nmp(system_, gemm, bits) : plan_on_npu(system_, gemm, bits), {}}).first->second;
}

const OperatorPlan& DetailedOnDevice::plan(const GemmShape& gemm, double element_bytes) { return known(gemm, element_bytes).plan; }

double DetailedOnDevice::seconds(const GemmShape& gemm, double element_bytes) {
  Known& of_shape = known(gemm, element_bytes);
  if (!of_shape.seconds) of_shape.seconds = timing_.operator_ps(of_shape.plan) * 1e-12;
  return *of_shape.seconds;
}

}  // namespace bondsim::cost
