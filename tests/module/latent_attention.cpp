#include <gtest/gtest.h>

#include <string>

#include "mapping/emit/mapper.hpp"
#include "models/system/validate/validator.hpp"
#include "sim/simulate.hpp"
#include "tests/support/mapping_setup.hpp"
#include "tools/app/processes/isolate.hpp"

/// A small model of DeepSeek-V2's kind, simulated: one cache for K and V, in dataflows that ship.
namespace bondsim {
namespace {

Model small(bool value_copy) {
  return decode_model(parse_yaml(fmt::format(R"(schema: bondsim.model/1
name: small
layers: 3
hidden: 512
intermediate: 1024
query_heads: 8
kv_heads: 1
head_dim: 160
vocab: 2048
max_context: 4096
gated_ffn: true
activation: silu
norm: rms_norm
position: rotary
mla: {{q_rank: 128, kv_rank: 128, rope_dim: 32, nope_dim: 64, v_dim: 64, absorbed: true, value_copy: {}}}
moe: {{experts: 12, top_k: 3, intermediate: 256, shared_intermediate: 512, first_dense: 1, routing: zipf}}
)",
                                             value_copy),
                                 "small.yaml"));
}

/// Decode time in picoseconds of a whole run; its schedule is validated on the way.
std::int64_t decode_ps(const std::string& how, bool value_copy, int batch) {
  return std::stoll(run_isolated([&] {
    const System system = testing::h2llm_system();
    auto schedule = validated(system, make_schedule(system, small(value_copy), testing::lengths(batch, 300, 3), testing::dataflow(how)));
    const Results results = simulate(system, *schedule);
    return std::to_string(results.decode().value);
  }));
}

TEST(LatentAttention, runs_in_a_data_centric_dataflow_on_the_nmp_channels) {
  const std::int64_t grouped = decode_ps("data_centric_latent", false, 2);
  EXPECT_GT(grouped, 0);
  // Groups wait for one another; splits bring the normal channels in.
  EXPECT_LT(grouped, 3 * decode_ps("all_on_pes", false, 2));
}

TEST(LatentAttention, one_cache_costs_the_sums_of_the_pes) {
  for (const char* how : {"all_on_pes", "fc_offloading"}) {
    const std::int64_t one = decode_ps(how, false, 1), two = decode_ps(how, true, 1);
    EXPECT_LT(one, two * 3 / 2) << how;
    if (std::string(how) == "fc_offloading") {
      EXPECT_NEAR(static_cast<double>(one), static_cast<double>(two), 0.02 * static_cast<double>(two))
          << "the NPU reads as much either way";
    }
  }
}

}  // namespace
}  // namespace bondsim
