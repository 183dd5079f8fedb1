#include "models/thermal/export.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <functional>
#include <map>
#include <numeric>
#include <regex>
#include <sstream>

#include "models/thermal/solver.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/shipped_system.hpp"

/// Files for HotSpot and 3D-ICE, read by readers that know those tools' formats and nothing of the writers. What they say is solved anew.
namespace bondsim::test {
namespace {

Stack stack_named(const std::string& name) { return load_stack(bondsim::tests::source_dir() + "/configs/stack/" + name + ".yaml"); }

/// A machine with uneven powers in a stack, and our temperatures.
struct LaidMachine {
  Stack stack;
  System system = shipped_system("h2llm");
  Floorplan floorplan;
  std::vector<double> block_w;
  explicit LaidMachine(const std::string& name) : stack(stack_named(name)), floorplan(system, stack) {
    for (std::size_t i = 0; i < floorplan.blocks().size(); ++i) {
      const HeatBlock& block = floorplan.blocks()[i];
      block_w.push_back(block.executor == 0  ? 4
                        : block.unit == "io" ? 0.5
                                             : 0.02 + 0.01 * static_cast<double>(i % 5) * (block.executor == 2));
    }
  }
  std::vector<double> rise() const { return ThermalSolver(floorplan.grid()).steady(floorplan.by_node(block_w)); }
  double watts() const { return std::accumulate(block_w.begin(), block_w.end(), 0.0); }
};

std::map<std::string, std::string> by_name(const ExportedFiles& files) { return {files.begin(), files.end()}; }

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

/// Words of the lines that are not comments.
std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty() && line[0] != '#') lines.push_back(line);
  }
  return lines;
}

// ---- HotSpot --------------------------------------------------------------------------------------------------------------------

constexpr std::size_t side = 32;  ///< cells of a row: a power of two, as HotSpot wants; half of what the files ask for, to be quick

struct FlpUnit {
  std::string name;
  Rectangle place;  // m
  double capacity = 0, resistivity = 0;
};

std::vector<FlpUnit> read_flp(const std::string& text) {
  std::vector<FlpUnit> units;
  for (const std::string& line : lines_of(text)) {
    const std::vector<std::string> words = words_of(line);
    EXPECT_TRUE(words.size() == 5 || words.size() == 7) << line;
    FlpUnit unit{words[0], {std::stod(words[3]), std::stod(words[4]), std::stod(words[1]), std::stod(words[2])}};
    if (words.size() == 7) {
      unit.capacity = std::stod(words[5]);
      unit.resistivity = std::stod(words[6]);
    }
    units.push_back(unit);
  }
  return units;
}

/// Calls `visit(cell, shared area)` for the cells of HotSpot's grid that a rectangle covers.
void for_cells(const Rectangle& r, double dx, double dy, const std::function<void(std::size_t, double)>& visit) {
  const auto first = [](double edge, double d) { return static_cast<std::size_t>(std::max(0.0, std::floor(edge / d))); };
  for (std::size_t row = first(r.y, dy); row < side && static_cast<double>(row) * dy < r.y + r.height; ++row) {
    for (std::size_t column = first(r.x, dx); column < side && static_cast<double>(column) * dx < r.x + r.width; ++column) {
      visit(row * side + column, overlap(r, {static_cast<double>(column) * dx, static_cast<double>(row) * dy, dx, dy}));
    }
  }
}

/// HotSpot's grid from its files, power by node beside it. Spreader and sink are the two uppermost layers.
struct HotspotModel {
  ThermalGrid grid;
  std::vector<double> power;
  double total_w = 0;
};

HotspotModel read_hotspot(std::map<std::string, std::string> files, const Stack& stack) {
  std::map<std::string, std::pair<double, double>> materials;  // W/(m K), J/(m3 K)
  const std::vector<std::string> m = lines_of(files["stack.materials"]);
  EXPECT_EQ(m.size() % 4, 0U);
  for (std::size_t i = 0; i < m.size(); i += 4) {
    EXPECT_EQ(m[i + 1], "solid");
    materials[m[i]] = {std::stod(m[i + 2]), std::stod(m[i + 3])};
  }
  std::map<std::string, double> config;
  for (const std::string& line : lines_of(files["hotspot.config"])) {
    const std::vector<std::string> words = words_of(line);
    EXPECT_EQ(words.size(), 2U) << line;
    EXPECT_EQ(words[0][0], '-');
    config[words[0].substr(1)] = words[0] == "-model_type" || words[0] == "-grid_map_mode" ? 0 : std::stod(words[1]);
  }
  const std::vector<std::string> trace = lines_of(files["power.ptrace"]);
  EXPECT_EQ(trace.size(), 2U);
  const std::vector<std::string> names = words_of(trace[0]), watts = words_of(trace[1]);
  EXPECT_EQ(names.size(), watts.size());
  HotspotModel model;
  model.grid.columns = model.grid.rows = static_cast<int>(side);
  std::size_t next = 0;
  const std::vector<std::string> lcf = lines_of(files["stack.lcf"]);
  EXPECT_EQ(lcf.size() % 6, 0U);
  for (std::size_t i = 0; i < lcf.size(); i += 6) {
    EXPECT_EQ(lcf[i], std::to_string(i / 6));
    EXPECT_EQ(lcf[i + 1], "Y");
    EXPECT_TRUE(lcf[i + 2] == "Y" || lcf[i + 2] == "N");
    EXPECT_EQ(materials.count(lcf[i + 3]), 1U) << lcf[i + 3];
    const std::vector<FlpUnit> units = read_flp(files[lcf[i + 5]]);
    double right = 0, top = 0, area = 0;
    for (const FlpUnit& unit : units) {
      right = std::max(right, unit.place.x + unit.place.width);
      top = std::max(top, unit.place.y + unit.place.height);
      area += unit.place.area();
    }
    EXPECT_NEAR(area, right * top, 1e-6 * area) << lcf[i + 5] << ": units cover the chip once";
    if (i == 0) {
      model.grid.width_m = right;
      model.grid.height_m = top;
    }
    EXPECT_NEAR(right, model.grid.width_m, 1e-9);
    EXPECT_NEAR(top, model.grid.height_m, 1e-9);
    GridLayer layer{std::stod(lcf[i + 4]), std::vector<double>(model.grid.cells()), std::vector<double>(model.grid.cells())};
    std::vector<double> power(model.grid.cells());
    const double dx = model.grid.width_m / side, dy = model.grid.height_m / side;
    for (const FlpUnit& unit : units) {
      double unit_w = 0;
      if (lcf[i + 2] == "Y") {
        EXPECT_LT(next, names.size());
        EXPECT_EQ(names[next], unit.name) << "the trace has the units of the layers that heat, in their order";
        unit_w = std::stod(watts[next++]);
        model.total_w += unit_w;
      }
      const auto [k, c] = unit.resistivity > 0 ? std::pair(1 / unit.resistivity, unit.capacity) : materials[lcf[i + 3]];
      for_cells(unit.place, dx, dy, [&, k = k, c = c](std::size_t cell, double shared) {
        layer.conductivity_w_per_m_k[cell] += k * shared / (dx * dy);
        layer.capacity_j_per_m3_k[cell] += c * shared / (dx * dy);
        power[cell] += unit_w * shared / unit.place.area();
      });
    }
    model.grid.layers.push_back(layer);
    model.power.insert(model.power.end(), power.begin(), power.end());
  }
  EXPECT_EQ(next, names.size());
  EXPECT_EQ(model.grid.layers.size() + 2, stack.layers.size());
  EXPECT_GT(config["s_sink"], config["s_spreader"]) << "a periphery of no width divides by 0 there";
  for (const char* part : {"spreader", "sink"}) {
    const std::string of = std::string("_") + part;
    EXPECT_GE(config["s" + of], model.grid.width_m);
    EXPECT_NEAR(config["s" + of], model.grid.width_m, 0.003 * model.grid.width_m);
    model.grid.layers.push_back({config["t" + of], std::vector<double>(model.grid.cells(), config["k" + of]),
                                 std::vector<double>(model.grid.cells(), config["p" + of])});
    model.power.resize(model.power.size() + model.grid.cells());
  }
  model.grid.top_w_per_m2_k = 1 / (config["r_convec"] * model.grid.width_m * model.grid.height_m);
  return model;
}

TEST(HotspotExport, the_files_have_its_grammar_and_make_our_temperatures) {
  for (const char* name : {"edge-passive"}) {
    const LaidMachine setup(name);
    const HotspotModel model = read_hotspot(by_name(hotspot_files(setup.stack, setup.floorplan, setup.block_w, 35)), setup.stack);
    EXPECT_NEAR(model.total_w, setup.watts(), 1e-6 * setup.watts());
    const std::vector<double> theirs = ThermalSolver(model.grid).steady(model.power), ours = setup.rise();
    const std::vector<double> blocks = setup.floorplan.mean_over_blocks(ours);
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      const HeatBlock& block = setup.floorplan.blocks()[i];
      double mean = 0;
      const double d = 39.0 / side;
      for_cells(block.place, d, d,
                [&](std::size_t cell, double shared) { mean += theirs[block.layer * side * side + cell] * shared / block.place.area(); });
      // Its cells are not ours: 4 W in a strip of 1 mm differ by 1 K, the rest by less.
      EXPECT_NEAR(mean, blocks[i], block.unit == "phy" ? 1.5 : 0.5) << name << " " << block.name;
    }
  }
}

TEST(HotspotExport, a_package_that_it_cannot_say_is_refused) {
  LaidMachine setup("edge-fan");
  const auto error = [&](const std::function<void(Stack&)>& change) {
    Stack stack = setup.stack;
    change(stack);
    return error_of([&] { hotspot_files(stack, setup.floorplan, setup.block_w, 25); });
  };
  EXPECT_NE(error([](Stack& s) { s.floorplan.height_mm = 40; }).find("39 x 40 mm, allowed: a square"), std::string::npos);
  EXPECT_NE(error([](Stack& s) { s.cooling.board_resistance_k_per_w = 20; }).find("the board cools"), std::string::npos);
  EXPECT_NE(error([](Stack& s) { s.layers.back().die_material = "silicon"; }).find("layer sink heats or has dies"), std::string::npos);
}

// ---- 3D-ICE ---------------------------------------------------------------------------------------------------------------------

/// Words of a 3D-ICE file: identifiers, keywords, numbers, quoted paths, and `: ; , ( )`.
class IceWords {
 public:
  explicit IceWords(const std::string& text) {
    const std::regex word(R"(\s*("[^"]*"|[A-Za-z][A-Za-z0-9_]*|[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?|[:;,()]))");
    auto at = text.cbegin();
    for (std::smatch match; std::regex_search(at, text.cend(), match, word, std::regex_constants::match_continuous); at = match[0].second) {
      words_.push_back(match[1]);
    }
    EXPECT_TRUE(std::all_of(at, text.cend(), [](unsigned char c) { return std::isspace(c) != 0; })) << std::string(at, text.cend());
  }
  bool done() const { return next_ == words_.size(); }
  bool is(const std::string& word) const { return !done() && words_[next_] == word; }
  std::string take() { return done() ? "" : words_[next_++]; }
  double number() { return std::stod(take()); }
  /// The words of `text`, one after the other.
  void expect(const std::string& text) {
    for (const std::string& word : words_of(text)) EXPECT_EQ(take(), word) << "word " << next_;
  }
  std::string path() {
    const std::string quoted = take();
    EXPECT_EQ(quoted.front(), '"');
    return quoted.substr(1, quoted.size() - 2);
  }

 private:
  std::vector<std::string> words_;
  std::size_t next_ = 0;
};

struct IceLayer {
  double height = 0;
  std::string material, layout;
};

struct IceModel {
  ThermalGrid grid;
  std::vector<double> power;
  double total_w = 0, ambient_k = 0;
};

/// By the rules of its parser: materials, heat sinks, dimensions, layers, dies, stack, solver, output.
IceModel read_3d_ice(std::map<std::string, std::string> files) {
  IceModel model;
  IceWords in(files["stack.stk"]);
  std::map<std::string, std::pair<double, double>> materials;
  while (in.is("material")) {
    in.expect("material");
    const std::string name = in.take();
    in.expect(": thermal conductivity");
    const double k = in.number() * 1e6;
    in.expect("; volumetric heat capacity");
    materials[name] = {k, in.number() * 1e18};
    in.expect(";");
  }
  for (const char* side : {"top", "bottom"}) {
    if (!in.is(side)) continue;
    in.expect(std::string(side) + " heat sink : heat transfer coefficient");
    (side == std::string("top") ? model.grid.top_w_per_m2_k : model.grid.bottom_w_per_m2_k) = in.number() * 1e12;
    in.expect("; temperature");
    model.ambient_k = in.number();
    in.expect(";");
  }
  in.expect("dimensions : chip length");
  const double length = in.number();
  in.expect(", width");
  const double width = in.number();
  in.expect("; cell length");
  const double dx = in.number();
  in.expect(", width");
  const double dy = in.number();
  in.expect(";");
  model.grid.width_m = length * 1e-6;
  model.grid.height_m = width * 1e-6;
  model.grid.columns = static_cast<int>(std::lround(length / dx));
  model.grid.rows = static_cast<int>(std::lround(width / dy));
  EXPECT_NEAR(model.grid.columns * dx, length, 1e-6 * length) << "cells fill the chip";
  EXPECT_NEAR(model.grid.rows * dy, width, 1e-6 * width);
  std::map<std::string, IceLayer> layers;
  while (in.is("layer")) {
    in.expect("layer");
    const std::string name = in.take();
    IceLayer layer;
    in.expect(": height");
    layer.height = in.number();
    in.expect("; material");
    layer.material = in.take();
    in.expect(";");
    EXPECT_EQ(materials.count(layer.material), 1U) << layer.material;
    if (in.is("layout")) {
      in.expect("layout");
      layer.layout = in.path();
      in.expect(";");
    }
    EXPECT_TRUE(layers.emplace(name, layer).second) << name << " is declared once";
  }
  std::map<std::string, std::string> dies;
  while (in.is("die")) {
    in.expect("die");
    const std::string name = in.take();
    in.expect(": source");
    dies[name] = in.take();
    EXPECT_EQ(layers.count(dies[name]), 1U);
    in.expect(";");
  }
  in.expect("stack :");
  const auto cells_in = [&](const Rectangle& r, const std::function<void(std::size_t)>& visit) {
    for (std::size_t cell = 0; cell < model.grid.cells(); ++cell) {
      const auto columns = static_cast<std::size_t>(model.grid.columns);
      const Rectangle here{static_cast<double>(cell % columns) * dx, static_cast<double>(cell / columns) * dy, dx, dy};
      const double share = overlap(r, here) / (dx * dy);
      EXPECT_TRUE(share < 1e-6 || share > 1 - 1e-6) << "an edge inside a cell";
      if (share > 0.5) visit(cell);
    }
  };
  std::vector<GridLayer> from_top;
  std::vector<std::vector<double>> powers;
  while (in.is("layer") || in.is("die")) {
    const bool die = in.take() == "die";
    in.take();
    const std::string of = in.take();
    const IceLayer layer = layers.at(die ? dies.at(of) : of);
    const auto [k, c] = materials.at(layer.material);
    GridLayer cells{layer.height * 1e-6, std::vector<double>(model.grid.cells(), k), std::vector<double>(model.grid.cells(), c)};
    if (!layer.layout.empty()) {
      IceWords layout(files.at(layer.layout));
      const auto [k2, c2] = materials.at(layout.take());
      layout.expect(":");
      while (layout.is("rectangle")) {
        layout.expect("rectangle (");
        Rectangle r;
        r.x = layout.number();
        layout.expect(",");
        r.y = layout.number();
        layout.expect(",");
        r.width = layout.number();
        layout.expect(",");
        r.height = layout.number();
        layout.expect(") ;");
        cells_in(r, [&, k2 = k2, c2 = c2](std::size_t cell) {
          cells.conductivity_w_per_m_k[cell] = k2;
          cells.capacity_j_per_m3_k[cell] = c2;
        });
      }
      EXPECT_TRUE(layout.done());
    }
    std::vector<double> power(model.grid.cells());
    if (die) {
      in.expect("floorplan");
      IceWords floorplan(files.at(in.path()));
      std::map<std::string, bool> seen;
      while (!floorplan.done()) {
        EXPECT_TRUE(seen.emplace(floorplan.take(), true).second) << "names are unique";
        Rectangle r;
        floorplan.expect(": position");
        r.x = floorplan.number();
        floorplan.expect(",");
        r.y = floorplan.number();
        floorplan.expect("; dimension");
        r.width = floorplan.number();
        floorplan.expect(",");
        r.height = floorplan.number();
        floorplan.expect("; power values");
        const double watts = floorplan.number();
        floorplan.expect(";");
        model.total_w += watts;
        cells_in(r, [&](std::size_t cell) {
          EXPECT_EQ(power[cell], 0) << "elements do not overlap";
          power[cell] = watts * dx * dy / r.area();
        });
      }
    }
    in.expect(";");
    from_top.push_back(cells);
    powers.push_back(power);
  }
  in.expect("solver : steady ; initial temperature");
  EXPECT_EQ(in.number(), model.ambient_k);
  in.expect("; output :");
  while (in.is("Tmap")) {
    in.expect("Tmap (");
    in.take();
    in.expect(",");
    in.path();
    in.expect(", final ) ;");
  }
  EXPECT_TRUE(in.done());
  model.grid.layers.assign(from_top.rbegin(), from_top.rend());
  for (auto power = powers.rbegin(); power != powers.rend(); ++power) model.power.insert(model.power.end(), power->begin(), power->end());
  return model;
}

TEST(ThreeDIceExport, the_files_have_its_grammar_and_make_our_temperatures) {
  for (const char* name : {"edge-passive", "edge-fan", "server-cold-plate"}) {
    LaidMachine setup(name);
    setup.stack.cooling.board_resistance_k_per_w = name == std::string("edge-fan") ? 20 : 0;
    setup.stack.layers[0].slices = 2;
    const Floorplan floorplan(setup.system, setup.stack);
    const IceModel model = read_3d_ice(by_name(three_d_ice_files(setup.stack, floorplan, setup.block_w, 35)));
    EXPECT_NEAR(model.total_w, setup.watts(), 1e-6 * setup.watts());
    EXPECT_NEAR(model.ambient_k, 308.15, 1e-9);
    const std::vector<double> theirs = ThermalSolver(model.grid).steady(model.power);
    const std::vector<double> ours = ThermalSolver(floorplan.grid()).steady(floorplan.by_node(setup.block_w));
    ASSERT_EQ(theirs.size(), ours.size());
    for (std::size_t i = 0; i < ours.size(); ++i) ASSERT_NEAR(theirs[i], ours[i], 1e-4) << name << " node " << i;
  }
}

}  // namespace
}  // namespace bondsim::test
