#include "models/dram/check/assumptions.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "models/base/csv_table.hpp"
#include "models/base/error.hpp"

namespace bondsim {
namespace {

/// assumptions.csv of this folder, as CMake found it.
constexpr const char* table =
#include <assumptions.inc>
    ;

constexpr const char* core = "JESD209-5B, core timings";
constexpr const char* columns = "JESD209-5B, column timings in bank-group mode";
constexpr const char* refresh = "JESD209-5B, refresh command scheduling (table 235)";

/// Values of `dram.timing` by key, in cycles of CK.
struct CyclesByKey {
  double ck_mhz = 0;
  std::map<std::string, double> cycles;
  void field(const char* key, int value, const FieldInfo&) { cycles[key] = value; }
  void field(const char* key, double value, const FieldInfo&) { cycles[key] = value * ck_mhz / 1000.0; }
};

struct Density {
  int gigabits;
  double t_rfc_ab_ns, t_rfc_pb_ns, t_pbr2pbr_ns;
};
constexpr Density densities[] = {{2, 130, 60, 60}, {4, 180, 90, 90}, {8, 210, 120, 90}, {16, 280, 140, 90}, {32, 380, 190, 90}};

}  // namespace

const std::vector<Assumption>& assumptions() {
  static const std::vector<Assumption> list = [] {
    const CsvTable rows = CsvTable::parse(table, "assumptions.csv");
    std::vector<Assumption> found;
    for (std::size_t i = 0; i < rows.rows(); ++i) {
      found.push_back({rows.text(i, "rule"), rows.text(i, "claim"), rows.text(i, "value"), rows.text(i, "source")});
    }
    return found;
  }();
  return list;
}

std::vector<DatasheetValue> lpddr5_datasheet(int gigabits, bool lpddr5x) {
  const auto* found = std::find_if(std::begin(densities), std::end(densities), [&](const Density& d) { return d.gigabits == gigabits; });
  check(found != std::end(densities), "LPDDR5 has no die of {} Gb", gigabits);
  const double t_rrd = lpddr5x ? 3.75 : 5.0;
  return {
      {"n_rcd", 18, 2, core},
      {"n_rp_pb", 18, 2, core},
      {"n_rp_ab", 21, 2, core},
      {"n_ras", 42, 3, core},
      {"n_rc", 60, 0, "JESD209-5B: tRAS + tRPpb"},
      {"n_wr", 34, 3, core},
      {"n_rtp", 7.5, 2, core},
      {"n_rrd", t_rrd, 2, core},
      {"n_faw", 4 * t_rrd, 0, core},
      {"n_ppd", 0, 2, core},
      {"n_wtr_s", 6.25, 4, columns},
      {"n_wtr_l", 12, 4, columns},
      {"n_ccd_s", 0, 2, columns},
      {"n_ccd_l", 0, 4, columns},
      {"t_rfc_ab_ns", found->t_rfc_ab_ns, 0, refresh},
      {"t_rfc_pb_ns", found->t_rfc_pb_ns, 0, refresh},
      {"t_pbr2act_ns", 7.5, 0, refresh},
      {"t_pbr2pbr_ns", found->t_pbr2pbr_ns, 0, refresh},
  };
}

std::vector<std::string> faster_than_datasheet(const DramConfig& part, const std::vector<DatasheetValue>& datasheet) {
  DramTiming timing = part.timing;
  CyclesByKey values{timing.ck_mhz, {}};
  fields(values, timing);
  std::vector<std::string> faster;
  for (const DatasheetValue& value : datasheet) {
    const auto found = values.cycles.find(value.key);
    check(found != values.cycles.end(), "'{}' is no key of dram.timing", value.key);
    const double least = std::max<double>(value.ns * timing.ck_mhz / 1000.0, value.cycles);
    if (found->second < least - 1e-3) {
      faster.push_back(fmt::format("{}: {:.3f} tCK, the datasheet asks for {:.3f} ({})", value.key, found->second, least, value.source));
    }
  }
  return faster;
}

}  // namespace bondsim
