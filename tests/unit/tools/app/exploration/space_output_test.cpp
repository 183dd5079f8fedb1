#include "tools/app/exploration/space_output.hpp"

#include <gtest/gtest.h>

#include "tests/support/command.hpp"
#include "tests/support/mapping_setup.hpp"

namespace bondsim::tools {
namespace {

search::Evaluation judged(double latency_s) { return {true, "", {{"latency_s", latency_s}}}; }

TEST(ConfirmedTable, ranks_are_each_tiers_own_and_infeasible_devices_are_left_out) {
  const test::ScratchDirectory scratch;
  const search::DesignSpace space =
      search::decode_space(parse_yaml("schema: bondsim.space/1\nname: t\nsystem: " + testing::config_path("system/h2llm") +
                                          "\nworkloads:\n  - {model: " + testing::config_path("model/llama-3-8b") +
                                          ", workload: " + testing::config_path("workload/humaneval") +
                                          "}\nobjectives: [latency_s]\nparameters:\n  - {key: nmp.pe.fpus, values: [1, 2, 4, 8]}\n",
                                      scratch.file("space.yaml")));
  search::ResultStore store(scratch.file("s.sqlite"), {"t", "1", 1}, false);
  const double form[] = {4, 3, 2, 1}, cycle[] = {10, 40, 20, 30};
  for (int i = 0; i < 4; ++i) {
    const std::string name = space.text(search::Candidate{i});
    store.add(name, "analytical", judged(form[i]));
    store.add(name, "cycle", i == 3 ? search::Evaluation{false, "too large", {}} : judged(cycle[i]));
  }
  const CsvTable table = confirmed_table(space, store);
  ASSERT_EQ(table.rows(), 3u);
  const auto column = [&](const char* name) {
    std::vector<double> values;
    for (std::size_t row = 0; row < table.rows(); ++row) values.push_back(table.number(row, name, 0, 100));
    return values;
  };
  EXPECT_EQ(column("nmp.pe.fpus"), (std::vector<double>{1, 4, 2}));
  EXPECT_EQ(column("cycle_rank"), (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(column("analytical_rank"), (std::vector<double>{3, 1, 2}));
  EXPECT_EQ(column("cycle_latency_s"), (std::vector<double>{10, 20, 40}));
  EXPECT_EQ(column("analytical_latency_s"), (std::vector<double>{4, 2, 3}));
}

}  // namespace
}  // namespace bondsim::tools
