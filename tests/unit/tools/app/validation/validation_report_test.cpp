#include "tools/app/validation/validation_report.hpp"

#include <gtest/gtest.h>

namespace bondsim::tools {
namespace {

TEST(ValidationReport, errors_are_shares_of_the_simulated_time) {
  CsvTable table = CsvTable::parse("row\n1\n2\n3\n", "t.csv");
  std::vector<CycleResult> cycles(3);
  cycles[0].latency_s = 2;
  cycles[1].latency_s = 8;
  cycles[2].infeasible = "too large";
  write_columns(table, cycles, {{"form", {3, 4, 1}}});
  EXPECT_DOUBLE_EQ(table.number(0, "form_error_percent", -1e3, 1e3), 50);
  EXPECT_DOUBLE_EQ(table.number(1, "form_error_percent", -1e3, 1e3), -50);
  EXPECT_DOUBLE_EQ(table.number(1, "form_utilisation", 0, 1e3), 0.5);
  EXPECT_EQ(table.text(2, "form_error_percent"), "");
  EXPECT_EQ(table.text(2, "infeasible"), "too large");
}

}  // namespace
}  // namespace bondsim::tools
