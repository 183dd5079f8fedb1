#include "mapping/cost/detailed.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include "mapping/emit/single_operator.hpp"
#include "models/dram/timing_rules.hpp"
#include "models/nmp/tile_program.hpp"
#include "models/npu/rules.hpp"

namespace bondsim::cost {

TaskTiming::TaskTiming(const System& system) : system_(system), ck_(1e6 / system.dram.timing.ck_mhz) {
  const DramTiming& t = system.dram.timing;
  const double rfc = std::ceil(t.t_rfc_ab_ns * 1e3 / ck_) * ck_;
  const bool refresh = system.fidelity.refresh && system.controller.refresh != RefreshKind::none;
  period_ = refresh ? t.t_refi_ns * 1e3 : std::numeric_limits<double>::infinity();
  page_accesses_ = static_cast<double>(system.dram.organization.page_bytes()) / system.nmp.hb.access_bytes;
  // At a row boundary PREA and tRFC stand where a PRE stood.
  hb_refresh_ = rfc + ck_ * (t.n_rp_ab - t.n_rp_pb);
  // The bus idles from the last burst before the PREA to the first after the ACT that follows.
  host_refresh_ = rfc + ck_ * (t.n_rtp + t.n_rp_ab + t.n_rcd - t.n_bl_min);
}

double TaskTiming::up_to_edge(double ps) const { return std::ceil(ps / ck_ - 1e-6) * ck_; }

double TaskTiming::first_due() const { return period_; }

/// When work may begin on a channel that had nothing to do: refreshes due until then were done meanwhile, but the last may not have ended.
double TaskTiming::after_idle(double ready, double cost, double& due) const {
  double begin = ready;
  while (due < ready) {
    begin = std::max(ready, due + cost);
    due += period_;
  }
  return begin;
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
  double cycle = 0;
  bool double_buffered = true, input_waits = false, output_waits = false;
};

TaskTiming::GemmTerms TaskTiming::gemm_terms(const NmpGemm& gemm) const {
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
  g.piece_rows = TileProgram::piece_rows(gemm.tiling, gemm.shape.k, columns, gemm.bits.stationary, nmp.pe);
  g.k_tiles = ceil_div(gemm.shape.k, k_tile);
  g.resident = program.input_resident();
  g.cycle = 1e6 / nmp.pe.clock_mhz;
  g.double_buffered = program.weight_slots() > 1;
  g.input_waits = program.input_slots() < 2;
  g.output_waits = program.output_slots() < 2;
  return g;
}

/// Weights in pieces: the load of one begins with the computation of the one before, and both have ended when the next two begin. Refresh
/// comes at a row boundary after it is due, or at once while the banks have nothing to do.
struct TaskTiming::Pipeline {
  double now = 0;         ///< the present load and computation begin
  double compute = 0;     ///< of the piece loaded last
  double store = 0;       ///< queued in front of the next load
  double late_store = 0;  ///< between this computation and the next, which waits for its output buffer
  bool waits = true;      ///< the next load cannot begin before the computation has ended
  double position = 0;    ///< bytes of weights read from a bank
  double blocked = 0;     ///< the banks refresh until then
  double change = 0;      ///< from a row of the output back to another tensor
  double cycle = 0, row = 0, refresh = 0, period = 0;
  double& due;

  double run(double begin, double work) {
    double end = std::max(begin, blocked) + work;
    for (; due < end - std::min(work, row); due += period) end += refresh;
    return end;
  }
  void idle(double from, double until) {
    for (; due < until; due += period) blocked = std::max(due, from) + refresh;
  }
  /// The computation of the last piece, which begins on an edge of the PEs' clock.
  double computed() const { return compute > 0 ? std::ceil(now / cycle - 1e-6) * cycle + compute : now; }

  void piece(double load, double next_compute) {
    const double compute_end = computed();
    const double back = late_store > 0 ? change : 0;
    double left = 0;
    if (waits) {
      idle(now, compute_end);
      now = run(compute_end, store + late_store + back + load);
    } else {
      const double load_end = run(now, store + load);
      now = std::max(compute_end, load_end);
      idle(load_end, now);
      if (late_store > 0) now = run(now, late_store);
      left = back;
    }
    compute = next_compute;
    store = left;
    late_store = 0;
    waits = false;
  }
  double end() {
    const double compute_end = computed();
    idle(now, compute_end);
    // Nothing is loaded after the last store.
    const double last = late_store > 0 ? store + late_store : std::max(0.0, store - change);
    return run(compute_end, last);
  }
};

void TaskTiming::n_tile(const NmpGemm& gemm, const GemmTerms& g, std::int64_t columns, Pipeline& p) const {
  const double page = system_.dram.organization.page_bytes();
  const std::int64_t k_tile = std::min(gemm.tiling.k_tile, gemm.shape.k);
  for (std::int64_t k0 = 0; k0 < gemm.shape.k; k0 += k_tile) {
    const std::int64_t k_end = std::min(gemm.shape.k, k0 + k_tile);
    double input = 0;
    if (!g.resident) {
      input = g.input * static_cast<double>(k_end - k0) / static_cast<double>(gemm.shape.k) + g.change + g.input_change;
      // Behind a store the banks go from the output's row straight to the input's.
      if (k0 == 0 && (p.store > 0 || (p.late_store > 0 && g.input_waits))) input -= g.change;
      p.waits = p.waits || g.input_waits;
    }
    for (std::int64_t k = k0; k < k_end; k += g.piece_rows) {
      const std::int64_t rows = std::min(g.piece_rows, k_end - k);
      const double bytes = g.bytes_per_element * static_cast<double>(rows * columns);
      // Rows begun; where the banks come back from another tensor, that has opened the first.
      double rows_begun = std::ceil((p.position + bytes) / page - 1e-9) - std::ceil(p.position / page - 1e-9);
      const bool back = p.position == 0 || input > 0 || p.store > 0;
      if (back && std::fmod(p.position + 1e-6, page) < 1e-3) rows_begun -= 1;
      p.position += bytes;
      const double load = access_ps(bytes) + std::max(0.0, rows_begun) * g.row_gap;
      const auto cycles = static_cast<double>(TileProgram::compute_cycles(gemm.shape.m, rows, columns, system_.nmp.pe));
      if (!g.double_buffered) p.waits = true;
      p.piece(load + input, cycles * g.cycle);
      input = 0;
    }
  }
  // Loads wait behind a store; the next tile's computation does too when the output buffer holds one tile.
  const double store = g.change + g.store_row * static_cast<double>(columns);
  if (g.output_waits) {
    p.late_store = store;
  } else {
    p.store = store + g.store_change;
  }
}

double TaskTiming::nmp_gemm_end(const NmpGemm& gemm, double start, double& due) const {
  const GemmTerms g = gemm_terms(gemm);
  const std::int64_t columns = ceil_div<std::int64_t>(gemm.shape.n, gemm.pes_per_gemm);
  const std::int64_t tile = std::min(gemm.tiling.n_tile, columns);
  const double first_row = ck_ * system_.dram.timing.n_rcd;
  Pipeline p{start, 0, 0, 0, true, 0, 0, g.store_change, g.cycle, row_period_ps(page_accesses_, false), hb_refresh_, period_, due};
  p.idle(start, start);
  p.store = first_row + (g.resident ? g.input + g.input_change : 0);
  for (std::int64_t first = 0; first < columns; first += tile) n_tile(gemm, g, std::min(tile, columns - first), p);
  return p.end();
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

double TaskTiming::host_end(const std::vector<Extent>& extents, bool write, double start, double& due) const {
  const DramTiming& t = system_.dram.timing;
  const DramOrganization& shape = system_.dram.organization;
  double bursts = 0, rows = 0;
  for (const Extent& e : extents) {
    for (std::int32_t b = 0; b < e.banks; ++b) {
      bursts += static_cast<double>(ceil_div<std::int64_t>(e.bytes_of_bank(b), shape.access_bytes()));
      rows += static_cast<double>(ceil_div<std::int64_t>(e.bytes_of_bank(b), shape.page_bytes()));
    }
  }
  if (bursts == 0) return start;
  const double bus = (bursts - 1) * t.n_bl_min;
  const double acts = std::floor((rows - 1) / 4) * t.n_faw + std::fmod(rows - 1, 4) * t.n_rrd;
  const double commands = 2 * rows + bursts - 1;
  const double latency = 1 + t.n_rcd + (write ? t.n_cwl : t.n_cl) + t.n_bl_min;
  double end = after_idle(start, host_refresh_, due) + ck_ * (latency + std::max({bus, acts, commands}));
  for (; due < end; due += period_) end += host_refresh_;
  return end;
}

double TaskTiming::npu_gemm_end(const NpuGemm& gemm, double start) const {
  const DramTiming& t = system_.dram.timing;
  std::map<std::int32_t, double> bytes;
  for (const Extent& e : gemm.stationary) bytes[e.channel] += static_cast<double>(e.bytes());
  double most = 0;
  for (const auto& [channel, sum] : bytes) most = std::max(most, sum);
  const auto chunks = static_cast<double>(gemm.chunks);
  const double load = ck_ * t.n_bl_min * most / system_.dram.organization.access_bytes() / chunks;
  const double compute = static_cast<double>(systolic_cycles(gemm.shape, system_.npu)) / chunks * 1e6 / system_.npu.clock_mhz;
  double due = first_due();
  while (due < start) due += period_;
  double now = start + ck_ * (1 + t.n_rcd + t.n_cl);
  for (std::int32_t chunk = 0; chunk < gemm.chunks; ++chunk) {
    const double computed = chunk > 0 ? now + compute : now;
    double loaded = now + load;
    for (; due < loaded; due += period_) loaded += host_refresh_;
    now = std::max(computed, loaded);
    for (; due + host_refresh_ < now; due += period_) {
    }
  }
  return now + compute;
}

double TaskTiming::vector_ps(const VectorWork& work) const {
  return static_cast<double>(vector_cycles(vector_operations(work, system_.npu), work.units, system_.npu)) * 1e6 / system_.npu.clock_mhz;
}

double TaskTiming::block_ps(const Block& block) const {
  struct Channel {
    double free = 0;
    double due = 0;
    bool in_nmp = false, used = false, wrote = false;
  };
  std::map<std::int32_t, Channel> channels;
  const auto channel = [&](std::int32_t id) -> Channel& { return channels.try_emplace(id, Channel{0, first_due()}).first->second; };
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
        end = arrays = npu_gemm_end(task.npu, start);
        break;
      }
      case TaskKind::npu_vector:
        end = vectors = std::max(ready, vectors) + vector_ps(task.vector);
        break;
      case TaskKind::nmp_gemm: {
        Channel& c = channel(task.channel);
        double start = std::max(ready, c.free);
        if (!c.in_nmp) start += enter_ps(c.used, c.wrote);
        end = nmp_gemm_end(task.nmp, start, c.due);
        c.in_nmp = !task.nmp.leave_mode;
        c.free = c.in_nmp ? end : end + leave_ps();
        c.used = false;
        break;
      }
      default: {
        Channel& c = channel(task.channel);
        const double start = std::max(ready, c.free);
        const bool write = task.kind != TaskKind::host_load;
        end = c.free = host_end(task.extents, write, start, c.due);
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
