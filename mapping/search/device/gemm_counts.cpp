#include "mapping/search/device/gemm_counts.hpp"

#include <cmath>
#include <utility>

#include "mapping/cost/published/h2llm_roofline.hpp"
#include "models/system/energy_counts.hpp"

namespace bondsim::search {
namespace {

class Counter {
 public:
  explicit Counter(const System& system) : system_(system), page_bits_(8.0 * system.dram.organization.page_bytes()) {}

  void on_npu(const GemmShape& gemm, const OperandBits& width, double times) {
    const double stationary = bits(gemm.count * gemm.n * gemm.k, width.stationary) * times;
    host_read_bits_ += stationary;
    npu_sram_bits_ +=
        2 * stationary + (bits(gemm.count * gemm.m * gemm.k, width.activation) + bits(gemm.count * gemm.m * gemm.n, width.output)) * times;
    add(npu_mac_counts(gemm, width, system_.npu, system_.energy), times);
  }

  void on_nmp(const GemmShape& gemm, const OperandBits& width, int channels, double times) {
    const cost::ChannelSplit split = cost::split_over_channels(gemm, channels);
    const double inputs = bits(gemm.count * gemm.m * gemm.k * split.n_parts, width.activation) * times;
    const double outputs = bits(gemm.count * gemm.m * gemm.n * split.k_parts, width.output) * times;
    const double stationary = bits(gemm.count * gemm.n * gemm.k, width.stationary) * times;
    hb_read_bits_ += stationary;
    if (system_.nmp.io_path == IoPath::direct) {
      buffer_write_bits_ += inputs;
      buffer_read_bits_ += outputs;
    } else {
      host_write_bits_ += inputs;
      host_read_bits_ += outputs;
      hb_read_bits_ += inputs;
      hb_write_bits_ += outputs;
    }
    pe_sram_bits_ += stationary * static_cast<double>(1 + gemm.m) + 2 * (inputs + outputs);
    add(pe_mac_counts(gemm, width, system_.nmp, system_.energy), times);
  }

  EnergyCounts counts() const {
    EnergyCounts c = formats_;
    c.activates = std::llround((host_read_bits_ + host_write_bits_ + hb_read_bits_ + hb_write_bits_) / page_bits_);
    c.host_read_bits = std::llround(host_read_bits_);
    c.host_write_bits = std::llround(host_write_bits_);
    c.buffer_read_bits = std::llround(buffer_read_bits_);
    c.buffer_write_bits = std::llround(buffer_write_bits_);
    c.hb_read_bits = std::llround(hb_read_bits_);
    c.hb_write_bits = std::llround(hb_write_bits_);
    c.pe_macs = std::llround(pe_macs_);
    c.pe_sram_bits = std::llround(pe_sram_bits_);
    c.npu_macs = std::llround(npu_macs_);
    c.npu_sram_bits = std::llround(npu_sram_bits_);
    return c;
  }

 private:
  static double bits(std::int64_t elements, const Element& width) { return width * static_cast<double>(elements); }

  /// MACs as real numbers, as all that follows from shapes; what only formats have as it is.
  void add(EnergyCounts macs, double times) {
    pe_macs_ += static_cast<double>(std::exchange(macs.pe_macs, 0)) * times;
    npu_macs_ += static_cast<double>(std::exchange(macs.npu_macs, 0)) * times;
    macs *= std::llround(times);
    formats_ += macs;
  }

  const System& system_;
  double page_bits_;
  EnergyCounts formats_;
  double host_read_bits_ = 0;
  double host_write_bits_ = 0;
  double buffer_read_bits_ = 0;
  double buffer_write_bits_ = 0;
  double hb_read_bits_ = 0;
  double hb_write_bits_ = 0;
  double pe_macs_ = 0;
  double pe_sram_bits_ = 0;
  double npu_macs_ = 0;
  double npu_sram_bits_ = 0;
};

}  // namespace

EnergyCounts gemm_counts(const OperatorTable& table, const FoundDataflow& dataflow, const System& system) {
  const SearchProblem& problem = table.problem();
  Counter counter(system);
  for (int op = 0; op < table.operators(); ++op) {
    const SearchOperator& o = problem.operators[static_cast<std::size_t>(op)];
    const Allotment& b = dataflow[static_cast<std::size_t>(op)].binding;
    for (const Turn& turn : o.turns_of_prefill()) counter.on_npu(turn.shape, o.bits, turn.times);
    const std::int64_t units = b.nmp == 0 ? 0 : b.normal ? b.units : o.units();
    for (const Turn& turn : o.turns_of_decode()) {
      const double times = turn.times * problem.generated_tokens;
      if (units > 0) counter.on_nmp(o.with_units(turn.shape, units), o.bits, b.nmp, times);
      if (units < o.units()) counter.on_npu(o.with_units(turn.shape, o.units() - units), o.bits, times);
    }
  }
  return counter.counts();
}

}  // namespace bondsim::search
