#include "tools/app/serving/profile.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace bondsim::tools
