#include "models/base/csv_table.hpp"
#include "models/base/input_file.hpp"
#include "models/base/json_text.hpp"
#include "tools/app/report/inputs.hpp"
#include "tools/app/report/shape.hpp"

namespace bondsim::tools::report {

Json load_heat(const std::string& directory) {
  const std::string file = directory + "/heat.json";
  const std::string text = read_input_file(file, "a heat.json", max_table_bytes);
  Json heat = parse_json<Json>(text, file);
  require_schema(heat, text, file, "bondsim.heat/1");
  require_shape(heat, text, file,
                {{"model", Value::text},
                 {"system", Value::text},
                 {"stack", Value::text},
                 {"columns", Value::number},
                 {"rows", Value::number},
                 {"width_mm", Value::number},
                 {"height_mm", Value::number},
                 {"points[].ambient_c", Value::number},
                 {"points[].policy", Value::text},
                 {"points[].level", Value::number},
                 {"points[].power_w", Value::number},
                 {"points[].leakage_w", Value::number},
                 {"points[].hottest.bank_c", Value::number_or_null},
                 {"points[].hottest.npu_c", Value::number_or_null},
                 {"points[].refresh_steps[]", Value::number},
                 {"points[].token_s", Value::number_or_null},
                 {"points[].tokens_per_s", Value::number_or_null},
                 {"points[].iterations", Value::number},
                 {"points[].runaway", Value::flag},
                 {"points[].settled", Value::flag},
                 {"maps[].ambient_c", Value::number},
                 {"maps[].layers[].layer", Value::text},
                 {"maps[].layers[].temperature_c[]", Value::number},
                 {"courses[].ambient_c", Value::number},
                 {"courses[].policy", Value::text},
                 {"courses[].burst_tokens_per_s", Value::number_or_null},
                 {"courses[].burst_s", Value::number},
                 {"courses[].sustained_tokens_per_s", Value::number_or_null},
                 {"courses[].moments[].time_s", Value::number},
                 {"courses[].moments[].tokens_per_s", Value::number_or_null},
                 {"runs?[].ambient_c", Value::number},
                 {"runs?[].moments[].time_s", Value::number}});
  for (const char* list : {"points", "maps"}) {
    if (heat.at(list).empty())
      throw ConfigError(fmt::format("{}:{}: {}: empty, allowed: at least one", file, line_of_path(text, list), list));
  }
  return {{"heat", std::move(heat)}};
}

}  // namespace bondsim::tools::report
