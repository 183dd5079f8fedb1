#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "mapping/cost/forms/tables.hpp"
#include "mapping/cost/published/h2llm_roofline.hpp"
#include "tests/support/h2llm_pes.hpp"
#include "tests/support/inputs.hpp"
#include "tests/support/paths.hpp"

namespace bondsim::cost {
namespace {

const std::string data = bondsim::tests::source_dir() + "/tests/data/";

double relative_error(double value, double reference) { return std::abs(value - reference) / reference; }

/// Largest relative error of the latency columns after they were blotted out and computed again.
double worst_error(const std::string& file, void (*estimate)(const CostModel&, CsvTable&), const std::vector<std::string>& latencies) {
  const CsvTable reference = CsvTable::load(data + file);
  CsvTable table = reference;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    for (const auto& column : latencies) table.set(row, column, "not a number");
  }
  estimate(*make_cost_model("h2llm-roofline"), table);
  double worst = 0;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    for (const auto& column : latencies) {
      worst = std::max(worst, relative_error(table.number(row, column, 0, 1e9), reference.number(row, column, 0, 1e9)));
    }
  }
  return worst;
}

TEST(H2llmRoofline, equals_every_published_operator_row) {
  EXPECT_GT(CsvTable::load(data + "roofline_ops.csv").rows(), 1000u);
  EXPECT_LT(worst_error("roofline_ops.csv", estimate_operators, {"latency_s"}), 1e-12);
}

TEST(H2llmRoofline, equals_every_published_fixed_dataflow_row) {
  EXPECT_GT(CsvTable::load(data + "fixed_dataflows.csv").rows(), 190u);
  EXPECT_LT(worst_error("fixed_dataflows.csv", estimate_fixed_dataflows,
                        {"total_latency_s_per_layer", "prefill_latency_s_per_layer", "decode_latency_s_per_layer"}),
            1e-12);
}

TEST(H2llmRoofline, channel_split_equals_every_published_row) {
  const CsvTable table = CsvTable::load(data + "roofline_ops.csv");
  for (std::size_t row = 0; row < table.rows(); ++row) {
    if (table.text(row, "model") != "NMP") continue;
    const auto cell = [&](const char* column) { return table.integer(row, column, 0, 1 << 30); };
    const ChannelSplit split = split_over_channels({cell("B"), cell("M"), cell("N"), cell("K")}, static_cast<int>(cell("nmp_channels")));
    EXPECT_EQ(split.channels_per_gemm, cell("per_gemm_channel_num")) << "row " << row;
    EXPECT_EQ(split.gemms_in_turn, cell("per_channel_gemm_num")) << "row " << row;
    EXPECT_EQ(split.k_parts, cell("K_divisor")) << "row " << row;
    EXPECT_EQ(split.n_parts, cell("N_divisor")) << "row " << row;
  }
}

TEST(H2llmRoofline, of_two_equally_near_divisors_the_smaller_splits_k) {
  EXPECT_EQ(split_over_channels({1, 1, 8, 9}, 2).k_parts, 1);    // sqrt(9 * 2 / 8) = 1.5, between 1 and 2
  EXPECT_EQ(split_over_channels({1, 1, 24, 25}, 6).k_parts, 2);  // sqrt(25 * 6 / 24) = 2.5, between 2 and 3
}

TEST(H2llmRoofline, in_die_utilization_divides_the_whole_latency) {
  const auto model = make_cost_model("h2llm-roofline");
  NmpDevice half = test::h2llm_pes();
  half.utilization = 0.5;
  const GemmShape gemm{3, 4, 1000, 128};
  EXPECT_DOUBLE_EQ(model->nmp_seconds(gemm, 2, half), 2 * model->nmp_seconds(gemm, 2, test::h2llm_pes()));
}

TEST(H2llmRoofline, corrected_counts_the_bus_in_the_same_gigabytes_as_the_ports) {
  // Memory bound on one channel: k + n elements over the bus, k n through the ports.
  NmpDevice one = test::h2llm_pes();
  one.channels = 1;
  const double bus_s = 2.0 * (4096 + 4096) / 12.8e9;
  const double ports_s = 2.0 * (4096.0 + 4096.0 * 4096.0) / (16 * 25.6e9);
  EXPECT_LT(relative_error(make_cost_model("h2llm-roofline-corrected")->nmp_seconds({1, 1, 4096, 4096}, 2, one), bus_s + ports_s), 1e-12);
  EXPECT_LT(relative_error(make_cost_model("h2llm-roofline")->nmp_seconds({1, 1, 4096, 4096}, 2, one), bus_s * 1e9 / 1073741824 + ports_s),
            1e-12);
}

TEST(H2llmRoofline, corrected_split_gives_the_faster_side_the_larger_share) {
  LayerDevice device{test::h2llm_pes(), 2, {}};
  const Layer layer = make_layer(published_layer("llama"), {157, 67, 1});
  const std::string dataflow = "attention_offloading_with_ffn_splitting";
  const double published = fixed_dataflow_latency(*make_cost_model("h2llm-roofline"), dataflow, layer, device).decode_s;
  const double corrected = fixed_dataflow_latency(*make_cost_model("h2llm-roofline-corrected"), dataflow, layer, device).decode_s;
  EXPECT_LT(corrected, 0.5 * published);
}

TEST(FixedDataflow, needs_the_channels_it_uses) {
  const Layer layer = make_layer(published_layer("opt"), {157, 67, 1});
  const auto model = make_cost_model("h2llm-roofline");
  LayerDevice none{test::h2llm_pes(), 8, {}};
  none.nmp.channels = 0;
  EXPECT_THROW(fixed_dataflow_latency(*model, "fc_offloading", layer, none), InfeasibleError);
  LayerDevice no_normal{test::h2llm_pes(), 0, {}};
  EXPECT_THROW(fixed_dataflow_latency(*model, "attention_offloading_with_ffn_splitting", layer, no_normal), InfeasibleError);
  EXPECT_GT(fixed_dataflow_latency(*model, "npu_only", layer, none).decode_s, 0);
}

TEST(RooflineIdeal, is_the_slowest_resource_at_its_peak) {
  const auto ideal = make_cost_model("roofline-ideal");
  NmpDevice device = test::h2llm_pes();
  device.channels = 2;
  // One row: the ports move 2 * 4096^2 bytes. 64 rows: the PEs do 64 * 4096^2 MACs. Wide and shallow: the buses carry the results.
  EXPECT_LT(relative_error(ideal->nmp_seconds({1, 1, 4096, 4096}, 2, device), 2.0 * 4096 * 4096 / (2 * 16 * 25.6e9)), 1e-12);
  EXPECT_LT(relative_error(ideal->nmp_seconds({1, 64, 4096, 4096}, 2, device), 64.0 * 4096 * 4096 / (2 * 16 * 16 * 8 * 0.6e9)), 1e-12);
  EXPECT_LT(relative_error(ideal->nmp_seconds({1, 64, 4096, 8}, 2, device), 2.0 * 64 * 4104 / (2 * 12.8e9)), 1e-12);
  const NpuDevice npu{8, 12.8, 128};
  EXPECT_LT(relative_error(ideal->npu_seconds({3, 1, 4096, 4096}, 2, npu), 3 * 2.0 * 4096 * 4096 / (8 * 12.8e9)), 1e-12);
  EXPECT_LT(relative_error(ideal->npu_seconds({3, 8192, 4096, 4096}, 2, npu), 3 * 8192.0 * 4096 * 4096 / 128e12), 1e-12);
}

/// Latency of an --ops table of one row.
double latency_of(const std::string& form, const std::map<std::string, std::string>& row) {
  std::string header, values;
  for (const auto& [column, value] : row) {
    header += column + ",";
    values += value + ",";
  }
  CsvTable table = CsvTable::parse(header + "latency_s\n" + values + "0\n", "ops.csv");
  estimate_operators(*make_cost_model(form), table);
  return table.number(0, "latency_s", 0, 1e9);
}

/// Each resource in turn is the only slow one, so that twice of it takes half as long: a column that is not read leaves the time as it was.
TEST(OperatorTable, every_column_of_a_row_reaches_the_form) {
  using Row = std::map<std::string, std::string>;
  const Row pes{{"model", "NMP"},
                {"element_size_bytes", "2"},
                {"B", "1"},
                {"M", "64"},
                {"N", "4096"},
                {"K", "4096"},
                {"nmp_channels", "4"},
                {"fpu_num", "8"},
                {"freq_mhz", "600"},
                {"pe_bw_gbps", "25.6"},
                {"fpu_simd_width", "16"},
                {"pe_num_per_channel", "16"},
                {"ext_bw_per_channel_gbps", "12.8"}};
  const Row npu{{"model", "NPU"},
                {"element_size_bytes", "2"},
                {"B", "1"},
                {"M", "1"},
                {"N", "4096"},
                {"K", "4096"},
                {"normal_channels", "4"},
                {"ext_bw_per_channel_gbps", "12.8"},
                {"npu_capacity_tmacs", "128"}};
  // What is slow in a row, and by how much a column changes its time.
  const auto with = [](Row row, const Row& other) {
    for (const auto& [column, value] : other) row[column] = value;
    return row;
  };
  const Row ports = with(pes, {{"M", "1"}, {"ext_bw_per_channel_gbps", "1000"}}), macs = with(pes, {{"ext_bw_per_channel_gbps", "1000"}});
  const Row bus = with(pes, {{"K", "8"}}), npu_macs = with(npu, {{"M", "8192"}});
  const struct {
    Row row;
    const char* column;
    const char* value;
    double factor;
  } changes[] = {{bus, "ext_bw_per_channel_gbps", "25.6", 0.5},
                 {bus, "ext_bw_per_channel_gbps", "3.2", 4},
                 {ports, "pe_bw_gbps", "51.2", 0.5},
                 {ports, "pe_num_per_channel", "32", 0.5},
                 {ports, "nmp_channels", "2", 2},
                 {ports, "element_size_bytes", "1", 0.5},
                 {macs, "fpu_num", "16", 0.5},
                 {macs, "freq_mhz", "300", 2},
                 {macs, "fpu_simd_width", "32", 0.5},
                 {macs, "pe_num_per_channel", "8", 2},
                 {macs, "M", "128", 2},
                 {macs, "K", "8192", 2},
                 {macs, "B", "4", 4},
                 {npu, "ext_bw_per_channel_gbps", "25.6", 0.5},
                 {npu, "normal_channels", "8", 0.5},
                 {npu, "element_size_bytes", "1", 0.5},
                 {npu_macs, "npu_capacity_tmacs", "64", 2},
                 {npu_macs, "N", "8192", 2}};
  for (const auto& change : changes) {
    const double before = latency_of("roofline-ideal", change.row);
    const double after = latency_of("roofline-ideal", with(change.row, {{change.column, change.value}}));
    EXPECT_NEAR(after / before, change.factor, 1e-9) << change.row.at("model") << " " << change.column << " " << change.value;
  }
  EXPECT_DOUBLE_EQ(latency_of("h2llm-roofline", with(macs, {{"utilization", "0.5"}})), 2 * latency_of("h2llm-roofline", macs));
}

TEST(RooflineIdeal, is_below_the_other_closed_forms_on_every_published_row) {
  CsvTable ideal = CsvTable::load(data + "roofline_ops.csv");
  CsvTable corrected = ideal;
  estimate_operators(*make_cost_model("roofline-ideal"), ideal);
  estimate_operators(*make_cost_model("h2llm-roofline-corrected"), corrected);
  for (std::size_t row = 0; row < ideal.rows(); ++row) {
    EXPECT_LE(ideal.number(row, "latency_s", 0, 1e9), corrected.number(row, "latency_s", 0, 1e9) * (1 + 1e-12)) << "row " << row;
  }
}

TEST(CostModel, unknown_name_lists_those_there_are) {
  try {
    make_cost_model("h2llm-rooflin");
    FAIL();
  } catch (const ConfigError& e) {
    EXPECT_STREQ(e.what(),
                 "--form: 'h2llm-rooflin' is not known, allowed: h2llm-roofline, h2llm-roofline-corrected, roofline-ideal, detailed");
  }
  EXPECT_THROW(make_cost_model("detailed"), ConfigError);
  const System system = test::shipped_system("h2llm");
  for (const auto& name : cost_model_names()) EXPECT_EQ(make_cost_model(name, &system)->name(), name);
}

const std::string ops_header =
    "note,model,element_size_bytes,B,M,N,K,nmp_channels,normal_channels,total_channels,fpu_num,freq_mhz,pe_bw_gbps,fpu_simd_width,"
    "pe_num_per_channel,ext_bw_per_channel_gbps,npu_capacity_tmacs,utilization\n";

std::string ops_error(const std::string& row) {
  try {
    CsvTable table = CsvTable::parse(ops_header + row, "ops.csv");
    estimate_operators(*make_cost_model("h2llm-roofline"), table);
  } catch (const ConfigError& e) {
    return e.what();
  }
  return "";
}

TEST(EstimateTable, keeps_the_text_of_every_other_cell) {
  const std::string row = "\"a, \"\"b\"\"\",NMP,2.0,1,1,04096,4096,4,,,8,600.00,2.56e1,16,16,12.8,,1.0";
  CsvTable table = CsvTable::parse(ops_header + row + "\r\n\r\n" + row, "ops.csv");
  estimate_operators(*make_cost_model("h2llm-roofline"), table);
  const std::string text = table.to_text();
  EXPECT_NE(text.find("utilization,latency_s\n" + row + ",2.10860464477539"), std::string::npos) << text;
  EXPECT_EQ(table.rows(), 2u);
}

TEST(EstimateTable, numbers_are_read_back_bit_for_bit) {
  CsvTable table = CsvTable::parse("a\n1\n", "t.csv");
  for (const double value : {0.1 + 0.2, 1.0 / 3, 4.127802322387695e-05, 1.7976931348623157e308}) {
    table.set_number(0, "a", value);
    EXPECT_EQ(std::stod(table.text(0, "a")), value);
  }
}

TEST(EstimateTable, errors_name_file_line_column_and_what_is_allowed) {
  EXPECT_EQ(ops_error("x,GPU,2,1,1,8,8,4,,,8,600,25.6,16,16,12.8,,1"), "ops.csv:2: model: 'GPU' is not known, allowed: NMP, NPU");
  EXPECT_EQ(ops_error("x,NMP,2,1,1,8,8,0,,,8,600,25.6,16,16,12.8,,1"), "ops.csv:2: nmp_channels: 0 is out of range, allowed: 1 to 4096");
  EXPECT_EQ(ops_error("x,NMP,2,1,1.5,8,8,4,,,8,600,25.6,16,16,12.8,,1"),
            "ops.csv:2: M: '1.5' is not a whole number, allowed: 1 to 1099511627776");
  EXPECT_EQ(ops_error("x,NMP,2,1,1,8,8,4,,,8,fast,25.6,16,16,12.8,,1"),
            "ops.csv:2: freq_mhz: 'fast' is not a number, allowed: a number from 0.001 to 1000000");
  EXPECT_EQ(ops_error("x,NPU,2,1,1,8,8,4,2,8,,,,,,12.8,128,"),
            "ops.csv:2: total_channels: 8 found, allowed: nmp_channels + normal_channels = 6");
  EXPECT_EQ(ops_error("x,NPU,2,1"), "ops.csv:2: (line): 4 fields, the header has 18");
}

}  // namespace
}  // namespace bondsim::cost
