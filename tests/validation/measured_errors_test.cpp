#include <gtest/gtest.h>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "tests/support/paths.hpp"
#include "tools/app/validation/judging.hpp"

/// The errors that `estimate` and `dse` print are those of mapping/cost/forms/measured_errors.csv; the quick suites are measured again.
namespace bondsim::test {
namespace {

class MeasuredErrors : public ::testing::TestWithParam<const char*> {};

TEST_P(MeasuredErrors, of_a_quick_suite_are_those_of_the_file) {
  const std::string suite = GetParam();
  tools::ValidationRequest request;
  request.suite = suite;
  const auto [set, judged] = tools::plan_validation(request);
  const auto cycles = tools::run_cycles(set.cases, request.jobs, request.limit_s);
  const CsvTable measured = CsvTable::parse(tools::accuracy_csv(set, cycles, judged), "measured");
  ASSERT_EQ(measured.rows(), cost::cost_model_names().size());
  for (std::size_t row = 0; row < measured.rows(); ++row) {
    const std::string form = measured.text(row, "form");
    const cost::MeasuredError known = cost::measured_error(form, suite);
    const char* again = "tools/measure_errors writes the file anew";
    EXPECT_EQ(known.cases, measured.integer(row, "cases", 0, 1 << 20)) << form << ": " << again;
    EXPECT_NEAR(known.mean_percent, measured.number(row, "mape_percent", 0, 1e9), 0.005) << form << ": " << again;
    EXPECT_NEAR(known.worst_percent, measured.number(row, "worst_percent", -1e9, 1e9), 0.005) << form << ": " << again;
    EXPECT_NEAR(known.kendall_tau, measured.number(row, "kendall_tau", -1, 1), 5e-5) << form << ": " << again;
  }
}

INSTANTIATE_TEST_SUITE_P(Suites, MeasuredErrors, ::testing::Values("quick", "quick_steps"));

/// What `detailed` promises: 3 % on average, 15 % at worst, on operators and on whole steps.
TEST(MeasuredErrors, detailed_is_within_3_percent_on_average_and_15_at_worst) {
  for (const char* suite : {"full", "steps"}) {
    const cost::MeasuredError e = cost::measured_error("detailed", suite);
    EXPECT_LE(e.mean_percent, 3) << suite;
    EXPECT_LE(std::abs(e.worst_percent), 15) << suite;
  }
  EXPECT_GE(cost::measured_error("detailed", "full").cases, 600);
  EXPECT_GE(cost::measured_error("detailed", "steps").cases, 50);
}

TEST(MeasuredErrors, a_suite_or_form_without_a_line_is_an_error) {
  EXPECT_THROW(cost::measured_error("detailed", "nobody"), InternalError);
  EXPECT_THROW(cost::measured_error("nobody", "full"), ConfigError);
}

}  // namespace
}  // namespace bondsim::test
