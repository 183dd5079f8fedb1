#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "tests/golden/compact.hpp"
#include "tests/support/command.hpp"

/// Runs of the command compared with figures committed beside this file, to the last digit. `tools/approve` rewrites them.
namespace bondsim::test {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

bool set(const char* variable) {
  const char* text = std::getenv(variable);
  return text != nullptr && *text != 0;
}

/// One run with its file `name`.golden.
struct Golden {
  std::string name;
  std::string arguments;  ///< of `bondsim run`
  bool always;            ///< otherwise only with BONDSIM_GOLDEN_ALL: the decode of a host-only machine takes 50 s
  bool under_sanitizers = false;
};

std::ostream& operator<<(std::ostream& out, const Golden& golden) { return out << golden.name; }

std::string shipped_run(const std::string& experiment) { return "configs/experiment/" + experiment + ".yaml"; }

/// Shipped experiments as they are. Three of them simulate in seconds; the others always run with fewer generated tokens.
std::vector<Golden> golden_runs() {
  std::vector<Golden> runs;
  for (const char* quick : {"h2llm-llama3-8b-sharegpt", "h2llm-opt-6.7b-sharegpt", "h2llm-palm-8b-sharegpt"}) {
    runs.push_back({quick, shipped_run(quick), true});
  }
  runs.push_back({"fc-offloading", shipped_run("h2llm-llama3-8b-sharegpt") + " --dataflow configs/dataflow/fc_offloading.yaml", true});
  for (const char* slow : {"cp-llama3-8b-sharegpt", "h2llm-llama3-8b-sharegpt-attention-offloading", "id-nmp-llama3-8b-sharegpt",
                           "id-nmp-plus-llama3-8b-sharegpt", "npu-only-llama3-8b-sharegpt", "speculation-llama3-8b-draft-1b-npu",
                           "speculation-llama3-8b-draft-1b-pes", "speculation-opt-6.7b-draft-125m", "speculation-llama3-8b-first-layers"}) {
    runs.push_back({slow, shipped_run(slow), false});
    runs.push_back({std::string(slow) + ".short", shipped_run(slow) + " --set workload.generated_tokens=16", true});
  }
  const std::string small = shipped_run("h2llm-llama3-8b-sharegpt") + " --set workload.prompt_tokens=24 --set workload.generated_tokens=3";
  runs.push_back(
      {"small-data-centric-batch-4", small + " --dataflow configs/dataflow/data_centric.yaml --set workload.batch=4", true, true});
  runs.push_back({"small-all-layers",
                  small + " --set workload.layers=all --set model.layers=3 --set model.hidden=1024 --set model.intermediate=2048"
                          " --set model.vocab=4096",
                  true, true});
  return runs;
}

std::string golden_file(const Golden& golden) {
  return (std::filesystem::path(bondsim::tests::source_dir()) / "tests/golden" / (golden.name + ".golden")).string();
}

class GoldenRun : public testing::TestWithParam<Golden> {};

TEST_P(GoldenRun, figures_are_as_approved) {
  const Golden& golden = GetParam();
  if (sanitized && !golden.under_sanitizers) GTEST_SKIP() << "takes minutes under the sanitizers";
  if (!golden.always && !set("BONDSIM_GOLDEN_ALL")) GTEST_SKIP() << "takes up to a minute; BONDSIM_GOLDEN_ALL=1 runs it";
  const ScratchDirectory scratch;
  const CommandResult run = bondsim_command("run " + golden.arguments + " --out " + scratch.file("out"));
  ASSERT_EQ(run.status, 0) << run.output;
  const Compact now = compact_of(nlohmann::json::parse(file_text(scratch.file("out/results.json"))));
  const std::string file = golden_file(golden);
  if (set("BONDSIM_APPROVE")) {
    std::ofstream(file) << to_text(now, "bondsim run " + golden.arguments + "; rewritten by tools/approve");
    return;
  }
  ASSERT_TRUE(std::filesystem::exists(file)) << "tools/approve " << golden.name << " writes it";
  const std::string found = difference(parse_compact(file_text(file)), now);
  EXPECT_EQ(found, "") << "bondsim run " << golden.arguments << " differs from " << file << ":\n"
                       << found << "If the change is meant: tools/approve " << golden.name;
}

INSTANTIATE_TEST_SUITE_P(Shipped, GoldenRun, testing::ValuesIn(golden_runs()), [](const auto& info) {
  std::string name = info.param.name;
  for (char& c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0) c = '_';
  }
  return name;
});

TEST(Golden, every_shipped_experiment_is_among_the_runs) {
  const auto runs = golden_runs();
  for (const auto& entry : std::filesystem::directory_iterator(bondsim::tests::source_dir() + "/configs/experiment")) {
    const std::string name = entry.path().stem().string();
    EXPECT_TRUE(std::any_of(runs.begin(), runs.end(), [&](const Golden& g) { return g.name == name; })) << name;
  }
}

TEST(Golden, a_difference_names_row_cell_and_both_values) {
  const Compact golden = parse_compact("# heading\nrun total_ps=100 steps=5\noperator.decode.q.nmp macs=7\n");
  Compact now = golden;
  EXPECT_EQ(difference(golden, now), "");
  now["run"]["total_ps"] = "103";
  now["run"].erase("steps");
  now["operator.decode.q.npu"] = now["operator.decode.q.nmp"];
  now.erase("operator.decode.q.nmp");
  EXPECT_EQ(difference(golden, now),
            "operator.decode.q.nmp: is gone\nrun steps: is gone, golden 5\nrun total_ps: golden 100, now 103 (+3 %)\n"
            "operator.decode.q.npu: is new\n");
  EXPECT_EQ(difference(golden, now, 1), "operator.decode.q.nmp: is gone\n... and 3 more\n");
  EXPECT_EQ(parse_compact(to_text(golden, "heading")), golden);
}

}  // namespace
}  // namespace bondsim::test
