#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "models/schedule/schedule_json.hpp"
#include "models/system/validate/validator.hpp"
#include "tests/support/command.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/random_dataflow.hpp"

namespace bondsim::test {
namespace {

const std::string experiment = "configs/experiment/h2llm-llama3-8b-sharegpt.yaml";
const std::string narrow =
    " --set workload.prompt_tokens=8 --set workload.generated_tokens=2 --set model.hidden=512 --set model.vocab=2048"
    " --set model.intermediate=1024";

/// results.json without what may differ: the configuration's name, and wall time.
nlohmann::json comparable(const std::string& path) {
  auto json = nlohmann::json::parse(file_text(path));
  json.erase("config");
  json["simulation"].erase("wall_s");
  return json;
}

TEST(Replay, run_is_map_and_replay_with_identical_results) {
  for (const char* flow : {"data_centric", "fc_offloading"}) {
    const ScratchDirectory scratch;
    const std::string what = experiment + narrow + " --dataflow configs/dataflow/" + flow + ".yaml";
    const auto run = bondsim_command("run " + what + " --out " + scratch.file("run"));
    ASSERT_EQ(run.status, 0) << run.output;
    const auto map = bondsim_command("map " + what + " --out " + scratch.file("s.schedule"));
    ASSERT_EQ(map.status, 0) << map.output;
    const auto replay =
        bondsim_command("replay configs/system/h2llm.yaml " + scratch.file("s.schedule") + " --out " + scratch.file("replay"));
    ASSERT_EQ(replay.status, 0) << replay.output;
    EXPECT_EQ(comparable(scratch.file("run/results.json")), comparable(scratch.file("replay/results.json")));
    EXPECT_EQ(file_text(scratch.file("run/channels.csv")), file_text(scratch.file("replay/channels.csv")));
  }
}

TEST(Replay, a_schedule_written_by_hand_runs_and_does_its_work) {
  const ScratchDirectory scratch;
  const auto replay = bondsim_command("replay configs/system/h2llm.yaml traces/by-hand.schedule --out " + scratch.file("out"));
  ASSERT_EQ(replay.status, 0) << replay.output;
  const auto json = nlohmann::json::parse(file_text(scratch.file("out/results.json")));
  std::int64_t macs = 0;
  for (const auto& op : json.at("operators")) macs += op.at("macs").get<std::int64_t>();
  EXPECT_EQ(macs, (4 + 1) * 512 * 1024);
}

TEST(Replay, a_damaged_file_exits_2_and_names_the_task) {
  const ScratchDirectory scratch;
  std::string text = file_text(bondsim::tests::source_dir() + "/traces/by-hand.schedule");
  const std::string whole = "\"part\": [0, 0, 0, 256, 256]";
  ASSERT_NE(text.find(whole), std::string::npos);
  text.replace(text.find(whole), whole.size(), "\"part\": [0, 0, 0, 256, 128]");
  const auto replay = bondsim_command("replay configs/system/h2llm.yaml " + scratch.write("bad.schedule", text));
  EXPECT_EQ(replay.status, 2) << replay.output;
  EXPECT_NE(replay.output.find("step 1, layer 0, task 6 (nmp_gemm of w on nmp.channel2): computes products that task 5 computes too"),
            std::string::npos)
      << replay.output;
}

TEST(Replay, explain_and_dot_show_the_groups) {
  const ScratchDirectory scratch;
  const auto map = bondsim_command("map " + experiment + narrow + " --dataflow configs/dataflow/data_centric.yaml --explain --dot " +
                                   scratch.file("g.dot"));
  ASSERT_EQ(map.status, 0) << map.output;
  EXPECT_NE(map.output.find("[f1 f3] [f2]"), std::string::npos) << map.output;
  EXPECT_NE(map.output.find("closed form"), std::string::npos);
  const std::string dot = file_text(scratch.file("g.dot"));
  EXPECT_NE(dot.find("label=\"access group 1\""), std::string::npos);
  EXPECT_NE(dot.find("q -> rotary_q;"), std::string::npos);
}

/// How many random dataflows are replayed: BONDSIM_RANDOM_REPLAYS=10000 for the long run.
int replays() {
  const char* text = std::getenv("BONDSIM_RANDOM_REPLAYS");
  return text == nullptr ? 25 : std::atoi(text);
}

TEST(Replay, random_dataflows_come_to_their_end_with_the_macs_of_the_schedule) {
  const std::vector<const char*> models = {"llama-3-8b", "opt-6.7b",     "palm-8b",          "gemma-2-2b",
                                           "phi-2",      "mixtral-8x7b", "llama-3-8b-w4a16", "llama-3-8b-kv8"};
  for (int i = 0; i < replays(); ++i) {
    const std::uint64_t seed = 500 + static_cast<std::uint64_t>(i);
    Random r(seed);
    System system = shipped_system("h2llm");
    const auto nmp = static_cast<int>(r.between(1, 6));
    system.set_channels(nmp, static_cast<int>(r.between(0, 2)));
    system.nmp.pe.output_buffer_kib = r.one_of({0.5, 1.0, 4.0});
    system.nmp.input_buffer_kib = r.one_of({4.0, 32.0});
    testing::draw_prefill(seed, system);
    Model model = shipped_model(models[static_cast<std::size_t>(i) % models.size()]);
    model.layers = 1;
    model.hidden = 256;
    model.intermediate = 512;
    model.vocab = 640;
    Workload workload = shipped_workload("sharegpt");
    workload.batch = static_cast<int>(r.between(1, 3));
    workload.prompt_tokens = r.between(1, 30);
    workload.generated_tokens = 2;
    const std::string text = testing::RandomDataflow(seed, system, layer_graph(model)).draw();
    const std::string outcome = run_isolated([&] {
      std::int64_t mapped = 0;
      const Dataflow dataflow = decode_dataflow(parse_yaml(text, "random.yaml"));
      const auto counted = make_schedule(system, model, workload, dataflow);
      Block block;
      while (counted->next(block)) {
        for (const OperatorWork& w : block.work) mapped += w.shape.macs() * block.executions();
      }
      const auto schedule = validated(system, make_schedule(system, model, workload, dataflow));
      const Results results = simulate(system, *schedule);
      std::int64_t done = 0;
      for (const OperatorResult& op : results.operators) done += op.macs;
      return done == mapped ? std::string("done") : fmt::format("{} MACs done, {} mapped", done, mapped);
    });
    ASSERT_EQ(outcome, "done") << "seed " << seed << ", model " << model.name << "\n" << text;
  }
}

TEST(Replay, one_layer_for_all_is_within_a_percent_of_all_layers) {
  const auto total = [](LayerMode mode) {
    const System system = shipped_system("h2llm");
    Model model = shipped_model("llama-3-8b");
    model.layers = 6;
    model.hidden = 1024;
    model.intermediate = 3584;
    model.vocab = 2048;
    Workload workload = shipped_workload("sharegpt");
    workload.prompt_tokens = 64;
    workload.generated_tokens = 6;
    workload.layers = mode;
    return std::stod(run_isolated([&] {
      const auto schedule = make_schedule(system, model, workload, shipped_dataflow("data_centric"));
      return std::to_string(simulate(system, *schedule).total.value);
    }));
  };
  const double one = total(LayerMode::one);
  const double all = total(LayerMode::all);
  RecordProperty("all_over_one", std::to_string(all / one));
  EXPECT_NEAR(all / one, 1.0, 0.01);
}

}  // namespace
}  // namespace bondsim::test
