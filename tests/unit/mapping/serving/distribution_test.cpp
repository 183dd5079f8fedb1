#include "mapping/serving/distribution.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace bondsim::serving {
namespace {

TEST(Distribution, of_a_few_values_is_exact) {
  Distribution d;
  for (const std::int64_t v : {10, 40, 20, 30}) d.add(v);
  EXPECT_EQ(d.percentile(0.5), 25);
  EXPECT_DOUBLE_EQ(d.percentile(0.9), 37);
  EXPECT_EQ(d.mean(), 25);
  EXPECT_EQ(d.least(), 10);
  EXPECT_EQ(d.greatest(), 40);
  EXPECT_NEAR(d.deviation(), std::sqrt(125), 1e-9);
  EXPECT_EQ(Distribution().percentile(0.5), 0);
}

TEST(Distribution, of_many_values_is_within_a_twentieth_of_a_percent) {
  std::mt19937_64 random(3);
  std::lognormal_distribution<double> draw(22, 3);
  Distribution d;
  std::vector<std::int64_t> values;
  for (int i = 0; i < 200000; ++i) {
    values.push_back(static_cast<std::int64_t>(draw(random)));
    d.add(values.back());
  }
  std::sort(values.begin(), values.end());
  for (const double p : {0.01, 0.5, 0.9, 0.99, 0.999}) {
    const double exact = static_cast<double>(values[static_cast<std::size_t>(std::llround(p * 199999))]);
    EXPECT_NEAR(d.percentile(p), exact, 0.0005 * exact) << p;
  }
  EXPECT_EQ(d.greatest(), *std::max_element(values.begin(), values.end()));
  EXPECT_EQ(d.percentile(1), static_cast<double>(d.greatest()));
}

TEST(TimeSeries, keeps_the_area_when_its_intervals_double) {
  TimeSeries series;
  double area = 0;
  std::int64_t at = 0;
  std::mt19937_64 random(4);
  for (int i = 0; i < 5000; ++i) {
    const auto length = static_cast<std::int64_t>(random() % 20'000'000'000);
    series.add(at, at + length, i % 7);
    area += static_cast<double>(i % 7) * static_cast<double>(length);
    at += length;
  }
  double sum = 0;
  for (const double mean : series.means()) sum += mean * static_cast<double>(series.width());
  EXPECT_LE(series.means().size(), TimeSeries::bins);
  EXPECT_NEAR(sum, area, 1e-9 * area);
  EXPECT_NEAR(static_cast<double>(series.area()), area, 1e-9 * area);
}

}  // namespace
}  // namespace bondsim::serving
