#include "models/results/expert_balance.hpp"

#include <gtest/gtest.h>

namespace bondsim {
namespace {

OperatorResult op(const char* name, const char* phase, std::int64_t macs, std::int64_t busy_ps) {
  OperatorResult out;
  out.name = name;
  out.phase = phase;
  out.macs = macs;
  out.busy = Picoseconds(busy_ps);
  return out;
}

TEST(ExpertBalance, names_the_expert_with_most_rows_and_how_far_it_is_from_the_mean) {
  Results r;
  r.operators = {op("e0.f1", "decode", 10, 5),   op("e0.f2", "decode", 10, 5), op("e1.f1", "decode", 60, 10),
                 op("e10.f1", "decode", 40, 40), op("e1.f1", "prefill", 7, 7), op("embedding", "decode", 900, 900),
                 op("ex.f1", "decode", 900, 900)};
  const auto balance = expert_balance(r, "decode");
  ASSERT_TRUE(balance);
  ASSERT_EQ(balance->experts.size(), 3u);
  EXPECT_EQ(balance->experts[balance->busiest].expert, 1);
  EXPECT_DOUBLE_EQ(balance->share_of_macs, 0.5);   // 60 of 120
  EXPECT_DOUBLE_EQ(balance->macs_over_mean, 1.5);  // mean 40
  EXPECT_DOUBLE_EQ(balance->busy_over_mean, 2.0);  // e10: 40 of a mean of 20
  EXPECT_NE(expert_text(r).find("experts in decode: e1 has most of the rows, 50.0 % of 3 experts', 1.50 times the mean"), std::string::npos)
      << expert_text(r);
}

TEST(ExpertBalance, a_model_without_experts_has_none) {
  Results r;
  r.operators = {op("f1", "decode", 10, 5)};
  EXPECT_FALSE(expert_balance(r, "decode"));
  EXPECT_EQ(expert_text(r), "");
}

}  // namespace
}  // namespace bondsim
