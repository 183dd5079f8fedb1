#include "models/system/validate/validate_tasks.hpp"

#include <algorithm>
#include <numeric>
#include <set>
#include <utility>

#include "models/base/quantity.hpp"
#include "models/schedule/schedule_names.hpp"

namespace bondsim::schedule_checks {
namespace {

std::int64_t bytes_of(const std::vector<Extent>& extents) {
  std::int64_t sum = 0;
  for (const Extent& e : extents) sum += e.bytes();
  return sum;
}

/// Sizes beyond this are no schedule's, and would overflow sums.
constexpr std::int64_t largest_offset = std::int64_t{1} << 48;
constexpr std::int64_t largest_delay = 1'000'000'000'000'000;

/// Checks of one task, with the task at hand.
class TaskChecker {
 public:
  TaskChecker(const BlockView& view, std::int32_t index) : v_(view), i_(index), t_(view.task(index)), org_(view.system.dram.organization) {}

  void run() const {
    check_operator();
    check_executor();
    check_dependencies();
    if (t_.delay.value < 0 || t_.delay.value > largest_delay) fail("a delay of {} ps, allowed: 0 to {}", t_.delay.value, largest_delay);
    switch (t_.kind) {
      case TaskKind::nmp_gemm:
        check_nmp();
        break;
      case TaskKind::npu_gemm:
        check_npu();
        break;
      case TaskKind::npu_vector:
        check_vector();
        break;
      case TaskKind::nmp_vector:
        check_nmp_vector();
        break;
      case TaskKind::barrier:
        break;
      default:
        if (t_.extents.empty()) fail("nothing to move, extents are expected");
        check_extents("extents", t_.extents, false);
    }
  }

 private:
  template <class... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    v_.raise(i_, fmt::format(format, std::forward<Args>(args)...));
  }

  bool on_channel() const { return t_.kind != TaskKind::npu_gemm && t_.kind != TaskKind::npu_vector && t_.kind != TaskKind::barrier; }

  /// Of a task that is not on a channel.
  ExecutorId npu_executor() const {
    if (t_.kind == TaskKind::npu_gemm) return ExecutorId::arrays();
    return t_.kind == TaskKind::npu_vector ? ExecutorId::vector_units() : ExecutorId();
  }

  void check_operator() const {
    const auto count = static_cast<std::int32_t>(v_.header.operators.size());
    if (t_.op < (t_.kind == TaskKind::barrier ? -1 : 0) || t_.op >= count) fail("operator {}, the header has {}", t_.op, count);
  }

  void check_executor() const {
    if (on_channel() != t_.on_channel() || (!on_channel() && t_.executor != npu_executor())) {
      fail("runs on {}, allowed: {}", executor_name(t_.executor, v_.header.channels),
           on_channel() ? "a channel" : executor_name(npu_executor(), v_.header.channels));
    }
    if (!on_channel()) return;
    if (t_.channel() < 0 || t_.channel() >= v_.system.channel_count()) {
      fail("channel {}, the system has 0 to {}", t_.channel(), v_.system.channel_count() - 1);
    }
    if (t_.beside_banks() && !v_.system.has_pes(t_.channel())) fail("a normal channel has no PEs");
  }

  void check_dependencies() const {
    for (const std::int32_t on : t_.dependencies) {
      if (on < 0 || on >= i_) fail("waits for task {}, allowed: earlier tasks of the block (so that there is no cycle)", on);
    }
    std::vector<std::int32_t> sorted = t_.dependencies;
    std::sort(sorted.begin(), sorted.end());
    const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
    if (twice != sorted.end()) fail("waits for task {} twice", *twice);
  }

  void check_extents(const char* name, const std::vector<Extent>& extents, bool any_channel) const {
    for (const Extent& e : extents) {
      if (!any_channel && e.channel != t_.channel()) fail("{} lie on channel {}, the task runs on {}", name, e.channel, t_.channel());
      if (e.channel < 0 || e.channel >= v_.system.channel_count())
        fail("{} lie on channel {}, which the system does not have", name, e.channel);
      for (const std::int64_t x : {e.bank_offset, e.bytes_per_bank, e.extra_bytes}) {
        if (x < 0 || x > largest_offset) fail("{} with an offset or size of {} bytes", name, x);
      }
      if (e.first_bank < 0 || e.banks < 1 || e.banks > org_.banks() || e.first_bank > org_.banks() - e.banks) {
        fail("{} in {} banks from {} on, a channel has 0 to {}", name, e.banks, e.first_bank, org_.banks() - 1);
      }
      if (e.groups < 1 || e.banks % e.groups != 0) fail("{} in {} banks, which are not {} equal groups", name, e.banks, e.groups);
      if (e.longer_banks < 0 || e.longer_banks >= e.group_banks() || e.bytes() == 0) {
        fail("{} of {} bytes a bank, {} more in {} of {} banks", name, e.bytes_per_bank, e.extra_bytes, e.longer_banks, e.banks);
      }
      if (e.bank_offset + e.max_bytes_per_bank() > org_.bank_bytes()) {
        fail("{} reach byte {} of a bank of {}", name, e.bank_offset + e.max_bytes_per_bank(), org_.bank_bytes());
      }
      const std::int64_t unit = org_.access_bytes();
      if (e.bank_offset % unit != 0 || e.bytes_per_bank % unit != 0 || e.extra_bytes % unit != 0) {
        fail("{} at byte {} of {} bytes a bank are not whole accesses of {}", name, e.bank_offset, e.max_bytes_per_bank(), unit);
      }
    }
  }

  void check_shape(const GemmShape& s, const OperandBits& b) const {
    if (!plausible(s)) fail("a GEMM of count {}, m {}, n {}, k {}", s.count, s.m, s.n, s.k);
    for (const Element& bits : {b.activation, b.stationary, b.output, b.accumulator}) {
      if (bits.parts < 1 || bits.parts > 64 * Element::unit) fail("elements of {} bits", bits);
    }
  }

  void check_pair(const std::vector<MultiplyConfig>& formats, const OperandBits& b) const {
    if (!multiplication(formats, b.activation, b.stationary)) {
      fail("{} x {}, the engine multiplies {}", b.activation, b.stationary, pairs_text(formats));
    }
  }

  void check_nmp() const {
    const NmpGemm& g = t_.nmp;
    check_shape(g.shape, g.bits);
    check_pair(v_.system.nmp_of(t_.channel()).formats, g.bits);
    const std::int64_t pes = org_.banks();
    if (g.pes_per_gemm < 1 || g.pes_per_gemm > pes || g.first_pe < 0 || g.first_pe > pes || g.shape.count > pes ||
        g.first_pe + g.shape.count * g.pes_per_gemm > pes) {
      fail("{} GEMMs on {} PEs each from PE {} on, a channel has {}", g.shape.count, g.pes_per_gemm, g.first_pe, org_.banks());
    }
    if (g.k_parts < 1 || g.pes_per_gemm % g.k_parts != 0)
      fail("{} PEs a GEMM cut K in {} parts, allowed: a divisor of them", g.pes_per_gemm, g.k_parts);
    check_extents("input", g.input, false);
    check_extents("stationary", g.stationary, false);
    check_extents("output", g.output, false);
    check_extents("partials", g.partials, false);
    check_tiles(g);
    check_total("input", bytes_of(g.input), bytes_of(g.shape.count * g.shape.m * g.shape.k, g.bits.activation));
    check_pe_bytes("stationary", g.stationary, 0, g.bits.stationary);
    check_pe_bytes("output", g.output, g.shape.m, g.bits.output);
  }

  void check_tiles(const NmpGemm& g) const {
    const NmpConfig& nmp = v_.system.nmp_of(t_.channel());
    const auto& tile = g.tiling;
    if (tile.n_tile < 1 || tile.k_tile < 1) fail("tiles of {} columns and {} elements of K", tile.n_tile, tile.k_tile);
    if (tile.k_piece < 0) fail("pieces of {} elements of K", tile.k_piece);
    const auto buffer = [](double kib) { return static_cast<std::int64_t>(kib * 1024); };
    const std::int64_t columns = std::min(tile.n_tile, ceil_div<std::int64_t>(g.shape.n, g.pes_per_product()));
    const GemmShape products = g.pe_products();
    const std::int64_t k = std::min(tile.k_tile, products.k);
    const std::int64_t weights = bytes_of(columns, g.bits.stationary);
    const std::int64_t weight_room = buffer(nmp.pe.weight_buffer_kib) / (nmp.pe.double_buffered_weights ? 2 : 1);
    if (weights > weight_room) fail("one row of a weight tile of {} bytes, the weight buffer holds {}", weights, weight_room);
    const std::int64_t inputs = products.count * bytes_of(products.m * k, g.bits.activation);
    if (inputs > buffer(nmp.input_buffer_kib))
      fail("an input tile of {} bytes, the input buffer holds {}", inputs, buffer(nmp.input_buffer_kib));
    const std::int64_t sums = bytes_of(g.shape.m * columns, g.bits.accumulator);
    if (sums > buffer(nmp.pe.output_buffer_kib)) {
      fail("accumulators of {} bytes, the output buffer holds {}", sums, buffer(nmp.pe.output_buffer_kib));
    }
    if (tile.order == LoopOrder::input_stationary && k < products.k && g.partials.empty()) {
      fail("input stationary with several tiles of K has partial sums to spill, but no room for them");
    }
  }

  void check_total(const char* name, std::int64_t found, std::int64_t needed) const {
    const std::int64_t slack = unit() * org_.banks() * (1 + t_.nmp.shape.count);
    if (found < needed || found >= needed + slack) fail("{} of {} bytes, {} are needed", name, found, needed);
  }

  std::int64_t unit() const { return std::lcm<std::int64_t>(org_.access_bytes(), std::max(1, v_.system.nmp.hb.access_bytes)); }

  /// Elements of K that a PE has, and columns.
  std::pair<std::int64_t, std::int64_t> part_of_pe(std::int64_t local) const {
    const NmpGemm& g = t_.nmp;
    if (local < 0 || local >= g.shape.count * g.pes_per_gemm) return {0, 0};
    const std::int64_t pes = g.pes_per_product(), part = local % g.pes_per_gemm / pes, pe = local % pes;
    const std::int64_t k = g.shape.k / g.k_parts + (part < g.shape.k % g.k_parts ? 1 : 0);
    return {k, k == 0 ? 0 : g.shape.n / pes + (pe < g.shape.n % pes ? 1 : 0)};
  }

  /// Each PE's columns lie in its own bank.
  /// @param elements of a column; 0: the PE's part of K
  void check_pe_bytes(const char* name, const std::vector<Extent>& extents, std::int64_t elements, const Element& bits) const {
    const NmpGemm& g = t_.nmp;
    std::vector<std::int64_t> found(static_cast<std::size_t>(org_.banks()), 0);
    std::vector<std::int64_t> pieces(found.size(), 0);
    for (const Extent& e : extents) {
      for (int b = 0; b < e.banks; ++b) {
        found[static_cast<std::size_t>(e.first_bank + b)] += e.bytes_of_bank(b);
        ++pieces[static_cast<std::size_t>(e.first_bank + b)];
      }
    }
    for (std::int64_t pe = 0; pe < org_.banks(); ++pe) {
      const auto bank = static_cast<std::size_t>(pe);
      const auto [k, columns] = part_of_pe(pe - g.first_pe);
      const std::int64_t per_column = elements > 0 ? elements : k;
      const std::int64_t needed = bytes_of(columns * per_column, bits);
      // Rows of less than a byte's multiple are padded one by one.
      const std::int64_t slack =
          pieces[bank] * unit() + (!bits.whole_bytes() ? (per_column + columns) * std::max<std::int64_t>(1, pieces[bank]) : 0);
      if (found[bank] < needed || found[bank] > needed + slack) {
        fail("{} of PE {}: {} bytes in its bank, {} are needed", name, pe, found[bank], needed);
      }
    }
  }

  void check_npu() const {
    const NpuGemm& g = t_.npu;
    check_shape(g.shape, g.bits);
    check_pair(v_.system.npu.formats, g.bits);
    check_extents("stationary", g.stationary, true);
    if (g.chunks < 1) fail("{} chunks, allowed: at least 1", g.chunks);
    const std::int64_t needed = bytes_of(g.shape.count * g.shape.n * g.shape.k, g.bits.stationary);
    const std::int64_t found = bytes_of(g.stationary);
    if (g.stationary.empty()) {
      const std::int64_t brought = brought_before();
      if (brought < needed && (brought == 0 || !brought_with_others_before()))
        fail("no stationary operand, and host_loads of {} bytes before it, {} are needed", brought, needed);
      return;
    }
    std::int64_t pieces = 0;
    for (const Extent& e : g.stationary) pieces += e.banks;
    if (found < needed || found > 2 * needed + pieces * unit()) fail("stationary operand of {} bytes, {} are needed", found, needed);
  }

  /// Whether the tasks of the same work up to this one have what they need together, a load counted once: columns are cut by their place in
  /// a bank, and where some banks have a column less the last piece of them is smaller.
  bool brought_with_others_before() const {
    std::int64_t needed = 0;
    std::set<std::int32_t> loads;
    for (std::int32_t i = 0; i <= i_; ++i) {
      const Task& t = v_.task(i);
      if (t.kind != TaskKind::npu_gemm || t.npu.part.work != t_.npu.part.work || !t.npu.stationary.empty()) continue;
      needed += bytes_of(t.npu.shape.count * t.npu.shape.n * t.npu.shape.k, t.npu.bits.stationary);
      for (const std::int32_t d : t.dependencies) {
        if (v_.task(d).kind == TaskKind::host_load && v_.task(d).op == t.op) loads.insert(d);
      }
    }
    std::int64_t brought = 0;
    for (const std::int32_t load : loads) brought += bytes_of(v_.task(load).extents);
    return brought >= needed;
  }

  /// Bytes that the host_loads of the same operator bring which the task waits for; those of others where it has none: V that is a part of
  /// K comes with K.
  std::int64_t brought_before() const {
    std::int64_t own = 0, others = 0;
    for (const std::int32_t d : t_.dependencies) {
      const Task& load = v_.task(d);
      if (load.kind == TaskKind::host_load) (load.op == t_.op ? own : others) += bytes_of(load.extents);
    }
    return own > 0 ? own : others;
  }

  void check_elements() const {
    const VectorWork& w = t_.vector;
    if (w.kind == VectorKind::none || w.elements < 1 || w.elements > largest_offset)
      fail("vector work '{}' on {} elements", enum_name(w.kind), w.elements);
  }

  /// Its operands and results are in the input buffer together, and each element worked on has its place in both.
  void check_nmp_vector() const {
    check_elements();
    const NmpConfig& nmp = v_.system.nmp_of(t_.channel());
    if (nmp.vector.lanes < 1) fail("the channel has no vector unit");
    check_extents("input", t_.nmp.input, false);
    check_extents("output", t_.nmp.output, false);
    const std::int64_t in = bytes_of(t_.nmp.input), out = bytes_of(t_.nmp.output);
    const auto room = static_cast<std::int64_t>(nmp.input_buffer_kib * 1024);
    if (v_.system.fidelity.finite_buffers && in + out > room) {
      fail("operands of {} bytes and results of {}, the input buffer holds {}", in, out, room);
    }
    if (in == 0 || out == 0) fail("operands of {} bytes and results of {}", in, out);
  }

  void check_vector() const {
    const VectorWork& w = t_.vector;
    const int units = v_.system.npu.vector_units;
    check_elements();
    if (w.first_unit < 0 || w.units < 0 || w.units > units || w.first_unit > units - std::max(w.units, 1)) {
      fail("{} vector units from {} on, the NPU has {}", w.units, w.first_unit, units);
    }
  }

  const BlockView& v_;
  std::int32_t i_;
  const Task& t_;
  const DramOrganization& org_;
};

}  // namespace

bool plausible(const GemmShape& s) {
  double macs = 1;
  for (const std::int64_t x : {s.count, s.m, s.n, s.k}) {
    if (x < 1 || x > (std::int64_t{1} << 40)) return false;
    macs *= static_cast<double>(x);
  }
  return macs < 1e17;
}

void check_task(const BlockView& view, std::int32_t i) { TaskChecker(view, i).run(); }

}  // namespace bondsim::schedule_checks
