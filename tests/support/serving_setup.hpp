#pragma once
#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

#include "tests/support/mapping_setup.hpp"
#include "tools/app/processes/isolate.hpp"
#include "tools/app/serving/serve.hpp"

/// Serving in tests: the chat setting on the H2-LLM device with a small model.
namespace bondsim::tools {

inline Experiment chat(std::vector<std::string> overrides, const std::string& dataflow = "fc_offloading") {
  ExperimentRequest request;
  request.file = testing::config_path("experiment/h2llm-llama3-8b-sharegpt");
  request.model = testing::config_path("model/llama-3.2-1b");
  request.dataflow = testing::config_path("dataflow/" + dataflow);
  request.serves = true;
  request.overrides = std::move(overrides);
  return load_experiment(request);
}

/// What the command writes as serving.json.
inline nlohmann::json served(const Experiment& experiment, ServingTier tier) {
  return nlohmann::json::parse(run_isolated([&] {
    ServeOptions options;
    options.tier = tier;
    return serving_json(experiment, serve(experiment, options), tier);
  }));
}

}  // namespace bondsim::tools
