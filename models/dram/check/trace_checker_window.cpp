#include <algorithm>

#include "models/dram/check/trace_checker.hpp"

/// Traces that begin in the middle of a run: what held before is learned from the first commands that need it.
namespace bondsim {

/// Holds commands back until one tells the mode.
void TraceChecker::await_mode(const CommandRecord& record) {
  held_.push_back(record);
  switch (record.command) {
    case C::nrd:
    case C::nwr:
    case C::mode_normal:
      in_nmp_ = true;
      return judge_held();
    case C::act2:
    case C::rd:
    case C::wr:
    case C::cas_rd:
    case C::cas_wr:
    case C::mode_nmp:
      return judge_held();
    default:
      return;
  }
}

void TraceChecker::judge_held() {
  mode_known_ = true;
  std::vector<CommandRecord> held;
  held.swap(held_);
  for (const CommandRecord& record : held) judge(record);
}

/// The row was opened before the window.
void TraceChecker::learn_row(Row& row) {
  row.unknown = false;
  row.row = now_.row;
  row.opened = now_;
}

void TraceChecker::learn_all_closed() {
  for (std::size_t b = 0; b < banks_.size(); ++b) {
    for (Row& row : banks_[b].rows) row.unknown = row.unknown && !in_rank(b);
  }
}

Picoseconds TraceChecker::longest_distance() const {
  const DramTiming& t = dram_.timing;
  const std::int64_t cycles =
      std::max<std::int64_t>({cycles_of(t.t_rfc_ab_ns), cycles_of(t.t_rfc_pb_ns), t.n_rc, t.n_faw, t.n_ras,
                              t.n_cwl + t.n_bl_max + t.n_wtr_l, t.n_cwl + t.n_bl_min + t.n_wr, t.n_rtw, t.n_cl + t.n_bl_min + t.n_rtrs});
  const std::int64_t hb = has_nmp_ ? nmp_.hb.access_ps() + span(std::max(t.n_wr, t.n_wtr_l)) : 0;
  return Picoseconds(std::max({span(cycles), hb, mode_change_ps_}));
}

}  // namespace bondsim
