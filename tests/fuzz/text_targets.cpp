#include <sstream>

#include "mapping/dataflow/dataflow.hpp"
#include "mapping/llm/format.hpp"
#include "mapping/llm/model.hpp"
#include "mapping/llm/workload.hpp"
#include "mapping/search/device/design_space.hpp"
#include "mapping/serving/serving_config.hpp"
#include "mapping/tiling/dies.hpp"
#include "mapping/tiling/tiling_file.hpp"
#include "models/base/csv_table.hpp"
#include "models/results/results_read.hpp"
#include "models/schedule/schedule_json.hpp"
#include "models/system/area.hpp"
#include "models/system/load.hpp"
#include "models/system/validate/validator.hpp"
#include "tests/fuzz/targets.hpp"
#include "tests/support/paths.hpp"
#include "tests/support/shipped_system.hpp"
#include "tools/app/experiment/experiment_file.hpp"
#include "tools/app/experiment/target.hpp"

namespace bondsim::fuzz {
namespace {

/// Files that an input names are relative to a folder of configs/, which it stands in.
std::string name_in(const char* folder) { return tests::source_dir() + "/configs/" + folder + "/" + input_name; }

void read_system(ConfigNode node) {
  std::vector<std::string> files;
  resolve_system(node, "system", files);
  illegal_device(decode_system(node, "system"));
}

/// Every kind of YAML file, told apart by its schema.
void read_document(const std::string& schema, const ConfigNode& node) {
  if (schema == "bondsim.system/1") return read_system(node);
  if (schema == "bondsim.dram/1") return void(decode_document<DramConfig>(node, "dram", schema));
  if (schema == "bondsim.energy/1") return void(decode_document<EnergyTable>(node, "energy", schema));
  if (schema == "bondsim.workload/1") return void(decode_workload(node));
  if (schema == "bondsim.dataflow/1") return void(decode_dataflow(node));
  if (schema == "bondsim.serving/1") return void(serving::decode_serving(node));
  if (schema == "bondsim.space/1") return void(search::decode_space(node));
  if (schema == "bondsim.format/1") return void(decode_document<Format>(node, "format", schema));
  if (schema == "bondsim.tiling/1") return void(TilingOverrides(node));
  if (schema == "bondsim.dies/1") return void(decode_dies(node));
  if (schema == "bondsim.experiment/1") return void(decode_document<tools::ExperimentFile>(node, "experiment", schema));
  if (schema == "bondsim.target/1") return void(decode_document<tools::Target>(node, "target", schema));
  decode_model(node);
}

const char* folder_of(const std::string& text) {
  for (const char* folder : {"system", "dram", "energy", "workload", "dataflow", "serving", "space", "model", "experiment", "graph"}) {
    if (text.find(std::string("bondsim.") + folder) != std::string::npos) return folder;
  }
  return "model";
}

const System& shipped_system() {
  static const System system = test::shipped_system("h2llm");
  return system;
}

}  // namespace

void read_yaml(const std::string& input) {
  const ConfigNode node = parse_yaml(input, name_in(folder_of(input)));
  const ConfigNode* tag = node.find("schema");
  read_document(tag == nullptr ? "" : tag->text, node);
}

/// `key=value` as behind `--set system.`.
void read_override(const std::string& input) {
  ConfigNode node = load_yaml_file(tests::source_dir() + "/configs/system/h2llm.yaml");
  std::vector<std::string> files;
  resolve_system(node, "system", files);
  const std::size_t equals = input.find('=');
  if (equals == std::string::npos) return;
  apply_override(node, input.substr(0, equals), input.substr(equals + 1));
  decode_system(node, "system");
}

void read_csv(const std::string& input) {
  const CsvTable table = CsvTable::parse(input, input_name);
  const CsvTable again = CsvTable::parse(table.to_text(), input_name);  // a CR within a cell has become a blank
  const CsvTable third = CsvTable::parse(again.to_text(), input_name);
  if (third.columns() != again.columns() || third.rows() != table.rows())
    throw std::logic_error("a table that is written is not read back");
  for (std::size_t row = 0; row < table.rows(); ++row) {
    table.integer(row, "id", 0, 1 << 20);
    table.number(row, "value", 0, 1e9);
  }
}

void read_schedule_text(const std::string& input) {
  const auto source = read_schedule(std::make_unique<std::istringstream>(input), input_name);
  validate_schedule(shipped_system(), *source);
}

void read_results_text(const std::string& input) {
  const std::string text = results_json(results_from_json(input, input_name));
  if (results_json(results_from_json(text, input_name)) != text) throw std::logic_error("results that are written are not read back");
}

}  // namespace bondsim::fuzz
