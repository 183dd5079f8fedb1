#include <gtest/gtest.h>

#include <regex>
#include <string>

#include "mapping/explain/explain.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

std::ptrdiff_t times(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  return std::distance(std::sregex_iterator(text.begin(), text.end(), regex), std::sregex_iterator());
}

/// With groups and without, each operator is one node, and each edge of the layer one arrow.
TEST(Dot, shows_each_operator_and_each_edge_once) {
  for (const char* name : {"data_centric", "fc_offloading", "npu_only"}) {
    const Plan plan = make_plan(testing::h2llm_system(), testing::model("llama-3-8b"), testing::lengths(1, 16, 2), testing::dataflow(name));
    const std::string dot = to_dot(plan);
    for (OperatorId v = 0; v < plan.layer.size(); ++v)
      EXPECT_EQ(times(dot, "\\n *" + plan.layer[v].name + " \\[label="), 1) << name << "\n" << dot;
    EXPECT_EQ(times(dot, " -> "), static_cast<std::ptrdiff_t>(plan.layer.edges().size())) << name;
    for (const auto& [from, to] : plan.layer.edges()) {
      EXPECT_EQ(times(dot, "  " + plan.layer[from].name + " -> " + plan.layer[to].name + ";"), 1) << name;
    }
    EXPECT_EQ(times(dot, "\\{"), times(dot, "\\}")) << name;
  }
}

TEST(Dot, colours_say_who_runs_an_operator) {
  const Plan plan =
      make_plan(testing::h2llm_system(), testing::model("llama-3-8b"), testing::lengths(1, 16, 2), testing::dataflow("fc_offloading"));
  const std::string dot = to_dot(plan);
  EXPECT_EQ(times(dot, "\\n *f1 \\[label=\"f1\\\\nnmp [^\"]*\", shape=box, fillcolor=\"#d9ead3\"\\];"), 1) << dot;
  EXPECT_EQ(times(dot, "\\n *qk \\[label=\"qk\\\\nnpu [^\"]*\", shape=box, fillcolor=\"#cfe2f3\"\\];"), 1) << dot;
  EXPECT_EQ(times(dot, "\\n *softmax \\[label=\"softmax\", shape=ellipse, fillcolor=\"white\"\\];"), 1) << dot;
}

}  // namespace
}  // namespace bondsim
