#include "models/energy/table.hpp"

#include <gtest/gtest.h>

#include <map>

#include "tests/support/error_of.hpp"

namespace bondsim {
namespace {

std::string entry(const std::string& unit) { return "{value: 1, unit: " + unit + ", boundary: b, source: s, confidence: paper}"; }

EnergyTable read(const std::string& text) {
  const ConfigNode node = parse_yaml("schema: bondsim.energy/1\nname: t\n" + text, "t.yaml");
  auto table = decode_document<EnergyTable>(node, "energy", "bondsim.energy/1");
  validate(table, node, "energy");
  return table;
}

std::string error(const std::string& text) {
  return test::error_of([&] { read(text); });
}

TEST(EnergyTableFile, an_action_that_is_left_out_costs_nothing) {
  const EnergyTable t = read("npu_mac: " + entry("pJ/MAC") + "\n");
  EXPECT_EQ(t.npu_mac.value, 1);
  EXPECT_EQ(t.activate.value, 0);
  EXPECT_EQ(t.pe_sram.value, 0);
  EXPECT_FALSE(t.currents);
  EXPECT_TRUE(t.pe_mac_hybrid_bonded.empty());
}

/// The units that the keys' descriptions give are those that are taken, and no other.
TEST(EnergyTableFile, each_key_takes_one_unit) {
  const std::map<std::string, std::string> units = {
      {"activate", "pJ"},         {"refresh_row", "pJ"},      {"array_host", "pJ/bit"},   {"array_hb", "pJ/bit"}, {"hb_io", "pJ/bit"},
      {"in_die_io", "pJ/bit"},    {"offchip_io", "pJ/bit"},   {"pe_sram", "pJ/bit"},      {"npu_sram", "pJ/bit"}, {"npu_mac", "pJ/MAC"},
      {"vector_op", "pJ/op"},     {"background", "mW"},       {"nmp_vector_op", "pJ/op"}, {"npu_static", "mW"},   {"pe_static", "mW"},
      {"pe_conversion", "pJ/op"}, {"npu_conversion", "pJ/op"}};
  for (const auto& [key, unit] : units) {
    EXPECT_EQ(error(key + ": " + entry(unit) + "\n"), "no error") << key;
    for (const auto& [other, wrong] : units) {
      if (wrong == unit) continue;
      EXPECT_EQ(error(key + ": " + entry(wrong) + "\n"),
                fmt::format("t.yaml:3: energy.{}.unit: '{}' found, allowed: {}", key, wrong, unit));
    }
  }
}

/// A point of a list is named by its place, on its line.
TEST(EnergyTableFile, macs_by_clock_are_checked_point_by_point) {
  for (const std::string key : {"pe_mac_hybrid_bonded", "pe_mac_in_die"}) {
    const auto points = [&](const std::string& second) {
      return key + ":\n  - {clock_mhz: 400, energy: " + entry("pJ/MAC") + "}\n  - {clock_mhz: 800, energy: " + entry(second) + "}\n";
    };
    EXPECT_EQ(error(points("pJ/MAC")), "no error");
    EXPECT_EQ(error(points("pJ/op")), "t.yaml:5: energy." + key + "[1].energy.unit: 'pJ/op' found, allowed: pJ/MAC");
  }
}

TEST(EnergyTableFile, pairs_of_numbers_are_found_by_engine_and_stand_once) {
  const auto pair = [](const char* engine, const char* activation, const char* weight, const char* unit = "pJ/MAC") {
    return fmt::format("  - {{engine: {}, activation: {}, weight: {}, energy: {}}}\n", engine, activation, weight, entry(unit));
  };
  const std::string two = "mac_formats:\n" + pair("pe", "int8", "int8") + pair("npu", "fp16", "int4");
  const EnergyTable t = read(two);
  EXPECT_EQ(t.mac_format(MacEngine::pe, Number::int8, Number::int8), 0);
  EXPECT_EQ(t.mac_format(MacEngine::npu, Number::fp16, Number::int4), 1);
  EXPECT_EQ(t.mac_format(MacEngine::npu, Number::int8, Number::int8), -1) << "another engine";
  EXPECT_EQ(t.mac_format(MacEngine::npu, Number::fp16, Number::int8), -1) << "another weight";
  EXPECT_EQ(t.mac_format(MacEngine::npu, Number::int4, Number::fp16), -1) << "the other way round";
  EXPECT_EQ(error(two + pair("pe", "int8", "int8")), "t.yaml:6: energy.mac_formats[2]: given twice, allowed: once");
  EXPECT_EQ(error(two + pair("npu", "int8", "int8", "pJ/op")),
            "t.yaml:6: energy.mac_formats[2].energy.unit: 'pJ/op' found, allowed: pJ/MAC");
}

}  // namespace
}  // namespace bondsim
