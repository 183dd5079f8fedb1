#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

/// Result directories as what a report shows of them.
namespace bondsim::tools::report {

using Json = nlohmann::ordered_json;
struct TableShape;

/// Lists by kind, each of the items in the order given:
///   runs         {label, path, results, timeline | null, notes, heat?}  `run --out`, `replay --out`
///   ladders      {label, path, columns, rows}                        `run --ladder --out`
///   validations  {label, path, columns, rows, forms}                 `validate --out`
///   searches     {label, path, parameters, metrics, front, others, ...}  `dse SPACE --out`
///   dataflows    {label, path, columns, rows}                        `dse --fixed --out`
///   served       {label, path, served, columns, rows, left_out, iterations, timeline?}  `serve --out`
///   curves       {label, path, columns, rows, slo}                   `serve --rate --out`
///   speculations {label, path, columns, rows}                        `speculate --out`
///   sweeps       {label, path, columns, rows}                        `sweep --out`
///   reproductions {label, path, columns, rows}                       `reproduce --out`
///   heats        {label, path, heat}                                 `heat --out`
/// @param paths directories, or CSV files of a kind above; what a thing is is told by what is in it.
/// @throws ConfigError naming the path, what was found and what is allowed.
Json load_inputs(const std::vector<std::string>& paths);

/// One run. @throws ConfigError
Json load_run(const std::string& directory);

/// Times of each executor in the prefill and some steps of the decode, the last one among them, from the task traces of the `executors` of
/// a run (`npu`, `nmp.channel0`, ...): {executors, steps: [{step, start_ps, end_ps, left_out_ps, rows}]}; null without traces. Rows:
/// [executor, start_ps, end_ps, operator, kind, layer, layers it stands for, dominant part], times from the step's start. @throws
/// ConfigError
Json load_timeline(const std::string& directory, const std::vector<std::string>& executors, std::string& note);

/// A search: all of its front, and of the other candidates as many as a plot can show. @throws ConfigError
Json load_search(const std::string& directory);

/// A serving run: its figures, and as many requests and iterations as a page has room for. @throws ConfigError
Json load_served(const std::string& directory);

/// A throughput-latency curve with the SLO, if there is one. @throws ConfigError
Json load_curve(const std::string& directory);

/// Temperatures of a machine in a package. @throws ConfigError
Json load_heat(const std::string& directory);

/// A CSV file as {columns, rows}, numbers as numbers. @throws ConfigError also when it is not of this shape
Json load_table(const std::string& file, const TableShape& shape);

}  // namespace bondsim::tools::report
