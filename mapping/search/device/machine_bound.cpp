#include "mapping/search/device/machine_bound.hpp"

#include <algorithm>
#include <vector>

#include "mapping/llm/graph.hpp"
#include "mapping/search/dataflow/problem.hpp"
#include "models/dram/timing/port_timing.hpp"
#include "models/system/peaks.hpp"

namespace bondsim::search {
namespace {

/// Seconds of one channel to take an operand of a step whole, by its PEs and over its bus; a step's operands are spread over the channels.
struct Operand {
  double by_pes_s = 0;
  double by_bus_s = 0;
  double on_nmp_s(bool nmp_may_compute) const { return nmp_may_compute ? std::min(by_pes_s, by_bus_s) : by_bus_s; }
};

/// Part of the time that is not refresh.
double without_refresh(const System& system) {
  // REFpb hides behind other banks' work, and what is postponed may come after the end.
  const ControllerConfig& controller = system.controller;
  if (!system.fidelity.refresh || controller.refresh != RefreshKind::all_bank || controller.refresh_postpone > 0) return 1;
  return 1 - system.dram.timing.t_rfc_ab_ns * 1e3 / static_cast<double>(refresh_period(system.dram, RefreshKind::all_bank).value);
}

class BoundedMachine {
 public:
  explicit BoundedMachine(const System& system) : system_(system), awake_(without_refresh(system)) {
    bus_bytes_per_s_ = bus_gbps(system.dram) * 1e9 * awake_;
    if (system.nmp_channel_count() == 0) return;
    const double page = system.dram.organization.page_bytes();
    const PortTiming port = port_timing(system.dram, system.nmp, false);
    const double row_s = static_cast<double>(row_period_ps(port, port.page_accesses(), false)) * 1e-12;
    const int banks = system.dram.organization.banks();
    hb_bytes_per_s_ = banks * page / row_s * awake_;
    macs_per_s_ = static_cast<double>(banks) * system.nmp.pe.fpus * system.nmp.pe.macs_per_fpu * system.nmp.pe.clock_mhz * 1e6;
  }

  Operand operand(const SearchOperator& op) const {
    Operand out;
    const double rate = known_multiplication(system_.nmp.formats, op.bits.activation, op.bits.stationary).rate;
    for (const Turn& turn : op.turns_of_decode()) {
      const GemmShape& g = turn.shape;
      const double bytes = turn.times * static_cast<double>(g.count * g.n * g.k) * op.bits.stationary / 8;
      out.by_bus_s += bytes / bus_bytes_per_s_;
      if (hb_bytes_per_s_ > 0)
        out.by_pes_s += std::max(bytes / hb_bytes_per_s_, turn.times * static_cast<double>(g.macs()) / (rate * macs_per_s_));
    }
    return out;
  }

  /// The least T in which the channels take all operands. Normal channels take those first for which PEs help least.
  double shortest_s(std::vector<Operand> operands) const {
    const bool pes = hb_bytes_per_s_ > 0;
    std::sort(operands.begin(), operands.end(),
              [&](const Operand& a, const Operand& b) { return a.on_nmp_s(pes) * b.by_bus_s > b.on_nmp_s(pes) * a.by_bus_s; });
    // With a part x of the sorted list on the normal channels, T is the longer of both sides: they are equal at the best x.
    double left_on_nmp = 0;
    for (const Operand& o : operands) left_on_nmp += o.on_nmp_s(pes);
    const int nmp = system_.nmp_channel_count(), normal = system_.channel_count() - nmp;
    if (normal == 0) return left_on_nmp / nmp;
    double on_normal = 0;
    for (const Operand& o : operands) {
      const double after_nmp = left_on_nmp - o.on_nmp_s(pes);
      const double after_normal = on_normal + o.by_bus_s;
      if (nmp > 0 && after_normal / normal >= after_nmp / nmp) {
        // (left - y nmp_s) / nmp = (on + y bus_s) / normal
        const double y = (left_on_nmp * normal - on_normal * nmp) / (o.by_bus_s * nmp + o.on_nmp_s(pes) * normal);
        return (on_normal + y * o.by_bus_s) / normal;
      }
      left_on_nmp = after_nmp;
      on_normal = after_normal;
    }
    return on_normal / normal;
  }

  double prefill_s(double macs, double weight_bytes) const {
    return std::max(macs / system_.npu.peak_macs(), weight_bytes / (system_.channel_count() * bus_bytes_per_s_));
  }

 private:
  const System& system_;
  double awake_;
  double bus_bytes_per_s_ = 0;  ///< of a channel
  double hb_bytes_per_s_ = 0;   ///< of all ports of a channel; 0: no PEs
  double macs_per_s_ = 0;       ///< of a channel
};

/// Operands of one step, layer by layer: the layers are alike, so each counts for all.
void add_operands(const BoundedMachine& machine, const SearchProblem& problem, double layers, std::vector<Operand>& operands) {
  for (const SearchOperator& op : problem.operators) {
    Operand o = machine.operand(op);
    o.by_pes_s *= layers;
    o.by_bus_s *= layers;
    operands.push_back(o);
  }
}

}  // namespace

MachineBound machine_bound(const System& system, const Model& model, const Workload& workload) {
  const BoundedMachine machine(system);
  const SearchProblem layer = graph_problem(model, workload, DecodeContext::mean);
  const SearchProblem head = head_problem(model, workload);
  std::vector<Operand> operands;
  add_operands(machine, layer, model.layers, operands);
  add_operands(machine, head, 1, operands);
  double macs = 0;
  double bytes = 0;
  const OperatorGraph graph = layer_graph(model);
  const auto is_cache = [&](const std::string& name) {
    for (OperatorId v = 0; v < graph.size(); ++v) {
      if (graph[v].name == name) return graph[v].is_gemm() && graph[v].kind != OperatorKind::weight_gemm;
    }
    return false;
  };
  for (const SearchProblem* problem : {&layer, &head}) {
    const double layers = problem == &layer ? model.layers : 1;
    for (const SearchOperator& op : problem->operators) {
      const bool cache = is_cache(op.name);  // it may stay in the scratchpad
      for (const Turn& turn : op.turns_of_prefill()) {
        const double rate = known_multiplication(system.npu.formats, op.bits.activation, op.bits.stationary).rate;
        macs += layers * turn.times * static_cast<double>(turn.shape.macs()) / rate;
        if (!cache) bytes += layers * turn.times * static_cast<double>(turn.shape.n * turn.shape.k) * op.bits.stationary / 8;
      }
    }
  }
  return {machine.prefill_s(macs, bytes), machine.shortest_s(operands) * static_cast<double>(workload.generated_tokens)};
}

}  // namespace bondsim::search
