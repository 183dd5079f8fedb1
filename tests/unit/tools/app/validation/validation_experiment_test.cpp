#include <gtest/gtest.h>

#include <set>

#include "tests/support/experiment_setup.hpp"
#include "tools/app/experiment/experiment.hpp"
#include "tools/app/validation/validation.hpp"

namespace bondsim::tools {
namespace {

TEST(ValidationExperiment, every_operator_alone_names_its_executor) {
  const ValidationSet set = validation_of_experiment(shipped_experiment("h2llm-llama3-8b-sharegpt"), 1);
  std::set<std::string> executors;
  ASSERT_GT(set.cases.size(), 2u);
  for (std::size_t row = 0; row < set.cases.size(); ++row) {
    const bool whole = set.table.text(row, "operator") == "(step)";
    const std::string executor = set.table.has(row, "executor") ? set.table.text(row, "executor") : "";
    EXPECT_EQ(executor, whole ? "" : set.cases[row].kind) << "row " << row;
    executors.insert(executor);
  }
  EXPECT_EQ(executors, (std::set<std::string>{"", "NMP", "NMP and NPU", "NPU", "append", "vector"}));
}

/// 16 rows of sums of 32 bits: a quarter of a KiB holds 4 columns, half of what 8 FPUs take at once.
TEST(ValidationExperiment, names_the_buffer_that_limits_an_operator) {
  const ValidationSet set = validation_of_experiment(
      shipped_experiment("h2llm-llama3-8b-sharegpt", {"workload.batch=16", "system.nmp.pe.output_buffer_kib=0.25"}), 1);
  for (std::size_t row = 0; row < set.cases.size(); ++row) {
    if (set.cases[row].kind != "NMP") continue;
    const std::vector<CycleResult> results = run_cycles({set.cases[row]}, 1, 0);
    EXPECT_EQ(results[0].limiting_buffers.rfind("output buffer (", 0), 0u) << results[0].limiting_buffers;
    return;
  }
  FAIL() << "no operator on PEs";
}

}  // namespace
}  // namespace bondsim::tools
