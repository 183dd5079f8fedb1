#include "tools/app/report/inputs.hpp"
#include "tools/app/report/shape.hpp"

namespace bondsim::tools::report {
namespace {

std::vector<Needed> needed_of_heat() {
  return {{Value::text, {"model", "system", "stack", "points[].policy", "maps[].layers[].layer", "courses[].policy"}},
          {Value::flag, {"points[].runaway", "points[].settled"}},
          {Value::number,
           {"columns", "rows", "width_mm", "height_mm", "points[].ambient_c", "points[].level", "points[].power_w", "points[].leakage_w",
            "points[].refresh_steps[]", "points[].iterations", "maps[].ambient_c", "maps[].layers[].temperature_c[]", "courses[].ambient_c",
            "courses[].burst_s", "courses[].moments[].time_s", "runs?[].ambient_c", "runs?[].moments[].time_s"}},
          {Value::number_or_null,
           {"points[].hottest.bank_c", "points[].hottest.npu_c", "points[].token_s", "points[].tokens_per_s",
            "courses[].burst_tokens_per_s", "courses[].sustained_tokens_per_s", "courses[].moments[].tokens_per_s"}},
          {Value::items, {"points", "maps"}}};
}

}  // namespace

Json load_heat(const std::string& directory) {
  return {{"heat", load_shaped(directory + "/heat.json", "a heat.json", "bondsim.heat/1", needed_of_heat())}};
}

}  // namespace bondsim::tools::report
