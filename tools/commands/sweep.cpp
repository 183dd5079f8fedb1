#include <fmt/format.h>

#include <memory>
#include <optional>

#include "models/base/error.hpp"
#include "tools/app/experiment/progress.hpp"
#include "tools/app/studies/sweep.hpp"
#include "tools/commands/commands.hpp"
#include "tools/commands/run.hpp"

namespace bondsim::tools {
namespace {

void print_table(const CsvTable& table, std::size_t keys) {
  std::string heading;
  for (std::size_t k = 0; k < keys; ++k) heading += fmt::format("{:>28}", table.columns()[k]);
  fmt::print("{}{:>14}{:>16}{:>16}{:>14}\n", heading, "prefill s", "decode token/s", "decode mJ/token", "total s");
  for (std::size_t row = 0; row < table.rows(); ++row) {
    for (std::size_t k = 0; k < keys; ++k) fmt::print("{:>28}", table.text(row, table.columns()[k]));
    if (table.has(row, "problem")) {
      fmt::print("   {}\n", table.text(row, "problem"));
      continue;
    }
    const auto number = [&](const char* column) { return table.number(row, column, 0, 1e300); };
    fmt::print("{:>14.4f}{:>16.3f}{:>16.3f}{:>14.4f}\n", number("prefill_s"), number("decode_tokens_per_s"),
               1e3 * number("decode_energy_per_token_j"), number("total_s"));
  }
}

int sweep(const SweepRequest& request) {
  std::optional<ProgressBar> bar;
  const auto result = run_sweep(request, [&bar](std::int64_t done, std::int64_t all) {
    if (!bar) bar.emplace(all);
    bar->show(done);
  });
  if (bar) bar->clear();
  if (!result) return 0;  // a rank that worked for another
  print_table(result->table, request.axes.size());
  fmt::print("written to {}: sweep.csv, {} rows\n", request.out, result->table.rows());
  if (result->infeasible == result->table.rows()) throw InfeasibleError("sweep: no point is feasible, see the column `problem`");
  return 0;
}

}  // namespace

void add_sweep(Command& app, Action& action) {
  auto* command = app.add_subcommand("sweep", "simulate an experiment over values of its keys, in parallel, into one table");
  auto request = std::make_shared<SweepRequest>();
  command->add_option("EXPERIMENT", request->experiment.file, "experiment file, or a system file with --model, --workload and --dataflow")
      ->required();
  command->add_option("--model", request->experiment.model, "model file (configs/model/)");
  command->add_option("--workload", request->experiment.workload, "workload file (configs/workload/)");
  command->add_option("--dataflow", request->experiment.dataflow, "dataflow file (configs/dataflow/)");
  command->add_flag("--allow-illegal", request->experiment.allow_illegal,
                    "take devices whose PEs are larger than the published area limits");
  command->add_option("--set", request->axes, "KEY=V1,V2,...: values of a key of any section, e.g. workload.batch=1,4,16; may be repeated")
      ->allow_extra_args(false)
      ->required();
  command->add_flag("--zip", request->zip, "the n-th values of all keys together, instead of every combination");
  command->add_option("-j,--jobs", request->jobs, "worker processes; 0: one a processor")->range(0, 1024)->capture_default_str();
  command->add_option("-o,--out", request->out, "directory for sweep.csv")->required();
  command->footer(
      "Example:\n  bondsim sweep configs/experiment/h2llm-llama3-8b-sharegpt.yaml --set system.nmp.hb.bandwidth_gbps=12.8,25.6 "
      "--set workload.batch=1,4 --out out/sweep\n"
      "A sweep that was ended goes on when it is started again.");
  command->callback([request, &action] { action = [request] { return sweep(*request); }; });
}

}  // namespace bondsim::tools
