#include <gtest/gtest.h>

#include <regex>

#include "models/base/csv_table.hpp"
#include "tests/support/command.hpp"
#include "tests/support/paths.hpp"

namespace bondsim {
namespace {

/// The row of a table with these values in system, model, dataset, batch and tier.
std::size_t row_of(const CsvTable& table, const std::vector<std::string>& values) {
  const char* columns[] = {"system", "model", "dataset", "batch", "tier"};
  for (std::size_t row = 0; row < table.rows(); ++row) {
    bool all = true;
    for (std::size_t i = 0; i < values.size(); ++i) all = all && table.text(row, columns[i]) == values[i];
    if (all) return row;
  }
  ADD_FAILURE() << values[0] << " is not in the table";
  return 0;
}

double total(const CsvTable& table, std::size_t row) { return table.number(row, "total_latency_s_per_layer", 0, 1e3); }

/// The published evaluator's figures for one model, data set and batch; what its genetic search found is met or beaten.
TEST(Reproduce, quick_analytical_tables_hold_the_published_evaluators_figures) {
  const test::ScratchDirectory scratch;
  const auto result = test::bondsim_command("reproduce h2llm --tier analytical --quick --out " + scratch.file("out"));
  ASSERT_EQ(result.status, 0) << result.output;
  const CsvTable rows = CsvTable::load(scratch.file("out") + "/end_to_end.csv");
  const CsvTable fixed = CsvTable::load(bondsim::tests::source_dir() + "/tests/data/fixed_dataflows.csv");
  const CsvTable best = CsvTable::load(bondsim::tests::source_dir() + "/tests/data/dse_best.csv");
  const std::size_t cp = row_of(rows, {"CP", "llama", "he", "1", "analytical"});
  EXPECT_NEAR(total(rows, cp) / total(fixed, row_of(fixed, {"CP", "llama", "he", "1"})), 1, 1e-12);
  const std::size_t h2llm = row_of(rows, {"H2-LLM", "llama", "he", "1", "analytical"});
  EXPECT_LE(total(rows, h2llm), total(best, row_of(best, {"H2-LLM", "llama", "he", "1"})));
  const std::size_t base = row_of(rows, {"ID-NMP+", "llama", "he", "1", "analytical"});
  EXPECT_DOUBLE_EQ(rows.number(h2llm, "speedup", 0, 1e3), total(rows, base) / total(rows, h2llm)) << "the paper's own baseline";
  EXPECT_FALSE(rows.has(h2llm, "energy_j"));
  EXPECT_EQ(rows.text(h2llm, "dataflow").rfind("k[", 0), 0u) << "no quotes of the file are part of a cell";
  const CsvTable dataflow = CsvTable::load(scratch.file("out") + "/dataflow.csv");
  for (const char* system : {"FC-NMP", "Attn-NMP", "Attn-NMP-Split"}) {
    EXPECT_NEAR(total(dataflow, row_of(dataflow, {system, "llama", "he", "1"})) / total(fixed, row_of(fixed, {system, "llama", "he", "1"})),
                1, 1e-12)
        << system;
  }
  // In-die PEs take the utilisation that the cycle model finds: their rows are the evaluator's over it.
  const CsvTable utilization = CsvTable::load(scratch.file("out") + "/in_die_utilization.csv");
  for (std::size_t i = 0; i < utilization.rows(); ++i) {
    EXPECT_GT(utilization.number(i, "utilization", 0, 1), 0.2);
  }
  EXPECT_NE(result.output.find("1.50 to 5.40 |     1.50 to 2.75  1.00, 0.51*"), std::string::npos) << result.output;
  EXPECT_FALSE(std::filesystem::exists(scratch.file("out") + ".answers"));
}

/// A reproduction of two systems and a model that simulates in a blink.
std::string small_reproduction(const test::ScratchDirectory& scratch, const std::string& experiment) {
  const std::string configs = bondsim::tests::source_dir() + "/configs/";
  scratch.write("model.yaml",
                "schema: bondsim.model/1\nname: small\nlayers: 2\nhidden: 256\nintermediate: 512\nquery_heads: 4\nkv_heads: 2\n"
                "head_dim: 64\nvocab: 1000\nmax_context: 2048\ngated_ffn: true\nactivation: silu\nnorm: rms_norm\nposition: rotary\n");
  scratch.write("workload.yaml", "schema: bondsim.workload/1\nname: short\nprompt_tokens: 8\ngenerated_tokens: 6\n");
  scratch.write("space.yaml", "schema: bondsim.space/1\nname: t\nsystem: " + configs +
                                  "system/h2llm.yaml\nworkloads:\n  - {model: model.yaml, workload: workload.yaml}\n"
                                  "objectives: [latency_s, pe_area_mm2]\nparameters:\n  - {key: nmp.pe.fpus, values: [1, 8]}\n");
  return scratch.write(
      "small.yaml",
      "schema: bondsim.reproduction/1\nname: small\npaper_energy: " + configs +
          "energy/h2llm-paper.yaml\nmodels: [{name: small, file: model.yaml}]\ndatasets: [{name: short, file: workload.yaml}]\n"
          "batches: [1, 2]\nsystems:\n  - {name: A, system: " +
          configs + "system/h2llm.yaml, dataflow: data_centric}\n  - {name: B, system: " + configs +
          "system/id-nmp.yaml, dataflow: data_centric}\n  - {name: C, system: " + configs +
          "system/h2llm.yaml, dataflow: fc_offloading}\nrow_policies: [{name: JEDEC}, {name: overlapped, set: "
          "[nmp.subarray_overlap=true]}]\n"
          "attribution: {over: overlapped, part: {models: [small], datasets: [short], batches: [2]}, sweeps: [{name: reads, key: "
          "nmp.pe.rows_per_read, values: [1, 2], systems: [B], of: A}]}\nexperiments:\n  - " +
          experiment +
          "\nheadlines:\n  - {name: faster, metric: total_latency, of: A, over: [B], published: 2}\n"
          "  - {name: leaner, metric: decode_energy_paper, of: A, over: [B], published: 1.5}\n"
          "architecture: {analytical: space.yaml, cycle: space.yaml}\n"
          "quick: {models: [small], datasets: [short], batches: [1]}\n");
}

TEST(Reproduce, both_tiers_of_a_small_reproduction_make_whole_tables) {
  const test::ScratchDirectory scratch;
  const std::string config = small_reproduction(scratch, "{name: pair, baseline: B, systems: [A, B, C]}");
  const std::string command = "reproduce h2llm --config " + config + " --out " + scratch.file("out");
  const auto result = test::bondsim_command(command);
  ASSERT_EQ(result.status, 0) << result.output;
  const CsvTable rows = CsvTable::load(scratch.file("out") + "/pair.csv");
  EXPECT_EQ(rows.rows(), 18u) << "6 by the closed form, 6 by cycles under each row policy";
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    EXPECT_EQ(rows.text(i, "problem"), "");
    const double parts = rows.number(i, "prefill_latency_s_per_layer", 0, 1) + rows.number(i, "decode_latency_s_per_layer", 0, 1);
    EXPECT_DOUBLE_EQ(total(rows, i), parts);
    EXPECT_EQ(rows.has(i, "energy_j"), rows.text(i, "tier") == "cycle");
    EXPECT_EQ(rows.has(i, "decode_transfer_share"), rows.text(i, "tier") == "cycle");
    if (rows.text(i, "tier") != "cycle") continue;
    EXPECT_GT(rows.number(i, "decode_transfer_share", 0, 1), 0);
    EXPECT_LT(rows.number(i, "decode_transfer_share", 0, 1) + rows.number(i, "decode_wait_share", 0, 1), 1);
  }
  for (const char* batch : {"1", "2"}) {
    const std::size_t searched = row_of(rows, {"A", "small", "short", batch, "cycle"});
    const std::size_t fixed = row_of(rows, {"C", "small", "short", batch, "cycle"});
    EXPECT_LE(total(rows, searched), total(rows, fixed)) << "the space of A has the dataflow of C";
  }
  const CsvTable headlines = CsvTable::load(scratch.file("out") + "/headlines.csv");
  ASSERT_EQ(headlines.rows(), 5u) << "no energy in the analytical tier; both row policies in the other";
  for (std::size_t i = 0; i < headlines.rows(); ++i) {
    const double ratio = headlines.number(i, "found", 0, 1e3) / headlines.number(i, "published", 0, 10);
    EXPECT_NEAR(headlines.number(i, "ratio", 0, 1e3), ratio, 1e-3);
    EXPECT_EQ(headlines.text(i, "within_10_percent"), ratio < 1.1 && ratio > 1 / 1.1 ? "yes" : "no");
  }
  // A column that is read again for each row of activations takes longer than one that is read for both.
  const CsvTable reads = CsvTable::load(scratch.file("out") + "/reads.csv");
  ASSERT_EQ(reads.text(reads.rows() - 1, "batch"), "all");
  EXPECT_EQ(reads.text(1, "batch") + reads.text(1, "value"), "21");
  EXPECT_EQ(reads.text(4, "batch") + reads.text(4, "value"), "22");
  EXPECT_GT(reads.number(1, "decode_speedup", 0, 1e3), reads.number(4, "decode_speedup", 0, 1e3));
  EXPECT_GT(reads.number(1, "decode_energy", 0, 1e3), reads.number(4, "decode_energy", 0, 1e3));
  // Prefills know nothing of PEs.
  std::smatch counts;
  ASSERT_TRUE(std::regex_search(result.output, counts, std::regex("of their (\\d+) steps (\\d+) differ"))) << result.output;
  EXPECT_LE(std::stoi(counts[2]), std::stoi(counts[1]) - 4);
  const CsvTable devices = CsvTable::load(scratch.file("out") + "/architecture.csv");
  EXPECT_EQ(devices.rows(), 4u);
  // Once more into the same directory, with other workers: the same tables.
  const std::string before = test::file_text(scratch.file("out") + "/pair.csv");
  ASSERT_EQ(test::bondsim_command(command + " -j 1").status, 0);
  EXPECT_EQ(test::file_text(scratch.file("out") + "/pair.csv"), before);
}

TEST(Reproduce, errors_name_what_is_allowed) {
  const test::ScratchDirectory scratch;
  const std::string unknown = small_reproduction(scratch, "{name: pair, baseline: B, systems: [A, D]}");
  const auto result = test::bondsim_command("reproduce h2llm --config " + unknown + " --out " + scratch.file("out"));
  EXPECT_EQ(result.status, 2);
  EXPECT_NE(result.output.find("experiments: pair: systems: 'D' is not known, allowed: A, B, C"), std::string::npos) << result.output;
  std::string text = test::file_text(small_reproduction(scratch, "{name: pair, baseline: B, systems: [A, C]}"));
  text.replace(text.find("dataflow: fc_offloading"), 23, "dataflow: fc_offload");
  const auto flow = test::bondsim_command("reproduce h2llm --config " + scratch.write("flow.yaml", text) + " --out " + scratch.file("out"));
  EXPECT_EQ(flow.status, 2);
  EXPECT_NE(flow.output.find("systems: C: dataflow: 'fc_offload' is not known, allowed: "), std::string::npos) << flow.output;
  EXPECT_EQ(test::bondsim_command("reproduce attacc --out " + scratch.file("out")).status, 2);
}

}  // namespace
}  // namespace bondsim
