#include "tools/app/serving/profile.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include "tests/support/experiment_setup.hpp"

namespace bondsim::tools {
namespace {

/// Layers of LLMServingSim 2, and all operators of each.
TEST(ProfileLayer, of_every_operator_is_one_of_llmservingsim) {
  const std::map<std::string, std::vector<std::string>> layers = {
      {"embedding", {"embedding"}},
      {"layernorm", {"norm", "norm_ffn", "post_norm_attention", "post_norm_ffn", "residual", "residual_attention", "residual_ffn"}},
      {"qkv_proj", {"q", "k", "v"}},
      {"qk_norm", {"norm_q", "norm_k"}},
      {"rotary_emb", {"rotary_q", "rotary_k"}},
      {"attention", {"qk", "softmax", "sv", "k_append", "v_append"}},
      {"o_proj", {"o"}},
      {"gate_up_proj", {"f1", "f3"}},
      {"act_fn", {"activation"}},
      {"down_proj", {"f2"}},
      {"moe", {"router", "routing", "combine", "e0.f1", "e12.f2", "e7.activation"}},
      {"final_layernorm", {"final_norm"}},
      {"lm_head", {"lm_head"}},
      {"other", {"e", "e1", "a residual", "x.y"}}};
  for (const auto& [layer, operators] : layers) {
    for (const std::string& op : operators) EXPECT_EQ(profile_layer(op), layer) << op;
  }
}

/// Rows of attention.csv up to the time: chunk of a prompt, tokens before it, requests that decode, their context.
TEST(Profile, attention_has_decode_alone_then_prompts_alone_then_both_and_progress_ends_at_all_of_them) {
  const Experiment experiment = shipped_experiment(
      "h2llm-llama3-8b-sharegpt",
      {"model.hidden=256", "model.intermediate=256", "model.query_heads=2", "model.kv_heads=1", "model.layers=1", "model.vocab=512"});
  ProfileGrids grids;
  grids.requests = 2;
  grids.context = 256;
  grids.tokens = 64;
  std::vector<std::pair<int, int>> progress;
  const ProfileBundle files = llmservingsim_profile(experiment, grids, [&](int done, int all) { progress.emplace_back(done, all); });
  const auto file =
      std::find_if(files.begin(), files.end(), [](const auto& f) { return f.first.find("attention.csv") != std::string::npos; });
  ASSERT_NE(file, files.end());
  std::istringstream lines(file->second);
  std::string line, title;
  std::getline(lines, title);
  EXPECT_EQ(title, "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us");
  std::vector<std::string> rows;
  std::map<std::string, double> us;
  while (std::getline(lines, line)) {
    rows.push_back(line.substr(0, line.rfind(',')));
    us[rows.back()] = std::stod(line.substr(line.rfind(',') + 1));
  }
  EXPECT_EQ(rows, (std::vector<std::string>{"0,0,1,128", "0,0,1,256", "0,0,2,128", "0,0,2,256", "64,0,0,0", "64,0,1,256"}));
  ASSERT_EQ(progress.size(), 13U) << "1, 2, ... 64 tokens of dense layers and 6 rows of attention";
  for (int done = 1; done <= 13; ++done) EXPECT_EQ(progress[static_cast<std::size_t>(done - 1)], std::pair(done, 13));
  EXPECT_GT(us["0,0,1,128"], 0);
  EXPECT_GT(us["0,0,1,256"], us["0,0,1,128"]) << "of a longer context";
  EXPECT_GT(us["64,0,1,256"], us["0,0,1,256"]) << "beside a prompt";
}

}  // namespace
}  // namespace bondsim::tools
