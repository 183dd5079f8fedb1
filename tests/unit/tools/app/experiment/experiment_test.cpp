#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>

#include "tests/support/command.hpp"
#include "tests/support/paths.hpp"
#include "tools/app/experiment/experiment.hpp"

namespace bondsim::tools {
namespace {

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

/// A search or sweep goes on only with the same experiment: a trace that was edited makes another one.
TEST(Experiment, what_is_in_its_traces_belongs_to_the_digest) {
  const test::ScratchDirectory scratch;
  const std::string configs = bondsim::tests::source_dir() + "/configs/";
  write(scratch.file("workload.yaml"),
        "schema: bondsim.workload/1\nname: t\nprompt_tokens: 16\ngenerated_tokens: 4\n"
        "speculation: {draft: ngram, depth: 2, trace_file: accepted.csv}\n");
  write(scratch.file("serving.yaml"),
        "schema: bondsim.serving/1\nname: t\nkv: {context_tokens: 64}\n"
        "requests: {source: made, arrivals: poisson, rate_per_s: 1, lengths: file, lengths_file: requests.csv, lengths_format: azure, "
        "limit: 2}\n");
  ExperimentRequest request;
  request.file = configs + "system/h2llm.yaml";
  request.model = configs + "model/opt-6.7b.yaml";
  request.dataflow = configs + "dataflow/fc_offloading.yaml";
  ExperimentRequest plain = request, served = request;
  plain.workload = scratch.file("workload.yaml");
  served.serving = scratch.file("serving.yaml");
  served.serves = true;
  const auto edited = [&](const ExperimentRequest& r, const std::string& file, const std::string& before, const std::string& after) {
    write(scratch.file(file), before);
    const Experiment first = load_experiment(r);
    EXPECT_EQ(std::count(first.files.begin(), first.files.end(), scratch.file(file)), 1) << file;
    EXPECT_EQ(load_experiment(r).digest, first.digest);
    write(scratch.file(file), after);
    return load_experiment(r).digest != first.digest;
  };
  EXPECT_TRUE(edited(plain, "accepted.csv", "accepted\n1\n2\n", "accepted\n1\n1\n"));
  const std::string header = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,";
  EXPECT_TRUE(edited(served, "requests.csv", header + "8,4\n", header + "8,5\n"));
}

}  // namespace
}  // namespace bondsim::tools
