#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <sstream>

#include "mapping/cost/accuracy.hpp"
#include "sim/output_directory.hpp"
#include "sim/results.hpp"
#include "tools/commands/commands.hpp"
#include "tools/experiment.hpp"
#include "tools/validation.hpp"

namespace bondsim::tools {
namespace {

struct Options {
  std::string ops;
  std::string suite;
  std::string predictions;
  std::string system = "configs/system/h2llm.yaml";
  std::string models;
  std::string gate;
  std::string out;
  int jobs = 2;
};

/// A closed form or a file of predictions, and its seconds by row; 0 where it has none.
struct Judged {
  std::string name;
  std::vector<double> seconds;
};

CsvTable rows_of(const Options& options) {
  if (!options.suite.empty()) return validation_suite(options.suite);
  return CsvTable::load(options.ops.empty() ? options.predictions : options.ops);
}

/// Forms that reproduce a publication get the device as the row says it, others as the machine is.
double predicted_seconds(const cost::CostModel& model, const ValidationRow& row) {
  const bool published = std::string(model.name()).rfind("h2llm-", 0) == 0;
  try {
    return cost::operator_seconds(model, published ? row.op : row.machine);
  } catch (const InfeasibleError&) {
    return 0;
  }
}

Judged judge_model(const std::string& name, const std::vector<ValidationRow>& rows) {
  Judged judged{name, {}};
  for (const ValidationRow& row : rows) {
    judged.seconds.push_back(predicted_seconds(*cost::make_cost_model(name, &row.system), row));
  }
  return judged;
}

/// `latency_s` of a file whose rows are those of `table`, in the same order; shapes are compared where the file gives them.
Judged judge_file(const std::string& file, const CsvTable& table) {
  const CsvTable predictions = CsvTable::load(file);
  if (predictions.rows() != table.rows()) {
    throw ConfigError(fmt::format("{}: {} rows, allowed: one for each of the {} operators", file, predictions.rows(), table.rows()));
  }
  Judged judged{"predictions", {}};
  for (std::size_t row = 0; row < table.rows(); ++row) {
    for (const char* column : {"B", "M", "N", "K"}) {
      if (!predictions.has(row, column)) continue;
      const std::int64_t asked = table.integer(row, column, 1, std::int64_t{1} << 40);
      if (predictions.integer(row, column, 1, std::int64_t{1} << 40) != asked) {
        predictions.error(row, column, fmt::format("{} found, the operator has {}", predictions.text(row, column), asked));
      }
    }
    judged.seconds.push_back(predictions.number(row, "latency_s", 1e-15, 1e12));
  }
  return judged;
}

std::vector<Judged> judge(const Options& options, const CsvTable& table, const std::vector<ValidationRow>& rows) {
  std::vector<std::string> names;
  std::istringstream list(options.models);
  for (std::string name; std::getline(list, name, ',');) names.push_back(name);
  if (options.models.empty() && options.predictions.empty()) names = cost::cost_model_names();
  std::vector<Judged> judged;
  for (const std::string& name : names) judged.push_back(judge_model(name, rows));
  if (!options.predictions.empty()) judged.push_back(judge_file(options.predictions, table));
  return judged;
}

void write_table(CsvTable& table, const std::vector<CycleResult>& cycles, const std::vector<Judged>& judged) {
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const CycleResult& cycle = cycles[row];
    const bool feasible = cycle.infeasible.empty();
    table.set(row, "cycle_latency_s", "");
    if (feasible) table.set_number(row, "cycle_latency_s", cycle.latency_s);
    for (const Judged& j : judged) {
      for (const char* what : {"_latency_s", "_utilisation", "_error_percent"}) table.set(row, j.name + what, "");
      if (j.seconds[row] <= 0) continue;
      table.set_number(row, j.name + "_latency_s", j.seconds[row]);
      if (!feasible) continue;
      table.set_number(row, j.name + "_utilisation", j.seconds[row] / cycle.latency_s);
      table.set_number(row, j.name + "_error_percent", 100 * (j.seconds[row] / cycle.latency_s - 1));
    }
    table.set(row, "dominant", cycle.dominant);
    for (const auto& part : named_parts({})) table.set(row, fmt::format("time_{}", part.first), "");
    for (const auto& [name, share] : cycle.parts) table.set_number(row, "time_" + name, share);
    table.set(row, "infeasible", cycle.infeasible);
  }
}

/// Of the rows both have and `chosen` takes. @param places rows of the points
cost::Accuracy accuracy_of(const Judged& judged, const std::vector<CycleResult>& cycles, const std::function<bool(std::size_t)>& chosen,
                           std::vector<std::size_t>& places) {
  std::vector<double> predictions, measurements;
  places.clear();
  for (std::size_t row = 0; row < cycles.size(); ++row) {
    if (!cycles[row].infeasible.empty() || judged.seconds[row] <= 0 || !chosen(row)) continue;
    predictions.push_back(judged.seconds[row]);
    measurements.push_back(cycles[row].latency_s);
    places.push_back(row);
  }
  return cost::accuracy(predictions, measurements);
}

void print_line(const std::string& name, const cost::Accuracy& a, const std::vector<std::size_t>& places) {
  if (a.points == 0) return;
  fmt::print("  {:<36}{:>7}{:>10.2f}{:>11.2f}{:>10.2f}{:>10.4f}{:>10.4f}   row {}\n", name, a.points, a.mape_percent, a.worst_percent,
             a.bias_percent, a.pearson_r, a.kendall_tau, places[a.worst_point] + 1);
}

/// Prints a model as a whole, by executor and by what bounds the operator. @return limits of the gate it misses
std::vector<std::string> report(const Judged& judged, const std::vector<ValidationRow>& rows, const std::vector<CycleResult>& cycles,
                                const cost::Gate& gate) {
  std::vector<std::size_t> places;
  const cost::Accuracy all = accuracy_of(
      judged, cycles, [](std::size_t) { return true; }, places);
  print_line(judged.name, all, places);
  for (const bool nmp : {true, false}) {
    std::vector<std::string> causes;
    for (std::size_t row = 0; row < rows.size(); ++row) {
      const std::string& cause = cycles[row].dominant;
      if (rows[row].op.on_nmp == nmp && !cause.empty() && std::find(causes.begin(), causes.end(), cause) == causes.end()) {
        causes.push_back(cause);
      }
    }
    std::sort(causes.begin(), causes.end());
    for (const std::string& cause : causes) {
      const auto chosen = [&](std::size_t row) { return rows[row].op.on_nmp == nmp && cycles[row].dominant == cause; };
      const cost::Accuracy part = accuracy_of(judged, cycles, chosen, places);
      print_line(fmt::format("  {}, mostly {}", nmp ? "NMP" : "NPU", cause), part, places);
    }
  }
  return gate.missed(all);
}

int validate(const Options& options) {
  const cost::Gate gate = cost::Gate::parse(options.gate);
  const System base = load_system(options.system, {});
  CsvTable table = rows_of(options);
  std::vector<ValidationRow> rows;
  for (std::size_t row = 0; row < table.rows(); ++row) rows.push_back(validation_row(base, table, row));
  OutputDirectory directory(options.out, "validate.csv");
  const std::vector<Judged> judged = judge(options, table, rows);
  const std::vector<CycleResult> cycles = run_cycles(rows, options.jobs);
  write_table(table, cycles, judged);
  directory.write("validate.csv", table.to_text());
  directory.commit();

  const auto infeasible = std::count_if(cycles.begin(), cycles.end(), [](const CycleResult& c) { return !c.infeasible.empty(); });
  fmt::print("{} operators alone on {}, {} of them infeasible; errors in percent of the cycle result\n", rows.size(), base.name,
             infeasible);
  fmt::print("  {:<36}{:>7}{:>10}{:>11}{:>10}{:>10}{:>10}   worst\n", "", "points", "MAPE", "worst", "bias", "r", "tau");
  bool kept = true;
  for (const Judged& j : judged) {
    for (const std::string& miss : report(j, rows, cycles, gate)) {
      fmt::print("  gate missed: {}: {}\n", j.name, miss);
      kept = false;
    }
  }
  fmt::print("written to {}\n", options.out);
  return kept ? 0 : 1;
}

}  // namespace

void add_validate(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("validate", "closed forms, or anybody's predictions, against the cycle model, operator by operator");
  CLI::Option* ops = command->add_option("--ops", options->ops, "CSV of operators (columns as in tests/data/roofline_ops.csv)");
  command->add_option("--suite", options->suite, "operators that come with bondsim: quick, full")->excludes(ops);
  command->add_option("--predictions", options->predictions, "CSV with latency_s for each operator; alone, its rows are the operators too");
  command->add_option("--system", options->system, "everything the rows do not say")->capture_default_str();
  command->add_option("--models", options->models,
                      fmt::format("closed forms, comma between: {}; all when left out", fmt::join(cost::cost_model_names(), ", ")));
  command->add_option("--gate", options->gate, "limits for each of them, as mape=5,worst=15,tau=0.9: exit 1 when missed");
  command->add_option("--jobs", options->jobs, "simulations at a time")->check(CLI::Range(1, 256))->capture_default_str();
  command->add_option("--out", options->out, "directory for validate.csv")->required();
  command->callback([options, &action] {
    action = [options] {
      if (options->ops.empty() && options->suite.empty() && options->predictions.empty()) {
        throw ConfigError("validate: nothing to validate, one of --ops, --suite or --predictions is required");
      }
      return validate(*options);
    };
  });
}

}  // namespace bondsim::tools
