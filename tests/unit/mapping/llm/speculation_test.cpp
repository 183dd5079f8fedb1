#include "mapping/llm/speculation.hpp"

#include <gtest/gtest.h>

#include "mapping/llm/workload.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/paths.hpp"

namespace bondsim {
namespace {

/// A workload whose speculation has these keys.
std::string error_of_drafts(const std::string& keys) {
  const std::string text = "schema: bondsim.workload/1\nname: t\nbatch: 1\nprompt_tokens: 8\ngenerated_tokens: 8\nspeculation: {" + keys +
                           ", acceptance: [0.5]}\n";
  return test::error_of([&] { decode_workload(parse_yaml(text, tests::source_dir() + "/configs/workload/given.yaml")); });
}

const std::string model = "draft: model, model: ../model/llama-3.2-1b.yaml, dataflow: ../dataflow/fc_offloading.yaml";

TEST(Speculation, a_tree_has_at_most_256_drafts_over_all_its_levels) {
  EXPECT_EQ(error_of_drafts("draft: layers, layers: 1, depth: 2, width: [15, 16]"), "no error") << "15 + 240";
  EXPECT_NE(error_of_drafts("draft: layers, layers: 1, depth: 2, width: [16, 16]")
                .find("more than 256 drafts a verification, allowed: at most 256"),
            std::string::npos)
      << "16 + 256";
  EXPECT_EQ(error_of_drafts("draft: layers, layers: 1, depth: 7, width: [2]"), "no error") << "2 + 4 + ... + 128 = 254";
  EXPECT_NE(error_of_drafts("draft: layers, layers: 1, depth: 8, width: [2]").find("more than 256"), std::string::npos);
}

TEST(Speculation, only_chains_are_drafted_beside_their_verification) {
  EXPECT_EQ(error_of_drafts(model + ", depth: 3, schedule: parallel"), "no error");
  EXPECT_EQ(error_of_drafts(model + ", depth: 3, width: [1], schedule: parallel"), "no error");
  EXPECT_NE(error_of_drafts(model + ", depth: 2, width: [1, 2], schedule: parallel")
                .find("'parallel' found with a tree of drafts, allowed: serial"),
            std::string::npos);
}

}  // namespace
}  // namespace bondsim
