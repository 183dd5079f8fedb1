#include <gtest/gtest.h>

#include <filesystem>
#include <set>
#include <tuple>

#include "tests/support/paths.hpp"
#include "tools/app/validation/validation_step.hpp"

namespace bondsim::tools {
namespace {

bool power_of_two(double number) { return number >= 1 && std::exp2(std::round(std::log2(number))) == number; }

/// Batches and scratchpads are powers of two, prompts those of H2-LLM's data sets (ISCA'25, section 7), 1024, or of the mixed batch.
TEST(StepSuite, is_of_shipped_files_and_published_lengths) {
  const std::set<int> prompts = {0, 157, 783, 1886, 1024};
  const std::string configs = tests::source_dir() + "/configs/";
  for (const StepSetup& s : step_setups()) {
    EXPECT_TRUE(power_of_two(s.batch)) << s.batch;
    EXPECT_TRUE(power_of_two(s.scratchpad_mib)) << s.scratchpad_mib;
    EXPECT_EQ(prompts.count(s.prompt_tokens), 1U) << s.prompt_tokens;
    for (const std::string& file : {fmt::format("model/{}.yaml", s.model), fmt::format("dataflow/{}.yaml", s.dataflow)})
      EXPECT_TRUE(std::filesystem::exists(configs + file)) << file;
  }
}

TEST(StepSuite, has_28_setups_of_which_none_stands_twice_and_6_are_quick) {
  std::set<std::tuple<std::string, int, int, std::string, double, bool>> setups;
  std::size_t quick = 0;
  for (const StepSetup& s : step_setups()) {
    setups.insert({s.model, s.batch, s.prompt_tokens, s.dataflow, s.scratchpad_mib, s.fused_attention});
    quick += s.quick ? 1 : 0;
  }
  EXPECT_EQ(step_setups().size(), 28U);
  EXPECT_EQ(setups.size(), 28U);
  EXPECT_EQ(quick, 6U);
}

/// A prefill and a decode step of each setup.
TEST(StepSuite, has_two_cases_of_each_setup) {
  const ValidationSet set = step_suite(tests::source_dir() + "/configs/system/h2llm.yaml", true);
  ASSERT_EQ(set.cases.size(), 12U);
  EXPECT_EQ(set.title, "12 whole prefills and decode steps on " + tests::source_dir() + "/configs/system/h2llm.yaml");
  EXPECT_EQ(set.table.to_text(),
            "model,batch,prompt_tokens,dataflow,scratchpad_mib,fused_attention,phase\n"
            "llama-3-8b,1,783,fc_offloading,128,false,prefill\n"
            "llama-3-8b,1,783,fc_offloading,128,false,decode\n"
            "llama-3-8b,4,mixed,fc_offloading,128,true,prefill\n"
            "llama-3-8b,4,mixed,fc_offloading,128,true,decode\n"
            "llama-3-8b,16,783,fc_offloading,32,true,prefill\n"
            "llama-3-8b,16,783,fc_offloading,32,true,decode\n"
            "llama-3-8b-w4a16,16,157,data_centric,128,false,prefill\n"
            "llama-3-8b-w4a16,16,157,data_centric,128,false,decode\n"
            "gemma-2-2b,16,157,npu_only,128,false,prefill\n"
            "gemma-2-2b,16,157,npu_only,128,false,decode\n"
            "mixtral-8x7b-w4a16,4,157,data_centric_experts,128,false,prefill\n"
            "mixtral-8x7b-w4a16,4,157,data_centric_experts,128,false,decode\n");
  for (std::size_t i = 0; i < set.cases.size(); ++i) EXPECT_EQ(set.cases[i].kind, i % 2 == 0 ? "prefill" : "decode") << i;
}

}  // namespace
}  // namespace bondsim::tools
