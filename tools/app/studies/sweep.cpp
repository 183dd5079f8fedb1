#include "tools/app/studies/sweep.hpp"

#include <algorithm>

#include "models/base/digest.hpp"
#include "models/results/phases.hpp"
#include "tools/app/output/journal.hpp"
#include "tools/app/output/output_directory.hpp"
#include "tools/app/output/place.hpp"
#include "tools/app/processes/isolate.hpp"
#include "tools/app/processes/message.hpp"
#include "tools/app/processes/pool.hpp"
#include "tools/app/studies/run_experiment.hpp"

namespace bondsim::tools {
namespace {

/// Task of a worker: the values that replace the experiment's.
struct SweepTask {
  std::vector<std::string> overrides;
};
template <class Visitor>
void members(Visitor& v, SweepTask& t) {
  v("overrides", t.overrides);
}
const char* message_schema(const SweepTask&) { return "bondsim.sweep_task/1"; }

std::vector<std::string> split_values(const std::string& text) {
  std::vector<std::string> values(1);
  int depth = 0;
  for (const char c : text) {
    depth += c == '[' || c == '{' ? 1 : c == ']' || c == '}' ? -1 : 0;
    if (c == ',' && depth == 0) {
      values.emplace_back();
    } else {
      values.back() += c;
    }
  }
  return values;
}

ExperimentRequest request_of(const SweepRequest& sweep, const SweepTask& task) {
  ExperimentRequest request = sweep.experiment;
  request.overrides.insert(request.overrides.end(), task.overrides.begin(), task.overrides.end());
  return request;
}

SweepTask task_of(const SweepPoint& point) {
  SweepTask task;
  for (const auto& [key, value] : point) task.overrides.push_back(key + "=" + value);
  return task;
}

std::string answer(const SweepRequest& sweep, const std::string& text) {
  const auto task = decode<SweepTask>(text);
  try {
    return run_isolated([&] { return encode(sweep_row(run_experiment(load_experiment(request_of(sweep, task))))); });
  } catch (const InfeasibleError& e) {
    SweepRow row;
    row.problem = e.what();
    return encode(row);
  }
}

CsvTable table_of(const std::vector<SweepPoint>& points, const std::vector<SweepRow>& rows) {
  CsvTable table = CsvTable::of_rows(points.size(), {}, "sweep.csv");
  for (std::size_t i = 0; i < points.size(); ++i) {
    for (const auto& [key, value] : points[i]) table.set(i, key, value);
  }
  for (const auto& [name, value] : sweep_row(Results{}).metrics) table.set(0, name, "");
  for (std::size_t i = 0; i < rows.size(); ++i) {
    for (const auto& [name, value] : rows[i].metrics) table.set_number(i, name, value);
    table.set(i, "decode_bound", rows[i].decode_bound);
    table.set(i, "problem", rows[i].problem);
  }
  return table;
}

/// Asks the workers what the journal does not know.
std::vector<SweepRow> ask(TaskPool& pool, Journal& journal, const std::vector<std::string>& tasks,
                          const std::function<void(std::int64_t, std::int64_t)>& progress) {
  std::vector<SweepRow> rows(tasks.size());
  std::vector<std::string> open;
  std::vector<std::size_t> number;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    if (const std::string* known = journal.find(tasks[i])) {
      rows[i] = decode<SweepRow>(*known);
    } else {
      open.push_back(tasks[i]);
      number.push_back(i);
    }
  }
  auto done = static_cast<std::int64_t>(tasks.size() - open.size());
  std::string given_up;
  TaskPool::Callbacks callbacks;
  callbacks.answered = [&](std::size_t task, const std::string& text) {
    rows[number[task]] = decode<SweepRow>(text);
    journal.add(open[task], text);
    progress(++done, static_cast<std::int64_t>(tasks.size()));
  };
  callbacks.gave_up = [&](std::size_t task, const std::string& report) { given_up = open[task] + ": " + report; };
  callbacks.stop = [&] { return !given_up.empty(); };
  pool.run(open, callbacks);
  if (!given_up.empty()) throw InternalError(given_up);
  return rows;
}

}  // namespace

std::vector<SweepPoint> sweep_points(const std::vector<std::string>& axes, bool zip) {
  std::vector<std::pair<std::string, std::vector<std::string>>> lists;
  for (const std::string& axis : axes) {
    const std::size_t equals = axis.find('=');
    if (equals == std::string::npos || equals == 0 || equals + 1 == axis.size()) {
      throw ConfigError("--set " + axis + ": expected section.key=value,value,..., e.g. --set workload.batch=1,4,16");
    }
    const std::string key = axis.substr(0, equals);
    if (std::any_of(lists.begin(), lists.end(), [&](const auto& list) { return list.first == key; })) {
      throw ConfigError("--set " + axis + ": the key is given twice, allowed: all of its values in one --set");
    }
    lists.emplace_back(key, split_values(axis.substr(equals + 1)));
  }
  std::vector<SweepPoint> points(1);
  if (zip) {
    points.assign(lists.empty() ? 1 : lists.front().second.size(), {});
    for (const auto& [key, values] : lists) {
      if (values.size() != points.size()) {
        throw ConfigError(
            fmt::format("--zip: {} has {} values, allowed: {}, as {} has", key, values.size(), points.size(), lists.front().first));
      }
      for (std::size_t i = 0; i < values.size(); ++i) points[i].emplace_back(key, values[i]);
    }
    return points;
  }
  for (const auto& [key, values] : lists) {
    if (points.size() * values.size() > most_sweep_points) {
      throw ConfigError(
          fmt::format("--set {}=...: makes {} points, allowed: up to {}", key, points.size() * values.size(), most_sweep_points));
    }
    std::vector<SweepPoint> longer;
    for (const SweepPoint& point : points) {
      for (const std::string& value : values) {
        longer.push_back(point);
        longer.back().emplace_back(key, value);
      }
    }
    points = std::move(longer);
  }
  return points;
}

SweepRow sweep_row(const Results& r) {
  SweepRow row;
  for (const std::string phase : {"prefill", "decode"}) {
    const PhaseFigures p = phase_figures(r, phase);
    row.metrics.insert(row.metrics.end(), {{phase + "_s", to_seconds(p.time)},
                                           {phase + "_tokens_per_s", p.tokens_per_s()},
                                           {phase + "_energy_j", to_joules(p.energy)},
                                           {phase + "_energy_per_token_j", p.joules_per_token()}});
    if (phase == "decode") row.decode_bound = p.bound();
  }
  const auto steps = static_cast<double>(std::max<std::size_t>(1, r.steps.size()));
  row.metrics.insert(row.metrics.end(), {{"total_s", to_seconds(r.total)},
                                         {"tbt_mean_s", to_seconds(r.decode()) / steps},
                                         {"tbt_p99_s", to_seconds(r.step_percentile(0.99))},
                                         {"energy_j", to_joules(r.energy_total)},
                                         {"energy_on_estimates_j", to_joules(r.energy_estimated)}});
  if (r.speculation) {
    const TokenCost token = cost_of_token(r);
    row.metrics.insert(row.metrics.end(), {{"token_s", token.seconds},
                                           {"token_energy_j", token.joules},
                                           {"tokens_per_verification", r.speculation->mean_tokens()},
                                           {"speed_up", speed_up(r)}});
  }
  for (const auto& entry : enum_names<EnergyComponent>) {
    row.metrics.emplace_back(std::string("energy_") + entry.first + "_j", to_joules(r.energy[static_cast<std::size_t>(entry.second)]));
  }
  return row;
}

std::optional<SweepResult> run_sweep(const SweepRequest& request, const std::function<void(std::int64_t, std::int64_t)>& progress) {
  const std::vector<SweepPoint> points = sweep_points(request.axes, request.zip);
  std::vector<std::string> tasks;
  std::string inputs = BONDSIM_VERSION;
  for (const SweepPoint& point : points) {
    tasks.push_back(encode(task_of(point)));
    try {
      const Experiment experiment = load_experiment(request_of(request, task_of(point)));
      inputs += experiment.digest;
      // What no run of this point could take is said before any runs.
      resolve(experiment.dataflow, experiment.system, layer_graph(experiment.model), head_graph(experiment.model));
    } catch (const InfeasibleError&) {  // becomes the row's problem
      inputs += " infeasible";
    }
  }
  std::optional<SweepResult> result;
  const auto work = [&](const std::string& task) { return answer(request, task); };
  lead_or_serve(request.jobs, work, [&](TaskPool& pool) {
    OutputDirectory directory(request.out, "sweep");
    Journal journal(place_of_directory(request.out) + ".answers", digest(inputs));
    const std::vector<SweepRow> rows = ask(pool, journal, tasks, progress);
    result.emplace();
    result->table = table_of(points, rows);
    for (const SweepRow& row : rows) result->infeasible += row.problem.empty() ? 0 : 1;
    directory.write("sweep.csv", result->table.to_text());
    directory.commit();
    journal.remove();
    return 0;
  });
  return result;
}

}  // namespace bondsim::tools
