#include "mapping/search/device/gemm_counts.hpp"

#include <cmath>

#include "mapping/cost/published/h2llm_roofline.hpp"

namespace bondsim::search {
namespace {

class Counter {
 public:
  Counter(double element_bits, int page_bytes) : element_bits_(element_bits), page_bits_(8.0 * page_bytes) {}

  void on_npu(const GemmShape& gemm, double times) {
    const double stationary = bits(gemm.count * gemm.n * gemm.k) * times;
    host_bits_ += stationary;
    npu_sram_bits_ += 2 * stationary + bits(gemm.count * gemm.m * (gemm.k + gemm.n)) * times;
    npu_macs_ += static_cast<double>(gemm.macs()) * times;
  }

  void on_nmp(const GemmShape& gemm, int channels, double times) {
    const cost::ChannelSplit split = cost::split_over_channels(gemm, channels);
    const double inputs = bits(gemm.count * gemm.m * gemm.k * split.n_parts) * times;
    const double outputs = bits(gemm.count * gemm.m * gemm.n * split.k_parts) * times;
    const double stationary = bits(gemm.count * gemm.n * gemm.k) * times;
    host_bits_ += inputs + outputs;
    hb_bits_ += stationary + inputs + outputs;
    pe_sram_bits_ += stationary * static_cast<double>(1 + gemm.m) + 2 * (inputs + outputs);
    pe_macs_ += static_cast<double>(gemm.macs()) * times;
  }

  EnergyCounts counts() const {
    EnergyCounts c;
    c.activates = std::llround((host_bits_ + hb_bits_) / page_bits_);
    c.host_bits = std::llround(host_bits_);
    c.hb_bits = std::llround(hb_bits_);
    c.pe_macs = std::llround(pe_macs_);
    c.pe_sram_bits = std::llround(pe_sram_bits_);
    c.npu_macs = std::llround(npu_macs_);
    c.npu_sram_bits = std::llround(npu_sram_bits_);
    return c;
  }

 private:
  double bits(std::int64_t elements) const { return element_bits_ * static_cast<double>(elements); }

  double element_bits_;
  double page_bits_;
  double host_bits_ = 0;
  double hb_bits_ = 0;
  double pe_macs_ = 0;
  double pe_sram_bits_ = 0;
  double npu_macs_ = 0;
  double npu_sram_bits_ = 0;
};

}  // namespace

EnergyCounts gemm_counts(const OperatorTable& table, const Dataflow& dataflow, int page_bytes) {
  const SearchProblem& problem = table.problem();
  Counter counter(8 * problem.element_bytes, page_bytes);
  for (int op = 0; op < table.operators(); ++op) {
    const SearchOperator& o = problem.operators[static_cast<std::size_t>(op)];
    const Binding& b = dataflow[static_cast<std::size_t>(op)].binding;
    counter.on_npu(o.prefill, 1);
    const std::int64_t units = b.nmp == 0 ? 0 : b.normal ? b.units : o.units();
    GemmShape nmp_part = o.decode;
    GemmShape npu_part = o.decode;
    (o.decode.count > 1 ? nmp_part.count : nmp_part.n) = units;
    (o.decode.count > 1 ? npu_part.count : npu_part.n) = o.units() - units;
    if (units > 0) counter.on_nmp(nmp_part, b.nmp, problem.generated_tokens);
    if (units < o.units()) counter.on_npu(npu_part, problem.generated_tokens);
  }
  return counter.counts();
}

}  // namespace bondsim::search
