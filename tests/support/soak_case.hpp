#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "mapping/llm/graph.hpp"
#include "tests/support/command.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/random_dataflow.hpp"
#include "tools/app/experiment/experiment.hpp"

/// Random small experiments as a user would give them: a shipped one, values changed, and a dataflow file of its own.
namespace bondsim::test {

struct SoakCase {
  std::uint64_t seed = 0;
  bool serves = false;
  std::string model;                   ///< shipped
  std::string dataflow;                ///< text of a file
  std::vector<std::string> overrides;  ///< key=value

  /// The command that runs it, with the dataflow in `file`.
  std::string command(const std::string& file) const {
    std::string line =
        std::string(serves ? "serve" : "run") + " h2llm-llama3-8b-sharegpt --allow-illegal --model " + model + " --dataflow " + file;
    for (const std::string& o : overrides) line += " --set '" + o + "'";
    return line;
  }

  tools::Experiment load(const std::string& file) const {
    tools::ExperimentRequest request;
    request.file = config_path("experiment/h2llm-llama3-8b-sharegpt.yaml");
    request.model = config_path("model/" + model + ".yaml");
    request.dataflow = file;
    request.serves = serves;
    request.allow_illegal = true;
    request.overrides = overrides;
    return tools::load_experiment(request);
  }
};

/// @param scratch takes a dataflow file while the machine that the dataflow is drawn for is loaded
inline SoakCase draw_soak_case(std::uint64_t seed, const ScratchDirectory& scratch) {
  Random r(seed);
  SoakCase c;
  c.seed = seed;
  c.serves = seed % 5 == 4;
  c.model = r.one_of<const char*>(
      {"llama-3-8b", "opt-6.7b", "palm-8b", "gemma-2-2b", "phi-2", "mixtral-8x7b", "llama-3-8b-w4a16", "llama-3-8b-kv8"});
  const auto set = [&](const std::string& key, const std::string& value) { c.overrides.push_back(key + "=" + value); };
  const auto draw = [&](const std::string& key, std::initializer_list<const char*> values) { set(key, r.one_of<const char*>(values)); };
  const auto number = [&](const std::string& key, std::int64_t lo, std::int64_t hi) { set(key, std::to_string(r.between(lo, hi))); };
  number("system.channels.nmp", 1, 6);
  number("system.channels.normal", 0, 2);
  const auto port = r.between(0, 2);
  set("system.nmp.hb.bandwidth_gbps", std::vector<std::string>{"12.8", "25.6", "51.2"}[static_cast<std::size_t>(port)]);
  set("system.nmp.hb.access_bytes", std::vector<std::string>{"32", "64", "128"}[static_cast<std::size_t>(port)]);
  draw("system.nmp.pe.fpus", {"2", "4", "8"});
  draw("system.nmp.pe.clock_mhz", {"400", "600", "1000"});
  draw("system.nmp.pe.weight_buffer_kib", {"8", "32"});
  draw("system.nmp.pe.output_buffer_kib", {"1", "4"});
  draw("system.nmp.pe.double_buffered_weights", {"true", "true", "false"});
  draw("system.nmp.input_buffer_kib", {"8", "32"});
  draw("system.nmp.activate_policy", {"all_bank", "all_bank", "staggered"});
  draw("system.nmp.subarray_overlap", {"false", "false", "true"});
  draw("system.npu.arrays", {"1", "8"});
  draw("system.npu.prefetch", {"false", "false", "true"});
  draw("system.npu.fused_attention", {"false", "true"});
  draw("system.controller.refresh", {"all_bank", "all_bank", "per_bank"});
  draw("system.controller.page_policy", {"open", "closed"});
  set("model.hidden", "256");
  draw("model.intermediate", {"256", "512"});
  set("model.vocab", "640");
  number("model.layers", 1, 2);
  if (c.serves) {
    draw("serving.batch.policy", {"static", "prefill_first", "decode_first", "chunked_prefill", "co_processing"});
    number("serving.batch.max_batch", 1, 4);
    set("serving.batch.chunk_tokens", "16");
    number("serving.requests.limit", 1, 5);
    draw("serving.requests.rate_per_s", {"100", "10000"});
    number("serving.requests.prompt_tokens", 1, 30);
    number("serving.requests.output_tokens", 1, 6);
    set("serving.requests.longest_prompt", "60");
    set("serving.requests.longest_output", "12");
    set("serving.kv.context_tokens", "128");
    number("serving.requests.seed", 1, 1000);
  } else {
    number("workload.batch", 1, 3);
    number("workload.prompt_tokens", 1, 40);
    number("workload.generated_tokens", 1, 3);
    draw("workload.layers", {"one", "all"});
  }
  c.dataflow = file_text(config_path("dataflow/npu_only.yaml"));
  const tools::Experiment machine = c.load(scratch.write("any.yaml", c.dataflow));
  c.dataflow = testing::RandomDataflow(seed, machine.system, layer_graph(machine.model)).draw();
  return c;
}

}  // namespace bondsim::test
