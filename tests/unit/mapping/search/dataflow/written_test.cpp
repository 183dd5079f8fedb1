#include <gtest/gtest.h>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/emit/mapper.hpp"
#include "mapping/search/dataflow/exact_search.hpp"
#include "mapping/search/dataflow/genetic_search.hpp"
#include "mapping/search/dataflow/written.hpp"
#include "mapping/search/device/device_dataflow.hpp"
#include "models/system/validate/validator.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim {
namespace {

search::OperatorTable table_of(const char* layer, search::BindingRule rule, const cost::CostModel& model, const cost::Request& request) {
  cost::LayerDevice device;
  device.nmp.channels = 6;
  device.nmp.fpus = 8;
  device.nmp.clock_mhz = 600;
  device.nmp.hb_bandwidth_gbps = 25.6;
  device.normal_channels = 2;
  return search::OperatorTable(search::make_problem(cost::make_layer(cost::published_layer(layer), request), device, rule, model));
}

std::string schedule_fault(const Dataflow& dataflow, const char* model, int batch) {
  const System system = testing::h2llm_system();
  const auto schedule = make_schedule(system, testing::model(model), testing::lengths(batch, 157, 1), dataflow);
  const auto fault = validate_schedule(system, *schedule);
  return fault ? fault->what : "";
}

/// A search finds a dataflow that a run accepts as it is, for every published model and both rules.
TEST(FoundDataflow, maps_to_a_schedule_without_fault) {
  const auto model = cost::make_cost_model("h2llm-roofline");
  const std::pair<const char*, const char*> models[] = {{"opt", "opt-6.7b"}, {"llama", "llama-3-8b"}, {"palm", "palm-8b"}};
  for (const auto& [layer, file] : models) {
    for (const auto rule : {search::BindingRule::data_centric, search::BindingRule::compute_centric}) {
      const auto table = table_of(layer, rule, *model, {157, 67, 4});
      const auto found = search::search_exactly(table);
      EXPECT_EQ(schedule_fault(written_dataflow(table, found.dataflow, "found", balanced_head_rule(table)), file, 4), "")
          << layer << " " << to_text(table, found.dataflow);
    }
  }
}

/// The space of the search is the space of dataflow files: random members of it are accepted too, with tiers and groups side by side.
TEST(FoundDataflow, what_the_genetic_search_makes_of_little_effort_is_accepted_too) {
  const auto model = cost::make_cost_model("h2llm-roofline");
  for (std::uint64_t seed = 1; seed <= 6; ++seed) {
    const auto table = table_of("palm", search::BindingRule::data_centric, *model, {157, 67, 4});
    const auto found = search::search_genetically(table, {4, 0, seed, {}});
    EXPECT_EQ(schedule_fault(written_dataflow(table, found.dataflow, "found", balanced_head_rule(table)), "palm-8b", 4), "")
        << to_text(table, found.dataflow);
  }
}

TEST(FoundDataflow, gives_every_channel_to_a_partition_and_the_share_of_split_operators) {
  const auto model = cost::make_cost_model("h2llm-roofline");
  const auto table = table_of("opt", search::BindingRule::data_centric, *model, {157, 67, 1});
  search::FoundDataflow d;
  for (int op = 0; op < table.operators(); ++op) d.push_back({op, 0, {6, false, 0}, 63});
  d[1] = {0, 0, {2, true, 1024}, 0b110};  // k beside q
  d[0] = {0, 0, {1, false, 0}, 0b1};
  for (search::Placement& p : d) p.mag = std::max(0, p.mag - 1);
  ASSERT_EQ(search::fault_of(table, d), "");
  const std::string text = to_file(search::written_dataflow(table, d, "x", search::balanced_head_rule(table)), "y");
  EXPECT_NE(text.find("# y\nschema: bondsim.dataflow/1\nname: x\n"), std::string::npos);
  EXPECT_NE(text.find("{names: [q], executor: nmp, nmp_channels: [0], normal_channels: false}"), std::string::npos) << text;
  EXPECT_NE(text.find("{names: [k], executor: split, nmp_channels: [1, 2], normal_channels: true, nmp_share: 0.250000000"),
            std::string::npos);
  EXPECT_NE(text.find("  - partitions:\n      - nmp_channels: [0, 3, 4, 5]\n        normal_channels: false\n        tiers: [[q]]\n"
                      "      - nmp_channels: [1, 2]\n        normal_channels: true\n        tiers: [[k]]\n"
                      "  - partitions:\n      - nmp_channels: all\n        normal_channels: true\n        tiers: [[v]]\n"),
            std::string::npos)
      << text;
}

/// The threshold that the search writes for Mixtral's experts, held against whole decode steps as they are mapped: never to the NPU,
/// always, and from the threshold on, at batches around it. The search compared single operators.
TEST(FoundDataflow, experts_go_to_the_npu_from_the_number_of_rows_on_at_which_it_is_sooner) {
  const System system = test::shipped_system("h2llm");
  Model model = test::shipped_model("mixtral-8x7b-w4a16");
  model.layers = 4;  // room for large batches
  Workload workload = test::shipped_workload("sharegpt");
  workload.prompt_tokens = 64;
  workload.generated_tokens = 2;
  workload.prompt_cached = true;
  workload.batch = 8;
  search::DeviceQuestion question;
  question.model = &model;
  question.workload = &workload;
  question.system = &system;
  question.cost_model = "detailed";
  question.rule = search::BindingRule::compute_centric;
  question.reserved_bytes = search::bytes_outside_layers(model);
  const Dataflow found = search::find_dataflow(question).dataflow;
  ASSERT_GT(found.experts.npu_rows, 1);
  ASSERT_LT(found.experts.npu_rows, 1024);
  const auto form = cost::make_cost_model("detailed", &system);
  const auto seconds = [&](int batch, std::int64_t npu_rows) {
    Workload w = workload;
    w.batch = batch;
    Dataflow d = found;
    d.experts.npu_rows = npu_rows;
    double sum = 0;
    const auto schedule = make_schedule(make_plan(system, model, w, d), {1, true});
    for (Block block; schedule->next(block);) sum += form->block_seconds(block, system) * static_cast<double>(block.executions());
    return sum;
  };
  // Two of eight experts a token: an expert has a quarter of the batch's rows.
  const std::int64_t rows = found.experts.npu_rows;
  const auto few = static_cast<int>(2 * rows), many = static_cast<int>(6 * rows);
  EXPECT_LT(seconds(few, rows), seconds(few, 1)) << "few rows: PEs; threshold " << rows;
  EXPECT_LT(seconds(many, rows), seconds(many, 0)) << "many rows: NPU; threshold " << rows;
}

}  // namespace
}  // namespace bondsim
