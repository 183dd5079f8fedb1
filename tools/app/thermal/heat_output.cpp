#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>

#include "tools/app/thermal/heat_study.hpp"

namespace bondsim::tools {
namespace {

using Json = nlohmann::ordered_json;

const std::string& policy_name(const std::string& policy) {
  static const std::string none = "none";
  return policy.empty() ? none : policy;
}

/// Hottest parts, in C; the PEs' is left out where there are none.
Json hottest(double bank_c, double pe_c, double npu_c) {
  Json out = {{"bank_c", bank_c}};
  if (std::isfinite(pe_c)) out["pe_c"] = pe_c;
  out["npu_c"] = npu_c;
  return out;
}

std::string cell(double c) { return std::isfinite(c) ? fmt::format("{:.6g}", c) : ""; }

Json point_json(const HeatPoint& p) {
  Json out = {{"ambient_c", p.ambient_c}, {"policy", policy_name(p.policy)}, {"iterations", p.iterations}, {"settled", p.settled}};
  out["runaway"] = p.runaway;
  out["level"] = p.state.level;
  out["refresh_steps"] = p.state.refresh;
  out["prefill_s"] = p.prefill_s;
  out["token_s"] = p.token_s;
  out["tokens_per_s"] = p.tokens_per_s;
  out["power_w"] = p.power_w;
  out["leakage_w"] = p.leakage_w;
  out["hottest"] = hottest(p.map.bank_c, p.map.pe_c, p.map.npu_c);
  out["channels_c"] = p.map.channels;
  return out;
}

/// Layers of cells by layer of the stack.
template <class Visit>
void for_each_layer(const Stack& stack, const HeatPoint& point, const Visit& visit) {
  const std::size_t cells = static_cast<std::size_t>(stack.columns) * static_cast<std::size_t>(stack.rows);
  std::size_t first = 0;
  for (const StackLayer& layer : stack.layers) {
    std::vector<double> c;
    const std::size_t middle = first + static_cast<std::size_t>(layer.slices / 2);
    for (std::size_t i = 0; i < cells; ++i) c.push_back(point.map.nodes[middle * cells + i] + point.ambient_c);
    visit(layer, c);
    first += static_cast<std::size_t>(layer.slices);
  }
}

Json map_json(const Stack& stack, const HeatPoint& point) {
  Json layers = Json::array();
  for_each_layer(stack, point, [&](const StackLayer& layer, const std::vector<double>& c) {
    Json rounded = Json::array();
    for (const double value : c) rounded.push_back(std::round(value * 100) / 100);
    layers.push_back({{"layer", layer.name}, {"heat", enum_name(layer.heat)}, {"temperature_c", rounded}});
  });
  return {{"ambient_c", point.ambient_c}, {"policy", policy_name(point.policy)}, {"layers", layers}};
}

Json course_json(const HeatCourse& course) {
  Json out = {{"ambient_c", course.ambient_c},
              {"policy", policy_name(course.policy)},
              {"burst_tokens_per_s", course.burst_tokens_per_s()},
              {"burst_s", course.burst_s()},
              {"sustained_tokens_per_s", course.sustained_tokens_per_s()},
              {"energy_in_j", course.energy_in_j},
              {"energy_out_j", course.energy_out_j},
              {"energy_stored_j", course.energy_stored_j}};
  Json moments = Json::array();
  for (const HeatMoment& m : course.moments) {
    Json row = hottest(m.bank_c, m.pe_c, m.npu_c);
    row["time_s"] = m.time_s;
    row["level"] = m.level;
    row["faster_refresh"] = m.faster_refresh;
    row["power_w"] = m.power_w;
    row["tokens_per_s"] = m.tokens_per_s;
    moments.push_back(row);
  }
  out["moments"] = moments;
  return out;
}

std::string heat_csv(const HeatStudy& study) {
  std::string out =
      "ambient_c,policy,iterations,settled,runaway,level,refresh_steps,prefill_s,token_s,tokens_per_s,power_w,leakage_w,bank_c,pe_c,npu_"
      "c\n";
  for (const HeatPoint& p : study.points) {
    fmt::format_to(std::back_inserter(out), "{:g},{},{},{},{},{},{},{:.9g},{:.9g},{:.6g},{:.6g},{:.6g},{},{},{}\n", p.ambient_c,
                   policy_name(p.policy), p.iterations, p.settled, p.runaway, p.state.level, fmt::join(p.state.refresh, " "), p.prefill_s,
                   p.token_s, p.tokens_per_s, p.power_w, p.leakage_w, cell(p.map.bank_c), cell(p.map.pe_c), cell(p.map.npu_c));
  }
  return out;
}

std::string blocks_csv(const Experiment& e, const Stack& stack, const HeatStudy& study) {
  const Floorplan floorplan(e.system, stack);
  std::string out = "ambient_c,policy,block,layer,x_mm,y_mm,width_mm,height_mm,power_w,temperature_c\n";
  for (const HeatPoint& p : study.points) {
    for (std::size_t i = 0; i < floorplan.blocks().size(); ++i) {
      const HeatBlock& b = floorplan.blocks()[i];
      fmt::format_to(std::back_inserter(out), "{:g},{},{},{},{:g},{:g},{:g},{:g},{:.6g},{:.6g}\n", p.ambient_c, policy_name(p.policy),
                     b.name, stack.layers[b.layer].name, b.place.x, b.place.y, b.place.width, b.place.height, p.block_w[i],
                     p.map.blocks[i]);
    }
  }
  return out;
}

std::string maps_csv(const Stack& stack, const HeatStudy& study) {
  std::string out = "ambient_c,policy,layer,row,column,temperature_c\n";
  for (const HeatPoint& p : study.points) {
    for_each_layer(stack, p, [&](const StackLayer& layer, const std::vector<double>& c) {
      for (std::size_t i = 0; i < c.size(); ++i) {
        const auto columns = static_cast<std::size_t>(stack.columns);
        fmt::format_to(std::back_inserter(out), "{:g},{},{},{},{},{:.6g}\n", p.ambient_c, policy_name(p.policy), layer.name, i / columns,
                       i % columns, c[i]);
      }
    });
  }
  return out;
}

std::string course_csv(const std::vector<HeatCourse>& courses) {
  std::string out = "ambient_c,policy,time_s,bank_c,pe_c,npu_c,level,faster_refresh,power_w,tokens_per_s\n";
  for (const HeatCourse& course : courses) {
    for (const HeatMoment& m : course.moments) {
      fmt::format_to(std::back_inserter(out), "{:g},{},{:g},{},{},{},{},{},{:.6g},{:.6g}\n", course.ambient_c, policy_name(course.policy),
                     m.time_s, cell(m.bank_c), cell(m.pe_c), cell(m.npu_c), m.level, m.faster_refresh, m.power_w, m.tokens_per_s);
    }
  }
  return out;
}

std::string state_text(const HeatPoint& p) {
  if (p.runaway) return "leakage runs away";
  std::size_t faster = 0;
  for (const std::size_t step : p.state.refresh) faster += step > 0 ? 1 : 0;
  return fmt::format("{} of {} channels refresh faster, {} after {} iteration{}", faster, p.state.refresh.size(),
                     p.settled ? "settled" : "swings", p.iterations, p.iterations == 1 ? "" : "s");
}

}  // namespace

std::string heat_json(const Experiment& e, const Stack& stack, const HeatStudy& study) {
  Json out = {{"schema", "bondsim.heat/1"},
              {"system", e.system.name},
              {"model", e.model.name},
              {"dataflow", e.dataflow.name},
              {"config_digest", e.digest},
              {"stack", stack.name},
              {"columns", stack.columns},
              {"rows", stack.rows},
              {"width_mm", stack.floorplan.width_mm},
              {"height_mm", stack.floorplan.height_mm},
              {"generated_tokens", e.workload.generated_tokens},
              {"simulations", study.simulations}};
  Json points = Json::array(), maps = Json::array(), courses = Json::array();
  for (const HeatPoint& p : study.points) {
    points.push_back(point_json(p));
    if (p.policy.empty()) maps.push_back(map_json(stack, p));
  }
  for (const HeatCourse& course : study.courses) courses.push_back(course_json(course));
  Json runs = Json::array();
  for (const HeatCourse& run : study.runs) runs.push_back(course_json(run));
  out["points"] = points;
  out["maps"] = maps;
  out["courses"] = courses;
  out["runs"] = runs;
  return out.dump(1) + "\n";
}

std::string heat_text(const Experiment& e, const Stack& stack, const HeatStudy& study) {
  std::string out = fmt::format("{} on {}, dataflow {}; stack {}, {} simulations\n", e.model.name, e.system.name, e.dataflow.name,
                                stack.name, study.simulations);
  fmt::format_to(std::back_inserter(out), "{:>10}  {:<10}{:>6}{:>10}{:>9}{:>9}{:>9}{:>12}{:>11}\n", "ambient C", "policy", "level",
                 "power W", "bank C", "PE C", "NPU C", "ms/token", "tokens/s");
  for (const HeatPoint& p : study.points) {
    fmt::format_to(std::back_inserter(out), "{:>10g}  {:<10}{:>6}{:>10.3f}{:>9.1f}{:>9}{:>9.1f}{:>12.3f}{:>11.2f}  {}\n", p.ambient_c,
                   policy_name(p.policy), p.state.level, p.power_w, p.map.bank_c,
                   std::isfinite(p.map.pe_c) ? fmt::format("{:.1f}", p.map.pe_c) : "-", p.map.npu_c, p.token_s * 1e3, p.tokens_per_s,
                   state_text(p));
  }
  for (const HeatCourse& run : study.runs) {
    const auto hottest_npu = [](const HeatMoment& a, const HeatMoment& b) { return a.npu_c < b.npu_c; };
    const auto [least, most] = std::minmax_element(run.moments.begin(), run.moments.end(), hottest_npu);
    fmt::format_to(std::back_inserter(out), "within a run at {:g} C, {} steps: the NPU between {:.2f} and {:.2f} C\n", run.ambient_c,
                   run.moments.size(), least->npu_c, most->npu_c);
  }
  for (const HeatCourse& c : study.courses) {
    fmt::format_to(std::back_inserter(out),
                   "from {:g} C on, {}: {:.2f} tokens/s for {:.0f} s, {:.2f} tokens/s sustained; hottest bank {:.1f} C after {:.0f} s\n",
                   c.ambient_c, c.policy.empty() ? "unthrottled" : c.policy, c.burst_tokens_per_s(), c.burst_s(),
                   c.sustained_tokens_per_s(), c.moments.back().bank_c, c.moments.back().time_s);
  }
  return out;
}

void write_heat(const Experiment& experiment, const Stack& stack, const HeatStudy& study, const OutputDirectory& out) {
  out.write("heat.json", heat_json(experiment, stack, study));
  out.write("heat.csv", heat_csv(study));
  out.write("blocks.csv", blocks_csv(experiment, stack, study));
  out.write("maps.csv", maps_csv(stack, study));
  if (!study.courses.empty()) out.write("course.csv", course_csv(study.courses));
  if (!study.runs.empty()) out.write("run.csv", course_csv(study.runs));
}

}  // namespace bondsim::tools
