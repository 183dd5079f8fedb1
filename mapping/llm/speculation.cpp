#include "mapping/llm/speculation.hpp"

#include <filesystem>

#include "models/base/csv_table.hpp"
#include "models/base/input_file.hpp"

namespace bondsim {
namespace {

constexpr std::int64_t most_drafts = 256;

class Checks {
 public:
  Checks(const ConfigNode& node, const std::string& section) : node_(node), path_(section + ".speculation.") {}

  [[noreturn]] void fail(const char* key, const std::string& message) const {
    const ConfigNode* found = node_.find(key);
    config_error(found == nullptr ? node_ : *found, path_ + key, message);
  }
  /// A key that belongs to some kinds of drafts.
  void require(const char* key, bool given, bool wanted, const std::string& draft) const {
    if (given == wanted) return;
    fail(key, wanted ? "is missing, draft " + draft + " needs it" : "given with draft " + draft + ", allowed: left out");
  }
  /// The file that a key names; a value of the command line is relative to the working directory.
  void place_file(const char* key, std::string& name) const {
    const ConfigNode* found = node_.find(key);
    if (name.empty() || found == nullptr) return;
    if (found->line > 0) name = (std::filesystem::path(directory_of(*found)) / name).lexically_normal().string();
    if (const std::string problem = input_problem(name, "a file"); !problem.empty()) fail(key, problem + ": '" + name + "'");
  }

 private:
  const ConfigNode& node_;
  std::string path_;
};

std::vector<int> read_trace(const SpeculationConfig& c) {
  const CsvTable table = CsvTable::load(c.trace_file);
  table.require_rows();
  std::vector<int> accepted;
  for (std::size_t row = 0; row < table.rows(); ++row) accepted.push_back(static_cast<int>(table.integer(row, "accepted", 0, c.depth)));
  return accepted;
}

void check_drafts(const Checks& checks, const SpeculationConfig& c) {
  std::int64_t level = 1, drafts = 0;
  for (int i = 0; i < c.depth; ++i) {
    level *= c.width_at(i);
    drafts += level;
    if (drafts > most_drafts) checks.fail("width", fmt::format("more than {0} drafts a verification, allowed: at most {0}", most_drafts));
  }
  if (drafts == c.depth) return;
  if (c.schedule == DraftSchedule::parallel) checks.fail("schedule", "'parallel' found with a tree of drafts, allowed: serial");
}

}  // namespace

void resolve_speculation(const ConfigNode& node, const std::string& section, SpeculationConfig& c) {
  const Checks checks(node, section);
  const std::string draft = enum_name(c.draft);
  const bool own = c.draft == DraftKind::model || c.draft == DraftKind::heads;
  checks.require("model", !c.model.empty(), own, draft);
  checks.require("dataflow", !c.dataflow.empty(), own, draft);
  checks.require("layers", c.layers > 0, c.draft == DraftKind::layers, draft);
  if (c.depth > 0 && c.acceptance.empty() == c.trace_file.empty()) {
    checks.fail("acceptance", "give either acceptance or trace_file, allowed: exactly one of them");
  }
  if (c.schedule == DraftSchedule::parallel && c.draft != DraftKind::model) {
    checks.fail("schedule", "'parallel' found with draft " + draft + ", allowed with draft model");
  }
  check_drafts(checks, c);
  checks.place_file("model", c.model);
  checks.place_file("dataflow", c.dataflow);
  checks.place_file("trace_file", c.trace_file);
  if (!c.trace_file.empty()) c.trace = read_trace(c);
}

}  // namespace bondsim
