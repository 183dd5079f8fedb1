#include "mapping/search/device/device_dataflow.hpp"

#include <gtest/gtest.h>

#include "tests/support/mapping_setup.hpp"

namespace bondsim::search {
namespace {

const cost::LayerOperator& operator_of(const cost::Layer& layer, const std::string& name) {
  for (const cost::LayerOperator& op : layer.operators) {
    if (op.name == name) return op;
  }
  throw std::out_of_range(name);
}

/// Llama-3-8B has 8 KV heads of 128 elements of 2 B: 2048 B of K a token, and 8192 tokens at most. Three requests of 3000 + 500 tokens.
TEST(LayerOf, caches_are_as_long_as_asked_for_and_no_longer_than_the_model) {
  const Model model = testing::model("llama-3-8b");
  const Workload workload = testing::lengths(3, 3000, 500);
  for (const char* product : {"qk", "sv"}) {
    for (const auto& [asked, tokens] : std::vector<std::pair<std::int64_t, std::int64_t>>{{2048, 2048}, {8192, 8192}, {100'000, 8192}}) {
      const cost::Layer layer = layer_of(model, workload, asked, "f.yaml");
      const cost::LayerOperator& op = operator_of(layer, product);
      EXPECT_EQ(op.stationary_bytes, static_cast<double>(3 * 2048 * tokens)) << product << " of " << asked;
      const std::int64_t context = std::string(product) == "qk" ? op.decode.n : op.decode.k;
      EXPECT_EQ(context, asked == 2048 ? 2048 : 3500) << product << " of " << asked;
    }
  }
}

}  // namespace
}  // namespace bondsim::search
