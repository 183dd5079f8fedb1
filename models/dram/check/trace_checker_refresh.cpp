#include <algorithm>
#include <cmath>

#include "models/dram/check/trace_checker.hpp"

/// Refresh, of all banks and of some, in time; and the counts of activates that refresh management goes by.
namespace bondsim {
namespace {

constexpr std::int64_t most_postponed = 8;  // JESD209-5B: at most 8 refresh commands may be postponed
constexpr std::int64_t most_pulled_in = 8;  // JESD209-5B: and at most 8 pulled in

}  // namespace

void TraceChecker::refresh_all() {
  const DramTiming& t = dram_.timing;
  if (!all_closed()) fail("refresh_with_open_bank", "REFab while a row is open");
  learn_all_closed();
  need_rank("tRP_pb_refresh", C::pre, t.n_rp_pb);
  need_rank("tRP_ab_refresh", C::prea, t.n_rp_ab);
  need_rank("tRFC_ab_refresh", C::refab, cycles_of(t.t_rfc_ab_ns));
  need_rank("tRFC_pb_refresh", C::refpb, cycles_of(t.t_rfc_pb_ns));
  const bool by_rfm = now_.command == C::rfmab;
  lower_counts(0, 1, by_rfm);  // of the rank
  if (!by_rfm) refreshed(t.t_refi_ns);
}

void TraceChecker::refresh_bank() {
  const DramTiming& t = dram_.timing;
  const int banks = rank_banks();
  const int first = static_cast<int>(rank_index()) * banks;
  const int together = std::clamp(static_cast<int>(std::lround(banks * t.t_refi_pb_ns / t.t_refi_ns)), 1, banks);
  const auto refpb = static_cast<std::size_t>(C::refpb);
  for (int i = 0; i < together; ++i) {
    const int b = first + (now_.bank - first + i * (banks / together)) % banks;
    Bank& refreshed = banks_[static_cast<std::size_t>(b)];
    for (const std::size_t sub : {0U, 1U}) {
      refreshed.rows[sub].unknown = false;
      if (refreshed.rows[sub].row >= 0) fail("refresh_with_open_bank", fmt::format("REFpb while bank {} has a row open", b));
      need("tRP_pb_refresh_bank", refreshed.last[sub][static_cast<std::size_t>(C::pre)], t.n_rp_pb);
    }
    need("tRFC_pb_same_bank", refreshed.last[0][refpb], cycles_of(t.t_rfc_pb_ns));
  }
  need_rank("tRP_ab_refresh_bank", C::prea, t.n_rp_ab);
  need_rank("tRFC_ab_refresh", C::refab, cycles_of(t.t_rfc_ab_ns));
  need_rank("tpbR2pbR", C::refpb, cycles_of(t.t_pbr2pbr_ns));
  need_rank("ACT_to_REFpb", C::act1, t.n_rrd);
  for (int i = 0; i < together; ++i) {
    Bank& refreshed = banks_[static_cast<std::size_t>(first + (now_.bank - first + i * (banks / together)) % banks)];
    for (const std::size_t sub : {0U, 1U}) refreshed.last[sub][refpb] = {now_, true};
  }
  const bool by_rfm = now_.command == C::rfmpb;
  lower_counts((now_.bank - first) % (banks / together), banks / together, by_rfm);
  if (!by_rfm) refreshed(t.t_refi_pb_ns);
}

void TraceChecker::refresh_in_time() {
  if (!refresh_checked_) return;
  const auto interval = std::llround(dram_.timing.t_refi_ns * 1000.0 / refresh_rate_);
  const std::int64_t late = now_.time.value - rank().refreshed_until_ps;
  if (late > (most_postponed + 1) * interval) fail("tREFI", fmt::format("refresh is {} ps behind", late));
}

/// A refresh command makes up for `interval_ns` at the lowest rate.
void TraceChecker::refreshed(double interval_ns) {
  refresh_in_time();
  rank().refreshed_until_ps += std::llround(interval_ns * 1000.0 / refresh_rate_);
  if (!refresh_checked_ || !from_begin_) return;
  const auto interval = std::llround(dram_.timing.t_refi_ns * 1000.0 / refresh_rate_);
  const std::int64_t ahead = rank().refreshed_until_ps - now_.time.value;
  if (ahead > most_pulled_in * interval) fail("tREFI_ahead", fmt::format("refresh is {} ps ahead", ahead));
}

/// The bank's row is opened: its count must have room.
void TraceChecker::count_activate() {
  if (raa_.empty()) return;
  const RefreshManagement& part = *dram_.refresh_management;
  std::int64_t& raa = raa_[static_cast<std::size_t>(now_.bank)];
  const std::int64_t most = static_cast<std::int64_t>(part.raa_initial) * part.raa_multiplier;
  if (++raa > most) fail("RAAMMT", fmt::format("activate {} of the bank, at most {} may come before a REF or RFM", raa, most));
}

/// Of banks first_bank, first_bank + step, ... of the rank
void TraceChecker::lower_counts(int first_bank, int step, bool by_rfm) {
  if (raa_.empty()) return;
  const RefreshManagement& part = *dram_.refresh_management;
  const auto by = static_cast<std::int64_t>(part.raa_initial * (by_rfm ? part.raa_decrement : 1.0));
  const std::size_t begin = rank_index() * static_cast<std::size_t>(rank_banks());
  const std::size_t end = begin + static_cast<std::size_t>(rank_banks());
  for (auto b = begin + static_cast<std::size_t>(first_bank); b < end; b += static_cast<std::size_t>(step)) {
    raa_[b] = std::max<std::int64_t>(0, raa_[b] - by);
  }
}

void TraceChecker::finish(Picoseconds t) {
  judge_held();
  now_ = CommandRecord{};
  now_.time = t;
  for (std::size_t r = 0; r < ranks_.size(); ++r) {
    now_.bank = static_cast<std::int32_t>(r) * rank_banks();
    refresh_in_time();
  }
}

}  // namespace bondsim
