#include "tools/app/validation/predictions.hpp"

#include <gtest/gtest.h>

#include "tests/support/command.hpp"
#include "tests/support/error_of.hpp"

namespace bondsim::tools {
namespace {

using test::ScratchDirectory;

CsvTable cases() {
  return CsvTable::parse(
      "phase,step,operator,executor,B,M,N,K\n"
      "prefill,0,q,NPU,1,8,512,512\n"
      "prefill,0,(step),,,,,\n"
      "decode,1,q,NMP,1,1,512,512\n",
      "experiment");
}

std::vector<double> seconds(const std::string& text) {
  const ScratchDirectory scratch;
  return read_predictions(scratch.write("p.csv", text), cases()).seconds;
}

std::string fault(const std::string& text) {
  return test::error_of([&] { seconds(text); });
}

TEST(Predictions, are_found_by_operator_phase_and_step_in_any_order) {
  EXPECT_EQ(seconds("operator,phase,step,latency_s\nq,decode,1,3e-6\nq,prefill,0,1e-3\n"), (std::vector<double>{1e-3, 0, 3e-6}));
  EXPECT_EQ(seconds("latency_s,step,phase,operator,note\n,0,prefill,q,none\n2e-3,0,prefill,(step),x\n"), (std::vector<double>{0, 2e-3, 0}));
}

TEST(Predictions, of_a_validate_csv_are_its_cycle_results) {
  EXPECT_EQ(seconds("operator,phase,step,cycle_latency_s,detailed_latency_s\nq,decode,1,3e-6,5\n"), (std::vector<double>{0, 0, 3e-6}));
  EXPECT_EQ(seconds("operator,phase,step,cycle_latency_s,latency_s\nq,decode,1,3e-6,5\n"), (std::vector<double>{0, 0, 5}));
}

TEST(Predictions, missing_columns_are_named_all_at_once) {
  const std::string message = fault("operator,seconds\nq,1\n");
  EXPECT_NE(message.find("p.csv:1: columns missing: phase, step, latency_s; found: operator, seconds"), std::string::npos) << message;
}

TEST(Predictions, a_row_that_fits_no_case_is_named) {
  EXPECT_NE(fault("operator,phase,step,latency_s\nk,decode,1,1\n").find("p.csv:2: operator: k in decode, step 1 is no case"),
            std::string::npos);
  EXPECT_NE(
      fault("operator,phase,step,latency_s\nq,decode,1,1\nq,decode,1,2\n").find("p.csv:3: operator: q in decode, step 1 stands twice"),
      std::string::npos);
  EXPECT_NE(fault("operator,phase,step,M,latency_s\nq,decode,1,2,1\n").find("M: 2 found, the operator has 1"), std::string::npos);
  EXPECT_NE(fault("operator,phase,step,latency_s\nq,decode,1,-1\n").find("p.csv:2: latency_s"), std::string::npos);
}

TEST(Predictions, a_template_that_is_filled_in_is_read_back) {
  CsvTable filled = CsvTable::parse(prediction_template(cases()), "template");
  ASSERT_EQ(filled.rows(), 3u);
  for (std::size_t row = 0; row < 3; ++row) {
    EXPECT_FALSE(filled.has(row, "latency_s"));
    filled.set_number(row, "latency_s", 0.5 * static_cast<double>(row + 1));
  }
  EXPECT_EQ(seconds(filled.to_text()), (std::vector<double>{0.5, 1, 1.5}));
}

}  // namespace
}  // namespace bondsim::tools
