#include <gtest/gtest.h>

#include <fstream>
#include <iterator>

#include "models/energy/model.hpp"
#include "models/system/energy_counts.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/mapping_setup.hpp"

/// Energies of an LPDDR5X die from its currents, against sums made by hand. 1 mA x 1 V x 1 ns = 1 pJ; 1 mW for 1 us = 1000 pJ.
namespace bondsim::testing {
namespace {

EnergyTable table(const std::string& name = "lpddr5x-currents") {
  const ConfigNode node = load_yaml_file(config_path("energy/" + name));
  auto decoded = decode_document<EnergyTable>(node, "energy", "bondsim.energy/1");
  validate(decoded, node, "energy");
  return decoded;
}

/// The H2-LLM channel: 4 GB, two dies of 16 Gb.
EnergyContext channel(EnergyColumn column = EnergyColumn::maximum) {
  EnergyContext context;
  context.pe_clock_mhz = 600;
  context.channel_bytes = std::int64_t{4} << 30;
  context.page_bytes = 2048;
  context.column = column;
  return context;
}

double pj(const EnergyModel& model, const EnergyCounts& counts, EnergyComponent component) {
  return static_cast<double>(model.energy(counts)[static_cast<std::size_t>(component)].value) * 1e-6;
}

TEST(Currents, a_row_opened_and_closed_costs_idd0_over_its_standby) {
  EnergyCounts one;
  one.activates = 1;
  // VDD2H: 53 x 60 - 40 x 42 - 32.5 x 18 = 915 mA ns, x 1.05 V. VDD1: 3.8 x 60 - 2.8 x 42 - 1.5 x 18 = 83.4 mA ns, x 1.8 V.
  EXPECT_NEAR(pj(EnergyModel(table(), channel()), one, EnergyComponent::dram_activate), 960.75 + 150.12, 1e-3);
  // Typical: half of it. 457.5 x 1.05 + 41.7 x 1.8.
  EXPECT_NEAR(pj(EnergyModel(table(), channel(EnergyColumn::typical)), one, EnergyComponent::dram_activate), 480.375 + 75.06, 1e-3);
}

TEST(Currents, a_read_pays_its_core_rails_as_array_and_its_pins_as_io) {
  EnergyCounts burst;
  burst.host_read_bits = 256;
  // Core: (350 x 1.05 + 15.2 x 1.8) mW / 120 Gb/s = 3.2905 pJ/bit. Pins: 111.3 x 0.5 / 120 = 0.46375; the NPU's side 3.18 more.
  const EnergyModel maximum(table(), channel());
  EXPECT_NEAR(pj(maximum, burst, EnergyComponent::dram_array), 842.368, 1e-3);
  EXPECT_NEAR(pj(maximum, burst, EnergyComponent::offchip_io), 118.72 + 256 * 3.18, 1e-3);
  // Typical: (210 x 1.05 + 9.12 x 1.8) / 120 = 1.9743; (111.9 - 0.342) x 0.5 / 120 = 0.464825.
  const EnergyModel typical(table(), channel(EnergyColumn::typical));
  EXPECT_NEAR(pj(typical, burst, EnergyComponent::dram_array), 505.4208, 1e-3);
  EXPECT_NEAR(pj(typical, burst, EnergyComponent::offchip_io), 118.9952 + 256 * 3.18, 1e-3);
}

TEST(Currents, a_write_costs_less_than_a_read_and_its_pins_are_the_other_side_s) {
  EnergyCounts burst;
  burst.host_write_bits = 256;
  // (225 x 1.05 + 13.7 x 1.8) mW / 120 Gb/s = 2.17425 pJ/bit; VDDQ draws no more than in standby.
  EXPECT_NEAR(pj(EnergyModel(table(), channel()), burst, EnergyComponent::dram_array), 556.608, 1e-3);
  EXPECT_NEAR(pj(EnergyModel(table(), channel()), burst, EnergyComponent::offchip_io), 256 * 3.18, 1e-3);
  EXPECT_NEAR(pj(EnergyModel(table(), channel(EnergyColumn::typical)), burst, EnergyComponent::dram_array), 278.304, 1e-3);
}

TEST(Currents, an_access_behind_the_port_pays_the_array_s_share_of_the_core_and_no_pins) {
  EnergyCounts access;
  access.hb_read_bits = 512;
  // 0.164 x 3.2905 x 512; the port 0.88 x 512.
  const EnergyModel model(table(), channel());
  EXPECT_NEAR(pj(model, access, EnergyComponent::dram_array), 276.2967, 1e-3);
  EXPECT_NEAR(pj(model, access, EnergyComponent::hb_io), 450.56, 1e-3);
  EXPECT_EQ(pj(model, access, EnergyComponent::offchip_io), 0);
  EXPECT_NEAR(static_cast<double>(model.estimated(access).value) * 1e-6, 276.2967, 1e-3);
}

TEST(Currents, refab_of_a_32_gb_channel_is_that_of_two_dies) {
  EnergyCounts refab;
  refab.refreshed_rows = 256;  // 131,072 rows of 16 banks in 8192 REFab
  // 2 dies x (205 - 32.5) mA x 1.05 V x 280 ns.
  EXPECT_NEAR(pj(EnergyModel(table(), channel()), refab, EnergyComponent::dram_refresh), 101430, 1e-3);
  EXPECT_NEAR(pj(EnergyModel(table(), channel(EnergyColumn::typical)), refab, EnergyComponent::dram_refresh), 84186.9, 1e-3);
  EXPECT_NEAR(refresh_pj(*table().currents, EnergyColumn::maximum), 50715, 1e-9);
}

TEST(Currents, refpb_pays_for_the_rows_of_its_banks) {
  System system = h2llm_system();
  system.energy = table();
  ChannelCounts commands;
  commands.refreshes_per_bank = 1;  // two banks, 16 rows each: an eighth of a REFab
  const EnergyModel model = energy_model(system);
  EXPECT_NEAR(pj(model, energy_counts(0, commands, system), EnergyComponent::dram_refresh), 101430.0 / 8, 1e-3);
  commands.refreshes_per_bank = 0;
  commands.refreshes_all_bank = 1;
  EXPECT_NEAR(pj(model, energy_counts(0, commands, system), EnergyComponent::dram_refresh), 101430, 1e-3);
}

TEST(Currents, standby_is_idd2n_and_idd3n_while_a_row_is_open) {
  EnergyCounts microsecond;
  microsecond.channel_time_ps = 1'000'000;
  const EnergyModel maximum(table(), channel());
  // 2 dies x (32.5 x 1.05 + 1.5 x 1.8) = 73.65 mW.
  EXPECT_NEAR(pj(maximum, microsecond, EnergyComponent::dram_background), 73650, 1e-3);
  microsecond.rows_open_ps = 1'000'000;
  // 2 dies x (40 x 1.05 + 2.8 x 1.8 + 0.6 x 0.5) = 94.68 mW.
  EXPECT_NEAR(pj(maximum, microsecond, EnergyComponent::dram_background), 94680, 1e-3);
  microsecond.rows_open_ps = 250'000;
  EXPECT_NEAR(pj(maximum, microsecond, EnergyComponent::dram_background), 0.75 * 73650 + 0.25 * 94680, 1e-3);
  // Typical, all precharged: 2 x (18.525 x 1.05 + 0.855 x 1.8) = 41.9805 mW; powers are whole microwatts a rail.
  microsecond.rows_open_ps = 0;
  EXPECT_NEAR(pj(EnergyModel(table(), channel(EnergyColumn::typical)), microsecond, EnergyComponent::dram_background), 41980.5, 1);
}

TEST(Currents, power_down_is_idd2p_where_the_rail_gives_it) {
  double maximum_mw = 0;
  const EnergyTable t = table();
  for (const RailCurrents& rail : t.currents->rails) maximum_mw += rail_energy(*t.currents, rail, EnergyColumn::maximum).power_down_mw;
  EXPECT_NEAR(maximum_mw, 3.9 * 1.05 + 1.5 * 1.8, 1e-12);
}

TEST(Currents, a_channel_of_less_than_a_die_refreshes_fewer_rows_but_stands_by_whole) {
  EnergyContext half = channel();
  half.channel_bytes = std::int64_t{1} << 30;  // 8 Gb
  EnergyCounts counts;
  counts.channel_time_ps = 1'000'000;
  EXPECT_NEAR(pj(EnergyModel(table(), half), counts, EnergyComponent::dram_background), 36825, 1e-3);
  counts.refreshed_rows = 64;
  EXPECT_NEAR(pj(EnergyModel(table(), half), counts, EnergyComponent::dram_refresh), 50715.0 / 2, 1e-3);
}

/// The typical column follows from the maximum one by the ratios its source gives; a slip of the pen in either shows here.
TEST(Currents, typical_column_is_the_maximum_one_times_the_published_ratios) {
  const EnergyTable t = table();
  const CurrentTable& c = *t.currents;
  const double t_rp = c.t_rc_ns - c.t_ras_ns;
  for (const RailCurrents& r : c.rails) {
    const Current zero{};
    const Current precharged = r.idd2n.value_or(zero), active = r.idd3n.value_or(precharged);
    EXPECT_NEAR(precharged.typical_ma, 0.57 * precharged.maximum_ma, 1e-4) << r.rail;
    EXPECT_NEAR(active.typical_ma, 0.57 * active.maximum_ma, 1e-4) << r.rail;
    const double standby = (active.maximum_ma * c.t_ras_ns + precharged.maximum_ma * t_rp) / c.t_rc_ns;
    const auto expect = [&](const std::optional<Current>& current, double below, double ratio) {
      if (!current) return;
      EXPECT_NEAR(current->typical_ma, 0.57 * below + ratio * (current->maximum_ma - below), 1e-4) << r.rail;
    };
    expect(r.idd0, standby, 0.5);
    expect(r.idd4w, active.maximum_ma, 0.5);
    expect(r.idd5, precharged.maximum_ma, 0.83);
    if (r.io) continue;  // its read current is given as typical
    expect(r.idd4r, active.maximum_ma, 0.6);
  }
}

TEST(Currents, rails_share_the_dram_s_energy_and_sums_of_parts_are_exact) {
  const EnergyModel model(table(), channel());
  EnergyCounts a;
  a.activates = 7919;
  a.host_read_bits = 104'729 * 256;
  a.host_write_bits = 7907 * 256;
  a.hb_read_bits = 99'991 * 512;
  a.refreshed_rows = 4096;
  a.channel_time_ps = 987'654'321;
  a.rows_open_ps = 123'456'789;
  EnergyCounts both = a;
  both *= 3;
  both += a;
  EXPECT_EQ(total_of(model.energy(both)).value, total_of(model.energy(a)).value * 4);
  Attojoules rails, others;
  for (const Attojoules rail : model.by_rail(a)) rails += rail;
  others += Attojoules(static_cast<WideInt>(3.18e6) * a.host_bits() + static_cast<WideInt>(0.88e6) * a.hb_bits());
  EXPECT_TRUE(total_of(model.energy(a)) == rails + others);
  EXPECT_EQ(model.rails(), (std::vector<std::string>{"VDD2H", "VDD1", "VDDQ"}));
}

/// Easy numbers. Standby of the core while a row opens and closes: (16 x 40 + 10 x 20) / 60 = 14 mA; 12.5 GB/s = 100 Gb/s.
EnergyTable round_currents() {
  const auto ma = [](double of) { return Current{of, of, "", Confidence::measured}; };
  EnergyTable t;
  t.offchip_io = {3, "pJ/bit", "", "", Confidence::measured};
  CurrentTable& c = t.currents.emplace();
  c.die_gbit = 8;
  c.page_bytes = 1024;
  c.rows_per_refresh = 100;
  c.idd4_bandwidth_gbps = 12.5;
  c.t_rc_ns = 60;
  c.t_ras_ns = 40;
  c.t_rfc_ab_ns = 200;
  c.array_share = {0.25, "share", "", "", Confidence::measured};
  RailCurrents core, pins;
  core.rail = "core";
  core.voltage_v = 2;
  core.idd0 = ma(24);
  core.idd2n = ma(10);
  core.idd3n = ma(16);
  core.idd4r = ma(116);
  core.idd4w = ma(66);
  core.idd5 = ma(60);
  pins.rail = "pins";
  pins.voltage_v = 0.5;
  pins.io = true;
  pins.idd2n = ma(1);
  pins.idd3n = ma(2);
  pins.idd4r = ma(42);
  pins.idd4w = ma(22);
  pins.idd4w->confidence = Confidence::estimate;
  c.rails = {core, pins};
  return t;
}

/// Two dies of 8 Gb, counted rows of two pages. The bus costs 3 pJ a bit over what the DRAM's pins take.
TEST(Currents, every_count_costs_current_times_voltage_times_time) {
  struct Price {
    const char* what;
    std::int64_t EnergyCounts::*count;
    EnergyComponent component;
    double core_pj, pins_pj, bus_pj;
  };
  const EnergyComponent array = EnergyComponent::dram_array, io = EnergyComponent::offchip_io, rest = EnergyComponent::dram_background;
  const std::vector<Price> prices = {
      {"row", &EnergyCounts::activates, EnergyComponent::dram_activate, 2400, 0, 0},         // 2 x (24 - 14) x 2 V x 60 ns
      {"refresh", &EnergyCounts::refreshed_rows, EnergyComponent::dram_refresh, 400, 0, 0},  // 2 x (60 - 10) x 2 V x 200 ns / 100 rows
      {"read's core", &EnergyCounts::host_read_bits, array, 2, 0, 0},                        // (116 - 16) x 2 V / 100 Gb/s
      {"read's pins", &EnergyCounts::host_read_bits, io, 0, 0.2, 3},                         // (42 - 2) x 0.5 V / 100 Gb/s
      {"write's core", &EnergyCounts::host_write_bits, array, 1, 0, 0},                      // (66 - 16) x 2 V / 100 Gb/s
      {"write's pins", &EnergyCounts::host_write_bits, io, 0, 0.1, 3},                       // (22 - 2) x 0.5 V / 100 Gb/s
      {"results' pins", &EnergyCounts::buffer_read_bits, io, 0, 0.2, 3},                     // a read's, past the banks
      {"inputs' pins", &EnergyCounts::buffer_write_bits, io, 0, 0.1, 3},                     // a write's
      {"port's read", &EnergyCounts::hb_read_bits, array, 0.5, 0, 0},                        // a quarter of the core's
      {"port's write", &EnergyCounts::hb_write_bits, array, 0.25, 0, 0},                     // likewise
      {"standby", &EnergyCounts::channel_time_ps, rest, 0.04, 0.001, 0},                     // 2 x 10 x 2 V, 2 x 1 x 0.5 V: mW
      {"open rows", &EnergyCounts::rows_open_ps, rest, 0.024, 0.001, 0},                     // 2 x 6 x 2 V, 2 x 1 x 0.5 V
  };
  EnergyContext two_dies = channel();
  two_dies.channel_bytes = std::int64_t{2} << 30;
  const EnergyModel model(round_currents(), two_dies);
  for (const Price& p : prices) {
    EnergyCounts counts;
    counts.*p.count = 1000;
    EXPECT_NEAR(pj(model, counts, p.component), 1000 * (p.core_pj + p.pins_pj + p.bus_pj), 1e-6) << p.what;
    double core = 0, pins = 0, all = 0;
    for (const Price& other : prices) {
      if (other.count != p.count) continue;
      core += 1000 * other.core_pj;
      pins += 1000 * other.pins_pj;
      all += 1000 * (other.core_pj + other.pins_pj + other.bus_pj);
    }
    EXPECT_NEAR(static_cast<double>(total_of(model.energy(counts)).value) * 1e-6, all, 1e-6) << p.what << ": nothing else";
    const auto rails = model.by_rail(counts);
    ASSERT_EQ(rails.size(), 2U);
    EXPECT_NEAR(static_cast<double>(rails[0].value) * 1e-6, core, 1e-6) << p.what;
    EXPECT_NEAR(static_cast<double>(rails[1].value) * 1e-6, pins, 1e-6) << p.what;
    // The pins' write current is the one estimate.
    const bool writes = p.count == &EnergyCounts::host_write_bits || p.count == &EnergyCounts::buffer_write_bits;
    EXPECT_NEAR(static_cast<double>(model.estimated(counts).value) * 1e-6, writes ? 100 : 0, 1e-6) << p.what;
  }
}

/// Error of loading the shipped file when `from` in it is replaced by `to`.
std::string error_with(const std::string& from, const std::string& to) {
  std::ifstream in(config_path("energy/lpddr5x-currents"));
  std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  text.replace(at, from.size(), to);
  try {
    const ConfigNode node = parse_yaml(text, "energy.yaml");
    validate(decode_document<EnergyTable>(node, "energy", "bondsim.energy/1"), node, "energy");
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(Currents, errors_name_the_key_and_what_is_allowed) {
  const std::string entry = "{value: 1, unit: pJ, boundary: b, source: s, confidence: paper}";
  EXPECT_NE(error_with("hb_io:", "activate: " + entry + "\nhb_io:").find("energy.activate: currents price it already"), std::string::npos);
  EXPECT_NE(error_with("maximum_ma: 390", "maximum_ma: 39").find("energy.currents.rails[0]: VDD2H draws less than in the standby state"),
            std::string::npos);
  EXPECT_NE(error_with("t_ras_ns: 42", "t_ras_ns: 60").find("energy.currents.t_ras_ns: 60 ns, allowed: less than t_rc_ns"),
            std::string::npos);
  EXPECT_NE(error_with("value: 0.164", "value: 1.5").find("energy.currents.array_share: 1.5 share, allowed: 0 to 1"), std::string::npos);
}

TEST(EnergyTable, the_unit_of_every_entry_is_checked) {
  int entries = 0;
  for (const char* file : {"energy/detailed", "energy/lpddr5x-currents"}) {
    const ConfigNode whole = load_yaml_file(config_path(file));
    for (const auto& [key, entry] : whole.entries) {
      if (entry.find("unit") == nullptr) continue;
      ConfigNode changed = whole;
      apply_override(changed, key + ".unit", "furlong");
      const auto read = [&] { validate(decode_document<EnergyTable>(changed, "energy", "bondsim.energy/1"), changed, "energy"); };
      EXPECT_NE(test::error_of(read).find("energy." + key + ".unit: 'furlong' found, allowed: "), std::string::npos) << file << " " << key;
      ++entries;
    }
  }
  EXPECT_GT(entries, 15);
}

}  // namespace
}  // namespace bondsim::testing
