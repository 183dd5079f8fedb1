#include "models/thermal/floorplan.hpp"

#include <gtest/gtest.h>

#include <fstream>
#include <numeric>
#include <sstream>

#include "tests/support/error_of.hpp"
#include "tests/support/shipped_system.hpp"

/// A machine laid into the shipped stacks: no watt is lost on the way from banks and PEs to cells of the grid.
namespace bondsim::test {
namespace {

std::string stack_file(const std::string& name) { return bondsim::tests::source_dir() + "/configs/stack/" + name + ".yaml"; }

Stack stack_named(const std::string& name) { return load_stack(stack_file(name)); }

std::string text_of(const std::string& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

double sum(const std::vector<double>& values) { return std::accumulate(values.begin(), values.end(), 0.0); }

TEST(Floorplan, every_watt_of_a_cell_reaches_the_grid) {
  for (const char* name : {"edge-passive", "edge-fan", "server-cold-plate"}) {
    const Stack stack = stack_named(name);
    const System system = shipped_system("h2llm");
    const Floorplan floorplan(system, stack);
    std::vector<double> cells(floorplan.cells().size());
    for (std::size_t i = 0; i < cells.size(); ++i) {
      cells[i] = 1 + static_cast<double>(i % 7);
      std::vector<double> one(cells.size());
      one[i] = 1;
      EXPECT_NEAR(sum(floorplan.by_node(floorplan.by_block(one))), 1, 1e-9) << floorplan.cells()[i].unit;
    }
    EXPECT_NEAR(sum(floorplan.by_node(floorplan.by_block(cells))), sum(cells), 1e-9 * sum(cells));
  }
}

TEST(Floorplan, banks_heat_the_dram_layers_and_pes_the_logic_die) {
  const Stack stack = stack_named("server-cold-plate");
  const System system = shipped_system("h2llm");
  const Floorplan floorplan(system, stack);
  for (std::size_t i = 0; i < floorplan.cells().size(); ++i) {
    std::vector<double> one(floorplan.cells().size());
    one[i] = 1;
    const std::vector<double> blocks = floorplan.by_block(one);
    const PowerCell& cell = floorplan.cells()[i];
    const bool dram = cell.unit.rfind("bank", 0) == 0 || cell.unit == "bus" || cell.unit == "standby";
    std::size_t layers = 0;
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      if (blocks[b] == 0) continue;
      const LayerHeat heat = stack.layers[floorplan.blocks()[b].layer].heat;
      EXPECT_EQ(heat, dram ? LayerHeat::dram : LayerHeat::logic) << cell.unit;
      if (cell.unit.rfind("bank", 0) == 0) ++layers;
    }
    if (cell.unit.rfind("bank", 0) == 0) {
      EXPECT_EQ(layers, 2U) << cell.unit;
    }
  }
}

TEST(Floorplan, a_uniform_temperature_is_that_of_every_block) {
  const Stack stack = stack_named("edge-fan");
  const Floorplan floorplan(shipped_system("h2llm"), stack);
  const std::vector<double> nodes(floorplan.grid().nodes(), 61.5);
  for (const double t : floorplan.mean_over_blocks(nodes)) EXPECT_NEAR(t, 61.5, 1e-9);
}

TEST(Floorplan, pes_in_the_dram_die_heat_their_banks) {
  const Stack stack = stack_named("edge-fan");
  const Floorplan floorplan(shipped_system("id-nmp"), stack);
  for (std::size_t i = 0; i < floorplan.cells().size(); ++i) {
    if (floorplan.cells()[i].unit != "pe3") continue;
    std::vector<double> one(floorplan.cells().size());
    one[i] = 1;
    const std::vector<double> blocks = floorplan.by_block(one);
    for (std::size_t b = 0; b < blocks.size(); ++b) {
      if (blocks[b] != 0) {
        EXPECT_EQ(floorplan.blocks()[b].unit, "bank3");
      }
    }
  }
}

TEST(Floorplan, dies_that_overlap_or_do_not_fit_are_refused) {
  Stack stack = stack_named("edge-fan");
  const System system = shipped_system("h2llm");
  stack.floorplan.channels[1].x_mm = 2;
  EXPECT_NE(error_of([&] { Floorplan(system, stack); }).find("dies of nmp.channel0 and nmp.channel1 overlap"), std::string::npos);
  stack.floorplan.channels[1].x_mm = 35;
  EXPECT_NE(error_of([&] { Floorplan(system, stack); }).find("stands over the package's edge"), std::string::npos);
  stack.floorplan.channels.resize(3);
  EXPECT_NE(error_of([&] { Floorplan(system, stack); }).find("places for 3 channels, allowed: at least the 8"), std::string::npos);
}

TEST(StackFile, what_is_wrong_is_said_with_its_line) {
  const auto error = [](const std::string& from, const std::string& to) {
    std::string text = text_of(stack_file("edge-fan"));
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    return error_of([&] { decode_stack(parse_yaml(text, "s.yaml"), "stack"); });
  };
  EXPECT_NE(error("material: laminate", "material: cheese").find("stack.layers[0].material: 'cheese' is no material, allowed: silicon"),
            std::string::npos);
  EXPECT_NE(error("heat: logic", "heat: dram").find("0 layers with heat: logic, allowed: one"), std::string::npos);
  EXPECT_NE(error("arrays_share: 0.5", "arrays_share: 0.6").find("stack.floorplan.npu: shares sum to 1.1"), std::string::npos);
  EXPECT_NE(error("above_c: 95, pe_clock", "above_c: 80, pe_clock").find("80 C after 85 C, allowed: ascending"), std::string::npos);
  EXPECT_NE(error("conductivity_w_per_m_k: 130", "conductivity_w_per_m_k: -1").find("s.yaml:"), std::string::npos);
}

TEST(StackFile, leakage_doubles) {
  const StackLeakage leakage{45, 30, ""};
  EXPECT_DOUBLE_EQ(leakage.factor(45), 1);
  EXPECT_DOUBLE_EQ(leakage.factor(75), 2);
  EXPECT_DOUBLE_EQ(leakage.factor(15), 0.5);
  EXPECT_DOUBLE_EQ(leakage.factor(1000), leakage.factor(150));
}

}  // namespace
}  // namespace bondsim::test
