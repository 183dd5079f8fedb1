#include "models/energy/currents.hpp"

namespace bondsim {

RailEnergy rail_energy(const CurrentTable& table, const RailCurrents& rail, EnergyColumn column) {
  const auto milliamperes = [column](const std::optional<Current>& current, double standby) {
    return current ? current->of(column) : standby;
  };
  const double precharged = milliamperes(rail.idd2n, 0);
  const double active = milliamperes(rail.idd3n, precharged);
  const double t_rp = table.t_rc_ns - table.t_ras_ns;
  const double standby = (active * table.t_ras_ns + precharged * t_rp) / table.t_rc_ns;
  const double gbit_per_s = 8 * table.idd4_bandwidth_gbps;
  const double refresh = (milliamperes(rail.idd5, precharged) - precharged) * rail.voltage_v * table.t_rfc_ab_ns;
  RailEnergy energy;
  energy.activate_pj = (milliamperes(rail.idd0, standby) - standby) * rail.voltage_v * table.t_rc_ns;
  energy.read_pj_per_bit = (milliamperes(rail.idd4r, active) - active) * rail.voltage_v / gbit_per_s;
  energy.write_pj_per_bit = (milliamperes(rail.idd4w, active) - active) * rail.voltage_v / gbit_per_s;
  energy.refreshed_row_pj = refresh / table.rows_per_refresh;
  energy.precharge_standby_mw = precharged * rail.voltage_v;
  energy.active_standby_mw = active * rail.voltage_v;
  energy.power_down_mw = milliamperes(rail.idd2p, precharged) * rail.voltage_v;
  return energy;
}

double refresh_pj(const CurrentTable& table, EnergyColumn column) {
  double sum = 0;
  for (const RailCurrents& rail : table.rails) sum += rail_energy(table, rail, column).refreshed_row_pj * table.rows_per_refresh;
  return sum;
}

}  // namespace bondsim
