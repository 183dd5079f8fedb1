#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>
#include <sstream>

#include "models/system/area.hpp"
#include "tests/support/error_of.hpp"
#include "tests/support/paths.hpp"
#include "tools/app/validation/validation.hpp"

namespace bondsim::tools {
namespace {

ValidationSet suite(const std::string& name) { return validation_suite(name, tests::source_dir() + "/configs/system/h2llm.yaml"); }

std::set<std::string> values(const CsvTable& table, const std::string& column, const std::string& kind = "") {
  std::set<std::string> found;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    if (kind.empty() || table.text(row, "model") == kind) found.insert(table.text(row, column));
  }
  return found;
}

std::pair<std::int64_t, std::int64_t> range(const CsvTable& table, const std::string& column, const std::string& kind) {
  std::pair<std::int64_t, std::int64_t> r{INT64_MAX, 0};
  for (const std::string& cell : values(table, column, kind)) r = {std::min(r.first, std::stol(cell)), std::max(r.second, std::stol(cell))};
  return r;
}

/// README.md, tests/ACCURACY.md and mapping/cost/README.md say how many operators the errors are of. An operator that stood twice would
/// count twice in the mean.
TEST(ValidationSuite, has_as_many_operators_as_is_claimed_and_none_twice) {
  for (const auto& [name, rows] : std::map<std::string, std::size_t>{{"quick", 22}, {"full", 694}, {"verification", 211}}) {
    const ValidationSet set = suite(name);
    EXPECT_EQ(set.cases.size(), rows) << name;
    EXPECT_EQ(set.title, std::to_string(rows) + " operators alone on h2llm") << name;
    std::istringstream text(set.table.to_text());
    std::set<std::string> lines;
    std::string line;
    std::getline(text, line);
    while (std::getline(text, line)) EXPECT_TRUE(lines.insert(line).second) << name << ": " << line;
    EXPECT_EQ(lines.size(), rows) << name;
  }
}

/// A table of one's own (validate --ops) has these columns too, and those of buffers besides.
TEST(ValidationSuite, columns_are_those_of_a_table_of_operators) {
  const CsvTable known = CsvTable::load(tests::source_dir() + "/tests/data/roofline_ops.csv");
  const std::set<std::string> buffers = {"weight_buffer_kib", "input_buffer_kib", "output_buffer_kib"};
  for (const char* name : {"quick", "full", "verification"}) {
    const ValidationSet set = suite(name);
    for (const std::string& column : set.table.columns()) EXPECT_TRUE(known.has_column(column) || buffers.count(column) > 0) << column;
  }
}

/// Every device of the published space that a row has could be built (H2-LLM, ISCA'25, legal PEs), on up to eight channels.
TEST(ValidationSuite, devices_are_legal_ones_of_the_published_space) {
  for (const char* name : {"quick", "full", "verification"}) {
    const ValidationSet set = suite(name);
    std::set<bool> engines;
    for (std::size_t row = 0; row < set.cases.size(); ++row) {
      const ValidationCase& c = set.cases[row];
      engines.insert(c.on_nmp);
      EXPECT_EQ(c.kind, c.on_nmp ? "NMP" : "NPU");
      EXPECT_EQ(c.kind, set.table.text(row, "model"));
      EXPECT_LE(c.system->channel_count(), 8) << name << ", row " << row;
      EXPECT_EQ(illegal_device(*c.system), std::nullopt) << name << ", row " << row;
      if (!c.on_nmp) continue;
      EXPECT_EQ(c.system->nmp.pe.fpus, set.table.integer(row, "fpu_num", 1, 1024));
      EXPECT_EQ(c.system->nmp.pe.clock_mhz, set.table.integer(row, "freq_mhz", 1, 10000));
      EXPECT_EQ(c.system->nmp.pe.output_buffer_kib, set.table.number(row, "output_buffer_kib", 0, 1e6));
    }
    EXPECT_EQ(engines.size(), 2U) << name << ": PEs and arrays";
  }
}

/// mapping/cost/README.md: batches, PEs of the published space, buffers; prefills of up to 65,536 rows; weights of 16, 8 and 4 bits.
TEST(ValidationSuite, full_has_prefills_of_65536_rows_and_weights_of_16_8_and_4_bits) {
  const CsvTable full = suite("full").table;
  for (const char* kind : {"NMP", "NPU"}) {
    EXPECT_EQ(values(full, "element_size_bytes", kind), (std::set<std::string>{"0.5", "1", "2"})) << kind;
    EXPECT_EQ(range(full, "M", kind), (std::pair<std::int64_t, std::int64_t>{1, std::string(kind) == "NPU" ? 65536 : 64})) << kind;
  }
  EXPECT_EQ(values(full, "nmp_channels", "NMP"), (std::set<std::string>{"2", "6", "8"}));
  EXPECT_EQ(values(full, "weight_buffer_kib", "NMP"), (std::set<std::string>{"4", "32", "128"}));
  std::set<std::string> pes;
  for (std::size_t row = 0; row < full.rows(); ++row)
    pes.insert(full.text(row, "fpu_num") + " " + full.text(row, "freq_mhz") + " " + full.text(row, "pe_bw_gbps"));
  pes.erase("  ");  // of arrays
  EXPECT_EQ(pes.size(), 6U);
}

/// README.md: 2 to 16 rows a request, batch 1 and 4. Heads have the rows of a KV head's queries, one or four of them.
TEST(ValidationSuite, verifications_are_of_2_to_16_rows_and_batch_1_and_4) {
  const CsvTable table = suite("verification").table;
  std::set<std::int64_t> weights, heads;
  for (std::size_t row = 0; row < table.rows(); ++row)
    (table.integer(row, "B", 1, 8) == 1 ? weights : heads).insert(table.integer(row, "M", 1, 1 << 20));
  const std::set<std::int64_t> rows = {2, 3, 5, 8, 9, 16, 4 * 2, 4 * 3, 4 * 5, 4 * 8, 4 * 9, 4 * 16};
  EXPECT_EQ(weights, rows);
  EXPECT_EQ(heads, rows);
  EXPECT_EQ(values(table, "B"), (std::set<std::string>{"1", "8"}));
}

TEST(ValidationSuite, an_unknown_one_is_refused_with_the_names_of_all) {
  EXPECT_EQ(test::error_of([] { suite("quik"); }), "--suite: 'quik' is not known, allowed: quick, full, verification, quick_steps, steps");
  for (const char* name : {"quick", "full", "verification", "quick_steps"}) EXPECT_FALSE(suite(name).cases.empty()) << name;
}

}  // namespace
}  // namespace bondsim::tools
