#include "models/base/csv_table.hpp"
#include "models/base/input_file.hpp"
#include "models/base/json_text.hpp"
#include "tools/app/report/inputs.hpp"

namespace bondsim::tools::report {

Json load_heat(const std::string& directory) {
  const std::string file = directory + "/heat.json";
  Json heat = parse_json<Json>(read_input_file(file, "a heat.json", max_table_bytes), file);
  if (!heat.is_object() || heat.value("schema", "") != "bondsim.heat/1") {
    throw ConfigError(fmt::format("{}: schema: not known, allowed: bondsim.heat/1", file));
  }
  for (const char* list : {"points", "maps", "courses"}) {
    if (!heat.contains(list) || !heat.at(list).is_array()) throw ConfigError(fmt::format("{}: {}: missing, allowed: a list", file, list));
  }
  return {{"heat", std::move(heat)}};
}

}  // namespace bondsim::tools::report
