#include <gtest/gtest.h>

#include "mapping/search/device/roofline_evaluator.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/paths.hpp"

namespace bondsim::search {
namespace {

const std::string configs = bondsim::tests::source_dir() + "/configs/";

DesignSpace space_of(const std::string& workload, const std::string& parameters, const std::string& more = "") {
  return decode_space(parse_yaml("schema: bondsim.space/1\nname: t\nsystem: " + configs +
                                     "system/h2llm.yaml\nworkloads:\n  - {model: " + configs + "model/opt-6.7b.yaml, workload: " + configs +
                                     "workload/" + workload + ".yaml}\nobjectives: [latency_s]\nparameters: " + parameters + "\n" + more,
                                 "s.yaml"));
}

double decode_s(const DesignSpace& space, const std::string& form = "detailed", Candidate candidate = {}) {
  candidate.resize(space.parameters.size());
  const Evaluation evaluation = RooflineEvaluator(space, form).evaluate(candidate);
  EXPECT_TRUE(evaluation.feasible) << evaluation.reason;
  return evaluation.metrics.at("decode_s");
}

TEST(SpaceSetup, a_space_without_parameters_has_one_candidate) {
  const DesignSpace space = space_of("humaneval", "[]");
  ASSERT_EQ(space.size(), 1);
  EXPECT_EQ(space.text(space.candidate(0)), "");
  EXPECT_EQ(space.candidate(std::string()), Candidate{});
  EXPECT_GT(decode_s(space), 0);
}

TEST(SpaceSetup, keys_reach_the_system_the_models_the_workloads_and_the_rule) {
  const DesignSpace space =
      space_of("humaneval",
               "\n  - {key: workload.batch, values: [1, 4]}\n  - {key: model.layers, values: [32, 16]}\n"
               "  - {key: dataflow, values: [data_centric, compute_centric]}\n  - {key: system.nmp.pe.fpus, values: [8, 2]}\n"
               "  - {key: nmp.pe.clock_mhz, values: [600, 400]}\n");
  const SpaceInputs inputs(space);
  const SpaceSetup first = inputs.setup({0, 0, 0, 0, 0}), last = inputs.setup({1, 1, 1, 1, 1});
  EXPECT_EQ(first.jobs->at(0).workload.batch, 1);
  EXPECT_EQ(last.jobs->at(0).workload.batch, 4);
  EXPECT_EQ(last.jobs->at(0).model.layers, 16);
  EXPECT_EQ(first.rule, BindingRule::data_centric);
  EXPECT_EQ(last.rule, BindingRule::compute_centric);
  EXPECT_EQ(last.system.nmp.pe.fpus, 2);
  EXPECT_EQ(last.system.nmp.pe.clock_mhz, 400);
  EXPECT_NE(first.key, last.key);
  EXPECT_EQ(inputs.setup({0, 0, 0, 1, 1}).key, first.key);  // the system is no part of it
  // An evaluator that judged one never answers with it for another.
  RooflineEvaluator both(space, "h2llm-roofline");
  const double whole = both.evaluate({0, 0, 0, 0, 0}).metrics.at("decode_s");
  EXPECT_LT(both.evaluate({0, 1, 0, 0, 0}).metrics.at("decode_s"), whole * 0.6);
  EXPECT_GT(both.evaluate({1, 0, 0, 0, 0}).metrics.at("decode_s"), whole * 1.001);
}

TEST(SpaceSetup, wrong_keys_and_rules_are_errors) {
  const auto error = [](const std::string& parameters) {
    return test::error_of([&] { SpaceInputs(space_of("humaneval", parameters)).setup({0}); });
  };
  EXPECT_NE(error("[{key: workload.bach, values: [1]}]").find("workload.bach"), std::string::npos);
  EXPECT_NE(error("[{key: dataflow, values: [best]}]").find("allowed: data_centric, compute_centric"), std::string::npos);
}

TEST(SpaceSetup, the_lm_head_reads_its_matrix_every_step) {
  const double with = decode_s(space_of("humaneval", "[]")), without = decode_s(space_of("humaneval", "[]", "lm_head: false\n"));
  // 50272 x 4096 elements of 2 bytes; two normal buses of 51.2 GB/s and 96 ports of at most 25.6 GB/s share them.
  const double bytes = 50272.0 * 4096 * 2;
  const SpaceSetup setup = SpaceInputs(space_of("humaneval", "[]")).setup({});
  const double steps = static_cast<double>(setup.jobs->at(0).workload.generated_tokens);
  EXPECT_GT(with - without, steps * bytes / (96 * 25.6e9 + 2 * 51.2e9));
  EXPECT_LT(with - without, steps * bytes / (96 * 25.6e9) * 3);
}

TEST(SpaceSetup, a_workload_whose_prompts_are_cached_has_no_prefill) {
  const DesignSpace cached = space_of("humaneval", "[{key: workload.prompt_cached, values: ['true']}]");
  const Evaluation evaluation = RooflineEvaluator(cached, "h2llm-roofline").evaluate({0});
  EXPECT_EQ(evaluation.metrics.at("prefill_s"), 0);
  // Nothing is given up for the prefill: decode is as fast as with it, or a little faster.
  const double beside_prefill = decode_s(space_of("humaneval", "[]"), "h2llm-roofline");
  EXPECT_LE(evaluation.metrics.at("decode_s"), beside_prefill);
  EXPECT_GT(evaluation.metrics.at("decode_s"), 0.99 * beside_prefill);
}

TEST(SpaceSetup, drafts_of_no_depth_are_plain_decode_and_those_never_accepted_cost) {
  const std::string acceptance = "  - {key: workload.speculation.acceptance, values: ['[0]', '[1]']}\n";
  const DesignSpace space = space_of("speculation-opt-125m", "\n  - {key: workload.speculation.depth, values: [0, 2]}\n" + acceptance);
  // ShareGPT lengths, as the workload with drafts has them.
  EXPECT_EQ(decode_s(space, "detailed", {0, 0}), decode_s(space_of("sharegpt", "[]")));
  const double plain = decode_s(space, "detailed", {0, 0}), refused = decode_s(space, "detailed", {1, 0}),
               accepted = decode_s(space, "detailed", {1, 1});
  EXPECT_GT(refused, plain);
  EXPECT_NEAR(accepted, refused / 3, refused * 1e-9);  // three tokens a round instead of one
}

TEST(SpaceSetup, drafts_that_a_space_does_not_judge_are_refused) {
  const auto error = [](const std::string& workload, const char* form) {
    return test::error_of([&] { RooflineEvaluator(space_of(workload, "[]"), form); });
  };
  EXPECT_NE(error("speculation-heads", "detailed").find("allowed: drafts by ngram, layers or model"), std::string::npos);
  EXPECT_NE(error("speculation-opt-125m", "h2llm-roofline").find("allowed: --form detailed"), std::string::npos);
}

}  // namespace
}  // namespace bondsim::search
