#include "mapping/search/dataflow/rows.hpp"

#include <gtest/gtest.h>

#include "mapping/cost/forms/make_cost_model.hpp"

namespace bondsim::search {
namespace {

TEST(SearchRows, unknown_search_is_an_error_and_what_does_not_fit_is_said) {
  const std::string header = "search,model,prompt_len,gen_len,batch,nmp_channels,fpu_num,freq_mhz,pe_bw_gbps\n";
  CsvTable wrong = CsvTable::parse(header + "full,opt,157,67,1,6,8,600,25.6\n", "rows.csv");
  try {
    search_rows(*cost::make_cost_model("h2llm-roofline"), {}, wrong);
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_STREQ(e.what(), "rows.csv:2: search: 'full' is not known, allowed: no, specpim");
  }
  CsvTable large = CsvTable::parse(header + "no,opt,157,67,32,6,8,600,25.6\nno,opt,157,67,1,6,8,600,25.6\n", "rows.csv");
  EXPECT_EQ(search_rows(*cost::make_cost_model("h2llm-roofline"), {}, large), 1);
  EXPECT_EQ(large.text(0, "total_latency_s_per_layer"), "");
  EXPECT_EQ(large.text(0, "dataflow").substr(0, 11), "infeasible:");
  EXPECT_GT(large.number(1, "total_latency_s_per_layer", 0, 1), 0);
}

}  // namespace
}  // namespace bondsim::search
