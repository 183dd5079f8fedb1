#include "models/dram/check/trace_checker.hpp"

/// NMP mode and mode changes.
namespace bondsim {

void TraceChecker::hb_access() {
  const DramTiming& t = dram_.timing;
  Bank& b = bank();
  const bool write = now_.command == C::nwr;
  if (!in_nmp_) return fail("command_in_normal_mode", "an access through an HB port in normal mode", &mode_);
  const std::size_t sub = sub_of(now_.row);
  Row& row = b.rows[sub];
  if (row.unknown) learn_row(row);
  const Seen opened{row.opened, row.row >= 0};
  if (row.row < 0) {
    fail("column_to_closed_bank", "no row is open");
  } else if (row.row != now_.row) {
    fail("column_to_other_row", fmt::format("row {} is open", row.row), &opened);
  }
  const DramOrganization& shape = dram_.organization;
  const int burst_bytes = shape.burst_bytes > 0 ? shape.burst_bytes : shape.device_width_bits * shape.burst_length / 8;
  const auto columns = static_cast<std::int32_t>(nmp_.hb.access_bytes * shape.burst_length / burst_bytes);
  if (now_.column < 0 || now_.column % columns != 0) fail("column_range", "not the first column of an access");
  need_bank(write ? "tRCD_hb_write" : "tRCD_hb_read", C::act1, t.n_rcd_nmp > 0 ? t.n_rcd_nmp : t.n_rcd);
  const Seen access{b.access, b.access_end != long_ago};
  need_ps("hb_bandwidth", access, b.access_end, 0);
  if (!write && b.write_end != long_ago) need_ps("tWTR_hb", access, b.write_end, span(t.n_wtr_l));
  b.access = now_;
  b.access_end = now_.time.value + nmp_.hb.access_ps();
  if (write) b.write_end = b.access_end;
}

void TraceChecker::buffer_burst() {
  const DramTiming& t = dram_.timing;
  if (!in_nmp_) return fail("command_in_normal_mode", "a burst of the PEs' buffers in normal mode", &mode_);
  for (const C earlier : {C::rdb, C::wrb}) need_rank("tCCD_buffer", earlier, t.n_ccd_s);
  const std::int64_t data = now_.time.value + span(now_.command == C::rdb ? t.n_cl : t.n_cwl);
  DataBus& bus = data_bus();
  if (data + 1 < bus.free) fail("data_bus", "data of an earlier burst are on the bus", &bus.user);
  bus.free = data + span(t.n_bl_min);
  bus.user = {now_, true};
}

void TraceChecker::mode_change() {
  const DramTiming& t = dram_.timing;
  const bool to_nmp = now_.command == C::mode_nmp;
  if (!has_nmp_) return fail("mode_of_normal_channel", "the channel has no NMP mode");
  if (to_nmp == in_nmp_) fail("mode_repeated", "the channel is in that mode", &mode_);
  for (std::size_t r = 0; r < ranks_.size(); ++r) {
    now_.bank = static_cast<std::int32_t>(r) * rank_banks();
    if (!all_closed()) fail("mode_with_open_bank", "a row is open");
    learn_all_closed();
    if (!switch_timed_) continue;
    need_rank("tRP_ab_mode", C::prea, t.n_rp_ab);
    need_rank("tRP_pb_mode", C::pre, t.n_rp_pb);
    need_rank("tRFC_ab_mode", C::refab, cycles_of(t.t_rfc_ab_ns));
    need_rank("tRFC_pb_mode", C::refpb, cycles_of(t.t_rfc_pb_ns));
  }
  now_.bank = -1;
  for (const DataBus& bus : buses_) {
    if (bus.free > now_.time.value) fail("mode_in_burst", "data are on the bus", &bus.user);
  }
  if (mode_.any) need_ps("mode_change", mode_, mode_.record.time.value, mode_change_ps_);
  in_nmp_ = to_nmp;
  mode_ = {now_, true};
  for (Bank& b : banks_) {
    if (b.access_end > now_.time.value) fail("mode_in_access", "an access through an HB port is under way");
    b.last[1] = b.last[0];
  }
}

}  // namespace bondsim
