#include "tools/app/studies/estimated_counts.hpp"

#include "models/base/quantity.hpp"
#include "models/dram/spec/timing_rules.hpp"
#include "models/nmp/tile_program.hpp"

namespace bondsim::tools {

ChannelCounts CommandCount::host(const std::vector<Extent>& extents, bool write) const {
  ChannelCounts c;
  std::int64_t& bursts = write ? c.writes : c.reads;
  for (const Extent& e : extents) {
    for (std::int32_t b = 0; b < e.banks; ++b) {
      bursts += ceil_div<std::int64_t>(e.bytes_of_bank(b), system_.dram.organization.access_bytes());
      c.activates += ceil_div<std::int64_t>(e.bytes_of_bank(b), page_);
    }
  }
  return c;
}

ChannelCounts CommandCount::nmp(const NmpGemm& gemm) const {
  ChannelCounts c;
  TileProgram program(gemm, system_.nmp, system_.fidelity.finite_buffers);
  const std::vector<Extent>* open = nullptr;  // the operand whose rows are open
  for (TileStep step = program.next(); step.kind != TileStep::Kind::end; step = program.next()) {
    const bool store = step.kind == TileStep::Kind::store_output;
    const std::vector<Extent>& operand = store                                       ? gemm.output
                                         : step.kind == TileStep::Kind::load_weights ? gemm.stationary
                                         : step.kind == TileStep::Kind::load_input   ? gemm.input
                                                                                     : gemm.partials;
    const std::int64_t bursts = ceil_div<std::int64_t>(program.bus_bytes(step), system_.dram.organization.access_bytes());
    (store ? c.buffer_reads : c.buffer_writes) += bursts;
    for (const Extent& e : step.extents) {
      for (std::int32_t b = 0; b < e.banks; ++b) {
        const std::int64_t bytes = e.bytes_of_bank(b);
        if (bytes == 0) continue;
        const std::int64_t passes = step.kind == TileStep::Kind::load_weights ? system_.nmp.pe.reads_for(gemm.shape.m) : 1;
        (store ? c.hb_writes : c.hb_reads) += passes * ceil_div<std::int64_t>(bytes, system_.nmp.hb.access_bytes);
        const std::int64_t first = e.bank_offset / page_;
        const std::int64_t last = (e.bank_offset + bytes - 1) / page_;
        const bool continues = open == &operand && e.bank_offset % page_ != 0;
        c.activates += last - first + (continues ? 0 : 1);
      }
    }
    open = &operand;
  }
  return c;
}

void add_commands(Ledger& ledger, const CommandCount& count, const Block& block) {
  for (const Task& task : block.tasks) {
    ledger.add_task(task, block.executions());
    for (const Extent& e : task.npu.stationary)
      ledger.add_commands(e.channel, task.op, block.phase, count.host({e}, false), block.executions());
    if (!task.on_channel()) continue;
    const ChannelCounts counts =
        task.kind == TaskKind::nmp_gemm ? count.nmp(task.nmp) : count.host(task.extents, task.kind != TaskKind::host_load);
    ledger.add_commands(task.channel(), task.op, block.phase, counts, block.executions());
  }
}

/// Refreshes of a channel in so long a time.
ChannelCounts refreshes(const System& system, double seconds) {
  ChannelCounts c;
  const RefreshKind kind = system.controller.refresh;
  if (!system.fidelity.refresh || kind == RefreshKind::none) return c;
  const auto number = static_cast<std::int64_t>(seconds * 1e12 / static_cast<double>(refresh_period(system.dram, kind).value));
  (kind == RefreshKind::all_bank ? c.refreshes_all_bank : c.refreshes_per_bank) = number;
  return c;
}

}  // namespace bondsim::tools
