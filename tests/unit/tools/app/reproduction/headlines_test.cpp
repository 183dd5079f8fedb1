#include "tools/app/reproduction/headlines.hpp"

#include <gtest/gtest.h>

#include "tests/support/command.hpp"
#include "tests/support/paths.hpp"

namespace bondsim::tools {
namespace {

/// Systems A and B, two row policies and two changes of B, with times that are written into the findings by hand.
class HeadlinesTest : public testing::Test {
 protected:
  HeadlinesTest() {
    const std::string configs = bondsim::tests::source_dir() + "/configs/";
    const std::string file =
        scratch_.write("r.yaml", "schema: bondsim.reproduction/1\nname: r\npaper_energy: " + configs +
                                     "energy/h2llm-paper.yaml\nmodels: [{name: m, file: " + configs +
                                     "model/llama-3-8b.yaml}]\ndatasets:\n  - {name: he, file: " + configs +
                                     "workload/humaneval.yaml}\n  - {name: lb, file: " + configs +
                                     "workload/longbench.yaml}\nbatches: [1, 4]\nrow_policies: [{name: plain}, {name: fast, set: "
                                     "[nmp.subarray_overlap=true]}]\nsystems:\n  - {name: A, system: " +
                                     configs + "system/h2llm.yaml, dataflow: fc_offloading}\n  - {name: B, system: " + configs +
                                     "system/id-nmp.yaml, dataflow: fc_offloading}\n"
                                     "experiments: [{name: t, systems: [A, B]}]\n"
                                     "headlines: [{name: twice, metric: total_latency, of: A, over: [B], published: 2},\n"
                                     "            {name: part, metric: prefill_share, of: A, datasets: [he], published: 10, most: 30}]\n"
                                     "attribution: {over: fast, part: {models: [m], datasets: [he], batches: [1]}, changes: [\n"
                                     "  {name: slower B, systems: [B], set: [npu.clock_mhz=500]}, {name: a little, systems: [B], set: "
                                     "[npu.clock_mhz=900]}, {name: all on the NPU, systems: [B], dataflow: npu_only}]}\n"
                                     "architecture: {analytical: x, cycle: x}\nquick: {models: [m], datasets: [he], batches: [1]}\n");
    reproduction_ = load_reproduction(file);
    inputs_ = std::make_unique<Inputs>(reproduction_);
  }

  /// Seconds of the prefill and of the decode of every run of a system under a variant.
  void set(std::size_t system, std::size_t variant, double prefill_s, double decode_s) {
    for (const Cell& cell : cells_of(reproduction_, system, variant, {})) {
      CellResult& result = findings_.cells["cycle"][cell];
      result.prefill_s_per_layer = prefill_s;
      result.decode_s_per_layer = decode_s;
      result.energy_j = 1;
    }
  }
  std::vector<HeadlineRow> rows() const { return Headlines(reproduction_, *inputs_, findings_, {}).rows(); }

  enum Variant : std::size_t { plain, fast, slower_b, a_little, on_npu };

  test::ScratchDirectory scratch_;
  Reproduction reproduction_;
  std::unique_ptr<Inputs> inputs_;
  Findings findings_;
};

TEST_F(HeadlinesTest, factor_is_the_geometric_mean_over_runs_that_both_have) {
  set(0, plain, 0, 1);
  set(1, plain, 0, 2);
  findings_.cells["cycle"][{1, 0, 0, 1, plain}].decode_s_per_layer = 8;
  findings_.cells["cycle"][{1, 0, 1, 1, plain}].problem = "too large";
  const auto found = rows();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].found.runs, 3);
  EXPECT_NEAR(found[0].found.values.at(0), std::cbrt(8.0 * 2 * 2), 1e-12);
  EXPECT_TRUE(found[0].differs());
}

TEST_F(HeadlinesTest, share_is_from_the_least_run_to_the_largest_of_its_data_sets) {
  set(0, plain, 1, 3);
  findings_.cells["cycle"][{0, 0, 0, 4, plain}].prefill_s_per_layer = 0.75;
  findings_.cells["cycle"][{0, 0, 1, 4, plain}].prefill_s_per_layer = 100;  // another data set
  const auto found = rows();
  ASSERT_EQ(found.size(), 1u) << "B has no runs";
  EXPECT_EQ(found[0].found.values, (std::vector<double>{20, 25}));
  EXPECT_TRUE(found[0].differs()) << "20 for 10 in print";
}

TEST_F(HeadlinesTest, cause_of_a_difference_is_the_change_that_comes_nearest_and_of_none_there_is_none) {
  set(0, plain, 0, 1);
  set(1, plain, 0, 1.05);
  set(0, fast, 0, 1);
  set(1, fast, 0, 1.5);
  set(1, slower_b, 0, 3);     // twice the time of B: 1.5 becomes 3
  set(1, a_little, 0, 1.95);  // 1.5 becomes 1.95
  auto found = rows();
  ASSERT_EQ(found[0].policy, plain);
  ASSERT_TRUE(found[0].cause);
  EXPECT_EQ(found[0].cause->change, "slower B") << "1.05 x 2 = 2.1 is nearer to 2 than 1.5 and 1.05 x 1.3";
  EXPECT_NEAR(found[0].cause->moved.values[0], 2.1, 1e-12);
  EXPECT_EQ(found[0].cause->runs, 1) << "the part: he, batch 1";
  EXPECT_EQ(found[1].cause->change, "a little");
  EXPECT_NEAR(found[1].cause->moved.values[0], 1.95, 1e-12);
  set(1, slower_b, 0, 1.4);
  set(1, a_little, 0, 1.51);  // takes away less than a quarter of the distance
  found = rows();
  EXPECT_EQ(found[0].cause->change, "fast") << "the other row policy, run in whole";
  EXPECT_FALSE(found[1].cause) << "nothing that was tried shows it";
  set(1, fast, 0, 1.9);
  EXPECT_FALSE(rows()[1].differs()) << "5 % is near";
  set(1, a_little, 0, 3.62);  // 1.05 x 3.62 / 1.9 = 2.0: nearer than 1.9, but a coincidence beside the row policy that was run in whole
  EXPECT_EQ(rows()[0].cause->change, "fast");
}

TEST_F(HeadlinesTest, a_variant_that_does_not_touch_a_system_shares_its_runs) {
  EXPECT_EQ(inputs_->shared({0, 0, 0, 1, slower_b}).variant, fast);
  EXPECT_EQ(inputs_->shared({1, 0, 0, 1, slower_b}).variant, slower_b);
  EXPECT_EQ(inputs_->system({1, 0, 0, 1, slower_b}).npu.clock_mhz, 500);
  EXPECT_TRUE(inputs_->system({1, 0, 0, 1, slower_b}).nmp.subarray_overlap) << "made over the row policy `fast`";
  EXPECT_FALSE(inputs_->system({1, 0, 0, 1, plain}).nmp.subarray_overlap);
}

TEST_F(HeadlinesTest, a_variant_may_have_a_dataflow_of_its_own) {
  EXPECT_EQ(inputs_->device({1, 0, 0, 1, on_npu}).dataflow, "npu_only");
  EXPECT_EQ(inputs_->device({1, 0, 0, 1, slower_b}).dataflow, "fc_offloading");
  EXPECT_EQ(inputs_->shared({0, 0, 0, 1, on_npu}).variant, fast);
}

/// What both select; where a list is empty the other decides.
TEST(RunSelection, both_is_what_either_leaves) {
  const RunSelection a{{"m", "n"}, {}, {1, 4}}, b{{"n", "o"}, {"he"}, {}};
  const auto both = a.both(b);
  ASSERT_TRUE(both);
  EXPECT_EQ(both->models, std::vector<std::string>{"n"});
  EXPECT_EQ(both->datasets, std::vector<std::string>{"he"});
  EXPECT_EQ(both->batches, (std::vector<std::int64_t>{1, 4}));
  EXPECT_FALSE(a.both(RunSelection{{"o"}, {}, {}}));
  EXPECT_FALSE(a.both(RunSelection{{}, {}, {16}}));
}

}  // namespace
}  // namespace bondsim::tools
