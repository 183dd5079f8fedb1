#include "mapping/cost/detailed.hpp"

#include <algorithm>
#include <cmath>
#include <map>

#include "mapping/emit/single_operator.hpp"
#include "models/dram/timing_rules.hpp"
#include "models/nmp/tile_program.hpp"
#include "models/npu/rules.hpp"

namespace bondsim::cost {

TaskTiming::TaskTiming(const System& system) : system_(system), ck_(1e6 / system.dram.timing.ck_mhz) {
  const DramTiming& t = system.dram.timing;
  const double rfc = std::ceil(t.t_rfc_ab_ns * 1e3 / ck_) * ck_;
  if (system.fidelity.refresh && system.controller.refresh != RefreshKind::none) period_ = t.t_refi_ns * 1e3;
  page_accesses_ = static_cast<double>(system.dram.organization.page_bytes()) / system.nmp.hb.access_bytes;
  // At a row boundary PREA and tRFC stand where a PRE stood.
  hb_refresh_ = rfc + ck_ * (t.n_rp_ab - t.n_rp_pb);
  // The bus idles from the last burst before the PREA to the first after the ACT that follows.
  host_refresh_ = rfc + ck_ * (t.n_rtp + t.n_rp_ab + t.n_rcd - t.n_bl_min);
}

double TaskTiming::up_to_edge(double ps) const { return std::ceil(ps / ck_ - 1e-6) * ck_; }

/// `work` that begins at `start` while a refresh of `cost` comes every tREFI, the first at tREFI from the run's beginning.
double TaskTiming::refreshed(double start, double work, double cost) const {
  if (period_ <= 0 || cost <= 0) return work;
  const double until_due = period_ - std::fmod(start, period_);
  if (work < until_due) return work;
  return work + cost * (1 + std::floor((work - until_due) / (period_ - cost)));
}

// ---- Behind the HB ports ------------------------------------------------------------------------------------------------------------

double TaskTiming::access_ps(double bytes) const {
  return bytes / system_.nmp.hb.access_bytes * static_cast<double>(system_.nmp.hb.access_ps());
}

/// From a row's ACT to the PRE that may follow.
double TaskTiming::row_end_ps(double accesses, bool write) const {
  const DramTiming& t = system_.dram.timing;
  const auto access = static_cast<double>(system_.nmp.hb.access_ps());
  const double columns = ck_ * t.n_rcd + accesses * access;
  const double closable = write ? columns + ck_ * t.n_wr : std::max(columns, columns - access + ck_ * t.n_rtp);
  return up_to_edge(std::max(closable, ck_ * t.n_ras));
}

double TaskTiming::row_period_ps(double accesses, bool write) const {
  const DramTiming& t = system_.dram.timing;
  const double columns = accesses * static_cast<double>(system_.nmp.hb.access_ps());
  double period = std::max(row_end_ps(accesses, write) + ck_ * t.n_rp_pb, ck_ * t.n_rc);
  // With subarrays the next row is closed and opened under the accesses of the present one.
  if (system_.nmp.subarray_overlap) period = std::max({columns, ck_ * (t.n_rp_pb + t.n_rcd), period / 2});
  if (system_.nmp.activate_policy == ActivatePolicy::staggered) {
    period = std::max(period, ck_ * system_.dram.organization.banks() * std::max<double>(t.n_rrd, t.n_faw / 4.0));
  }
  return period;
}

/// What the pieces of a GEMM have in common.
struct TaskTiming::GemmTerms {
  double bytes_per_element = 0;  ///< of the fullest bank, over all extents of the weights
  double row_gap = 0;            ///< between the accesses of neighbouring rows
  double change = 0;             ///< from a row of the weights to another tensor's
  double input = 0;              ///< load of all of K, its change of rows apart
  double input_change = 0;       ///< from a row of the input to the weights
  double store_row = 0;          ///< of one column, its changes apart
  double store_change = 0;       ///< from a row of the output to the weights
  std::int64_t piece_rows = 0, k_tiles = 0;
  bool resident = false;
  double stretch = 1;  ///< of everything the banks do, by refresh
  double cycle = 0;
  bool double_buffered = true, input_waits = false, output_waits = false;
};

TaskTiming::GemmTerms TaskTiming::gemm_terms(const NmpGemm& gemm, double stretch) const {
  const DramTiming& t = system_.dram.timing;
  const NmpConfig& nmp = system_.nmp;
  const TileProgram program(gemm, nmp);
  const auto bytes_of = [](const std::vector<Extent>& extents) {
    double sum = 0;
    for (const Extent& e : extents) sum += static_cast<double>(e.max_bytes_per_bank());
    return sum;
  };
  const auto change = [&](double accesses, bool write) {
    const auto access = static_cast<double>(nmp.hb.access_ps());
    return row_end_ps(accesses, write) - ck_ * t.n_rcd - accesses * access + ck_ * (t.n_rp_pb + t.n_rcd);
  };
  const auto count = [](const std::vector<Extent>& extents) { return static_cast<double>(std::max<std::size_t>(1, extents.size())); };
  const std::int64_t columns = ceil_div<std::int64_t>(gemm.shape.n, gemm.pes_per_gemm);
  const std::int64_t n_tile = std::min(gemm.tiling.n_tile, columns);
  GemmTerms g;
  g.bytes_per_element = bytes_of(gemm.stationary) / static_cast<double>(columns * gemm.shape.k);
  g.row_gap = row_period_ps(page_accesses_, false) - access_ps(system_.dram.organization.page_bytes());
  g.change = change(page_accesses_, false);
  const double input_bytes = bytes_of(gemm.input);
  g.input = access_ps(input_bytes) + std::floor(input_bytes / system_.dram.organization.page_bytes()) * g.row_gap;
  const std::int64_t k_tile = std::min(gemm.tiling.k_tile, gemm.shape.k);
  const double loads = program.input_resident() ? 1 : static_cast<double>(ceil_div(gemm.shape.k, k_tile));
  g.input_change = change(std::min(page_accesses_, input_bytes / loads / nmp.hb.access_bytes), false);
  const double output_bytes = bytes_of(gemm.output);
  g.store_row = access_ps(output_bytes) / static_cast<double>(columns);
  const double tile_bytes = output_bytes * static_cast<double>(n_tile) / static_cast<double>(columns);
  g.store_change = change(std::min(page_accesses_, tile_bytes / count(gemm.output) / nmp.hb.access_bytes), true);
  g.piece_rows = TileProgram::piece_rows(k_tile, n_tile, gemm.bits.stationary, nmp.pe);
  g.k_tiles = ceil_div(gemm.shape.k, k_tile);
  g.resident = program.input_resident();
  g.stretch = stretch;
  g.cycle = 1e6 / nmp.pe.clock_mhz;
  g.double_buffered = program.weight_slots() > 1;
  g.input_waits = program.input_slots() < 2;
  g.output_waits = program.output_slots() < 2;
  return g;
}

/// The load of a piece begins with the computation of the one before, when that one has its half of the buffer: both last as long as the
/// longer of them.
void TaskTiming::piece(const GemmTerms& g, double load, double compute, Pipeline& p) {
  load = (load + p.store) * g.stretch;
  if (p.empty || p.waits || !g.double_buffered) {
    p.total += p.compute + load;
  } else {
    p.total += std::max(p.compute, load);
  }
  p.compute = compute;
  p.store = 0;
  p.waits = p.empty = false;
}

void TaskTiming::n_tile(const NmpGemm& gemm, const GemmTerms& g, std::int64_t columns, Pipeline& p) const {
  const double page = system_.dram.organization.page_bytes();
  const std::int64_t k_tile = std::min(gemm.tiling.k_tile, gemm.shape.k);
  for (std::int64_t k0 = 0; k0 < gemm.shape.k; k0 += k_tile) {
    const std::int64_t k_end = std::min(gemm.shape.k, k0 + k_tile);
    double input = 0;
    if (!g.resident) {
      input = g.input * static_cast<double>(k_end - k0) / static_cast<double>(gemm.shape.k) + g.change + g.input_change;
      p.waits = g.input_waits;
    }
    for (std::int64_t k = k0; k < k_end; k += g.piece_rows) {
      const std::int64_t rows = std::min(g.piece_rows, k_end - k);
      const double bytes = g.bytes_per_element * static_cast<double>(rows * columns);
      const double load = access_ps(bytes) + bytes / page * g.row_gap;
      const auto cycles = static_cast<double>(TileProgram::compute_cycles(gemm.shape.m, rows, columns, system_.nmp.pe));
      piece(g, load + input, cycles * g.cycle, p);
      input = 0;
    }
  }
  const double store = g.store_row * static_cast<double>(columns) + g.change + g.store_change;
  if (g.output_waits || !g.double_buffered) {
    p.total += p.compute + store * g.stretch;
    p.compute = 0;
    p.waits = false;
  } else {
    p.store = store;
  }
}

double TaskTiming::gemm_work_ps(const NmpGemm& gemm, double stretch) const {
  const GemmTerms g = gemm_terms(gemm, stretch);
  const std::int64_t columns = ceil_div<std::int64_t>(gemm.shape.n, gemm.pes_per_gemm);
  const std::int64_t tile = std::min(gemm.tiling.n_tile, columns);
  const std::int64_t tiles = ceil_div(columns, tile);
  Pipeline p;
  p.total = ck_ * system_.dram.timing.n_rcd * g.stretch;  // the first row
  if (g.resident) p.total += (g.input + g.input_change) * g.stretch;
  // Tiles repeat: after two of them every further one takes what the second took.
  double before = p.total;
  for (std::int64_t i = 0; i < tiles; ++i) {
    const bool last = i + 1 == tiles;
    if (i == 2 && !last) {
      p.total += static_cast<double>(tiles - 1 - i) * (p.total - before);
      i = tiles - 1;
    }
    before = p.total;
    n_tile(gemm, g, std::min(tile, columns - i * tile), p);
  }
  return p.total + p.compute + (p.store > 0 ? (p.store - g.store_change) * g.stretch : -g.store_change * g.stretch);
}

double TaskTiming::nmp_gemm_ps(const NmpGemm& gemm, double start) const {
  const double work = gemm_work_ps(gemm, 1);
  if (period_ <= 0) return work;
  // What a refresh costs on average here: nothing while PEs compute long enough to hide it.
  const double long_run = gemm_work_ps(gemm, period_ / (period_ - hb_refresh_));
  return refreshed(start, work, (long_run - work) / long_run * period_);
}

double TaskTiming::enter_ps(bool after_host, bool after_write) const {
  const DramTiming& t = system_.dram.timing;
  const double latency = system_.nmp.mode_change_ns * 1e3;
  if (!after_host) return latency;
  return latency + ck_ * (t.n_rp_ab + (after_write ? t.n_wr : 0));
}

double TaskTiming::leave_ps() const {
  const DramTiming& t = system_.dram.timing;
  return system_.nmp.mode_change_ns * 1e3 + ck_ * (t.n_rp_ab + t.n_wr);
}

// ---- On the bus and the NPU ---------------------------------------------------------------------------------------------------------

double TaskTiming::host_ps(const std::vector<Extent>& extents, bool write, double start) const {
  const DramTiming& t = system_.dram.timing;
  const DramOrganization& shape = system_.dram.organization;
  double bursts = 0, rows = 0;
  for (const Extent& e : extents) {
    for (std::int32_t b = 0; b < e.banks; ++b) {
      bursts += static_cast<double>(ceil_div<std::int64_t>(e.bytes_of_bank(b), shape.access_bytes()));
      rows += static_cast<double>(ceil_div<std::int64_t>(e.bytes_of_bank(b), shape.page_bytes()));
    }
  }
  if (bursts == 0) return 0;
  const double bus = (bursts - 1) * t.n_bl_min;
  const double acts = std::floor((rows - 1) / 4) * t.n_faw + std::fmod(rows - 1, 4) * t.n_rrd;
  const double commands = 2 * rows + bursts - 1;
  const double latency = 1 + t.n_rcd + (write ? t.n_cwl : t.n_cl) + t.n_bl_min;
  return refreshed(start, ck_ * (latency + std::max({bus, acts, commands})), host_refresh_);
}

double TaskTiming::npu_gemm_ps(const NpuGemm& gemm, double start) const {
  const DramTiming& t = system_.dram.timing;
  std::map<std::int32_t, double> bytes;
  for (const Extent& e : gemm.stationary) bytes[e.channel] += static_cast<double>(e.bytes());
  double most = 0;
  for (const auto& [channel, sum] : bytes) most = std::max(most, sum);
  const auto chunks = static_cast<double>(gemm.chunks);
  const double load = ck_ * t.n_bl_min * most / system_.dram.organization.access_bytes() / chunks;
  const double latency = ck_ * (1 + t.n_rcd + t.n_cl);
  const double compute = static_cast<double>(systolic_cycles(gemm.shape, system_.npu)) / chunks * 1e6 / system_.npu.clock_mhz;
  const auto work = [&](double stretch) { return latency + load * stretch + (chunks - 1) * std::max(load * stretch, compute) + compute; };
  if (period_ <= 0) return work(1);
  const double long_run = work(period_ / (period_ - host_refresh_));
  return refreshed(start, work(1), (long_run - work(1)) / long_run * period_);
}

double TaskTiming::vector_ps(const VectorWork& work) const {
  return static_cast<double>(vector_cycles(vector_operations(work, system_.npu), system_.npu)) * 1e6 / system_.npu.clock_mhz;
}

double TaskTiming::block_ps(const Block& block) const {
  struct Channel {
    double free = 0;
    bool in_nmp = false, used = false, wrote = false;
  };
  std::map<std::int32_t, Channel> channels;
  double arrays = 0, vectors = 0, last = 0;
  std::vector<double> ends;
  for (const Task& task : block.tasks) {
    double ready = 0;
    for (const std::int32_t d : task.dependencies) ready = std::max(ready, ends[static_cast<std::size_t>(d)]);
    double end = ready;
    switch (task.kind) {
      case TaskKind::barrier:
        break;
      case TaskKind::npu_gemm: {
        const double start = std::max(ready, arrays);
        end = arrays = start + npu_gemm_ps(task.npu, start);
        break;
      }
      case TaskKind::npu_vector:
        end = vectors = std::max(ready, vectors) + vector_ps(task.vector);
        break;
      case TaskKind::nmp_gemm: {
        Channel& c = channels[task.channel];
        double start = std::max(ready, c.free);
        if (!c.in_nmp) start += enter_ps(c.used, c.wrote);
        end = start + nmp_gemm_ps(task.nmp, start);
        c.in_nmp = !task.nmp.leave_mode;
        c.free = c.in_nmp ? end : end + leave_ps();
        c.used = false;
        break;
      }
      default: {
        Channel& c = channels[task.channel];
        const double start = std::max(ready, c.free);
        const bool write = task.kind != TaskKind::host_load;
        end = c.free = start + host_ps(task.extents, write, start);
        c.used = true;
        c.wrote = write;
      }
    }
    ends.push_back(end);
    last = std::max(last, end);
  }
  return last;
}

// ---- The operator alone -------------------------------------------------------------------------------------------------------------

OperandBits bits_of_elements(double element_bytes) {
  const int bits = static_cast<int>(std::lround(element_bytes * 8));
  if (bits < 1 || std::abs(element_bytes * 8 - bits) > 1e-9) {
    throw ConfigError(fmt::format("elements of {} bytes, allowed: whole bits", element_bytes));
  }
  return {bits, bits, bits, std::max(32, bits)};
}

System system_of_device(const System& system, const NmpDevice& device) {
  System s = system;
  s.channels.nmp = device.channels;
  s.channels.normal = 0;
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
  s.channels.nmp = 0;
  s.channels.normal = device.channels;
  const double array = system.npu.peak_macs() / system.npu.arrays;
  s.npu.arrays = std::max(1, static_cast<int>(std::lround(device.peak_tmacs * 1e12 / array)));
  return s;
}

namespace {

double alone_seconds(const System& system, const GemmShape& gemm, double element_bytes, Executor executor) {
  SingleOperator op;
  op.executor = executor;
  for (int c = 0; c < system.channels.total(); ++c) op.channels.push_back(c);
  op.shape = gemm;
  op.bits = bits_of_elements(element_bytes);
  Block block;
  check(single_operator_schedule(system, op)->next(block), "an operator without a block");
  return TaskTiming(system).block_ps(block) * 1e-12;
}

}  // namespace

double Detailed::nmp_seconds(const GemmShape& gemm, double element_bytes, const NmpDevice& device) const {
  return alone_seconds(system_of_device(system_, device), gemm, element_bytes, Executor::nmp);
}

double Detailed::npu_seconds(const GemmShape& gemm, double element_bytes, const NpuDevice& device) const {
  return alone_seconds(system_of_device(system_, device), gemm, element_bytes, Executor::npu);
}

}  // namespace bondsim::cost
