#include <gtest/gtest.h>

#include <filesystem>

#include "tests/support/mapping_setup.hpp"
#include "tests/support/random_dataflow.hpp"

namespace bondsim {
namespace {

void expect_equal(const ChannelSet& a, const ChannelSet& b) {
  EXPECT_EQ(a.all, b.all);
  EXPECT_EQ(a.channels, b.channels);
}

void expect_equal(const Dataflow& a, const Dataflow& b) {
  EXPECT_EQ(a.name, b.name);
  EXPECT_EQ(a.split, b.split);
  ASSERT_EQ(a.operators.size(), b.operators.size());
  for (std::size_t i = 0; i < a.operators.size(); ++i) {
    const OperatorRule& x = a.operators[i];
    const OperatorRule& y = b.operators[i];
    EXPECT_EQ(x.names, y.names);
    EXPECT_EQ(x.executor, y.executor);
    expect_equal(x.nmp_channels, y.nmp_channels);
    EXPECT_EQ(x.normal_channels, y.normal_channels);
    EXPECT_EQ(x.nmp_share, y.nmp_share) << "to the last bit";
  }
  ASSERT_EQ(a.vectors.size(), b.vectors.size());
  for (std::size_t i = 0; i < a.vectors.size(); ++i) {
    EXPECT_EQ(a.vectors[i].kinds, b.vectors[i].kinds);
    EXPECT_EQ(a.vectors[i].executor, b.vectors[i].executor);
    expect_equal(a.vectors[i].nmp_channels, b.vectors[i].nmp_channels);
  }
  EXPECT_EQ(a.attention_overlap, b.attention_overlap);
  ASSERT_EQ(a.groups.size(), b.groups.size());
  for (std::size_t g = 0; g < a.groups.size(); ++g) {
    ASSERT_EQ(a.groups[g].partitions.size(), b.groups[g].partitions.size());
    for (std::size_t p = 0; p < a.groups[g].partitions.size(); ++p) {
      const PartitionFile& x = a.groups[g].partitions[p];
      const PartitionFile& y = b.groups[g].partitions[p];
      expect_equal(x.nmp_channels, y.nmp_channels);
      EXPECT_EQ(x.normal_channels, y.normal_channels);
      EXPECT_EQ(x.tiers, y.tiers);
    }
  }
}

TEST(DataflowFile, what_is_written_reads_back_the_same_for_every_shipped_file) {
  int files = 0;
  for (const auto& file : std::filesystem::directory_iterator(bondsim::tests::source_dir() + "/configs/dataflow")) {
    const Dataflow read = decode_dataflow(load_yaml_file(file.path().string()));
    const std::string text = to_file(read, "a comment");
    EXPECT_EQ(text.substr(0, 12), "# a comment\n");
    expect_equal(decode_dataflow(parse_yaml(text, "written.yaml")), read);
    ++files;
  }
  EXPECT_GE(files, 8);
}

TEST(DataflowFile, what_is_written_reads_back_the_same_for_random_dataflows_and_odd_names) {
  const OperatorGraph layer = layer_graph(testing::model("palm-8b"));
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    testing::RandomDataflow random(seed, testing::h2llm_system(), layer);
    Dataflow read = decode_dataflow(parse_yaml(random.draw(), "drawn.yaml"));
    for (OperatorRule& rule : read.operators) {
      double* number = rule.nmp_share ? std::get_if<double>(&*rule.nmp_share) : nullptr;
      if (number != nullptr) *number *= 1 + 1e-15;
    }
    read.attention_overlap = seed % 3 == 0;
    if (seed % 2 == 0)
      read.vectors = {{{"activation", "norm"}, Executor::nmp, {false, {0, 2}, {}}, {}}, {{"rotary"}, Executor::npu, {}, {}}};
    read.name = seed % 2 == 0 ? "a: \"b\" # c\\d" : "1e5";
    expect_equal(decode_dataflow(parse_yaml(to_file(read), "written.yaml")), read);
  }
}

TEST(DataflowFile, vector_rules_are_refused_where_nobody_can_do_them) {
  const auto file = [](const std::string& rule) {
    return parse_yaml("schema: bondsim.dataflow/1\nname: x\nvector:\n  - " + rule +
                          "\noperators:\n  - {names: [all], executor: nmp, nmp_channels: all, normal_channels: false}\n",
                      "d.yaml");
  };
  const auto error = [](const auto& call) {
    try {
      call();
    } catch (const ConfigError& e) {
      return std::string(e.what());
    }
    return std::string("accepted");
  };
  EXPECT_EQ(
      error([&] { decode_dataflow(file("{kinds: [softmax], executor: nmp, nmp_channels: all}")); }),
      "d.yaml:4: dataflow.vector.kinds: 'softmax', allowed: activation, residual, norm, rotary (others take values of several channels "
      "together)");
  EXPECT_EQ(error([&] { decode_dataflow(file("{kinds: [norm], executor: split, nmp_channels: all}")); }),
            "d.yaml:4: dataflow.vector.executor: 'split', allowed: npu, nmp");
  const Dataflow read = decode_dataflow(file("{kinds: [activation], executor: nmp, nmp_channels: all}"));
  System system = testing::h2llm_system();
  const Model model = testing::model("llama-3-8b");
  const auto resolved = [&] { resolve(read, system, layer_graph(model), head_graph(model)); };
  EXPECT_EQ(
      error(resolved),
      "d.yaml:4: dataflow.vector.executor: 'nmp' on channel 0 of h2llm, which has no vector unit (nmp.vector.lanes: 0), allowed: npu, "
      "or channels with lanes");
  system.nmp.vector.lanes = 64;
  EXPECT_EQ(error(resolved), "accepted");
  system.set_channels(0, 8);
  EXPECT_NE(error(resolved), "accepted");
}

double share_of_q(const System& system, const std::string& share) {
  const std::string text =
      "schema: bondsim.dataflow/1\nname: x\noperators:\n"
      "  - {names: [all], executor: split, nmp_channels: all, normal_channels: true, nmp_share: " +
      share + "}\n";
  const Model llama = testing::model("llama-3-8b");
  return resolve(decode_dataflow(parse_yaml(text, "x.yaml")), system, layer_graph(llama), head_graph(llama)).binding("q").nmp_share;
}

/// Six NMP channels of 16 ports, two buses of 12.8 GB/s. A row of 2048 bytes takes 125 ns of which 80 move data; every 3906 ns REFab takes
/// 380 ns and at most 25 of a row change from the ports, 380 ns and (8 + 17 + 15 - 2) CK of 1.25 ns from a bus.
TEST(Dataflow, a_balanced_share_follows_the_peaks_and_a_sustained_one_what_rows_and_refresh_leave) {
  System system = testing::h2llm_system();
  EXPECT_NEAR(share_of_q(system, "balanced"), 6 * 16 * 25.6 / (6 * 16 * 25.6 + 2 * 12.8), 1e-12);
  const double bus = 2 * 12.8 * (1 - (380 + 38 * 1.25) / 3906), ports = 6 * 16 * 2048 / 125.0;
  const double most = ports * (1 - 380 / 3906.0), least = ports * (1 - 405 / 3906.0);
  const double sustained = share_of_q(system, "sustained");
  EXPECT_LE(sustained, most / (most + bus));
  EXPECT_GE(sustained, least / (least + bus));
  system.fidelity.refresh = false;
  EXPECT_NEAR(share_of_q(system, "sustained"), ports / (ports + 2 * 12.8), 1e-12);
  system.nmp.subarray_overlap = true;
  EXPECT_NEAR(share_of_q(system, "sustained"), share_of_q(system, "balanced"), 1e-12);
  system.fidelity.refresh = true;
  system.controller.refresh = RefreshKind::none;
  EXPECT_NEAR(share_of_q(system, "sustained"), share_of_q(system, "balanced"), 1e-12);
}

}  // namespace
}  // namespace bondsim
