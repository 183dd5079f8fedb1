#include <filesystem>
#include <fstream>

#include "models/base/csv_table.hpp"
#include "models/base/input_file.hpp"
#include "models/results/results_read.hpp"
#include "tools/app/report/inputs.hpp"
#include "tools/app/report/shape.hpp"

namespace bondsim::tools::report {
namespace {

namespace fs = std::filesystem;

/// A page has no room for more rows than this.
constexpr std::size_t most_requests = 1000;
constexpr std::size_t most_iterations = 3000;

std::vector<Needed> needed_of_serving() {
  std::vector<Needed> all = {
      {Value::text, {"tier", "policy", "confirmation?.strata[].iterations_of", "confirmation?.metrics[].name"}},
      {Value::flag, {"partial"}},
      {Value::number,
       {"time_s", "requests.arrived", "requests.complete", "throughput.requests_per_s", "throughput.output_tokens_per_s", "slo?.ttft_ms",
        "slo?.tpot_ms", "goodput?.attainment", "kv.pages", "confirmation?.strata[].iterations", "confirmation?.strata[].simulated"}},
      {Value::number_or_null,
       {"energy?.per_request_j", "energy?.per_output_token_j", "confirmation?.strata[].error", "confirmation?.metrics[].form_ms",
        "confirmation?.metrics[].corrected_ms", "confirmation?.metrics[].error"}}};
  for (const char* latency : {"ttft", "tpot", "itl", "e2e", "queueing"}) {
    for (const char* value : {"mean_ms", "p50_ms", "p75_ms", "p90_ms", "p95_ms", "p99_ms", "max_ms"}) {
      all.push_back({Value::number_or_null, {fmt::format("latency.{}.{}", latency, value)}});
    }
  }
  for (const char* series : {"running", "waiting", "kv_pages"}) {
    all.push_back({Value::number, {fmt::format("over_time.{}.interval_s", series), fmt::format("over_time.{}.mean[]", series)}});
  }
  return all;
}

Json served(const std::string& file) { return load_shaped(file, "a serving.json", "bondsim.served/1", needed_of_serving()); }

/// The first rows of a CSV file, some columns of it, with how many more there are.
Json first_rows(const std::string& file, std::size_t most, const std::vector<std::string>& columns) {
  std::ifstream in = open_input_file(file, "a CSV file");
  std::string text, line;
  std::size_t rows = 0, left_out = 0;
  while (std::getline(in, line)) {
    if (rows > most) {
      ++left_out;
      continue;
    }
    text += line + "\n";
    ++rows;
  }
  const CsvTable table = CsvTable::parse(text, file);
  Json out = {{"columns", columns}, {"rows", Json::array()}, {"left_out", left_out}};
  for (std::size_t row = 0; row < table.rows(); ++row) {
    Json cells = Json::array();
    for (const std::string& column : columns) cells.push_back(table.number(row, column, -1e18, 1e18));
    out["rows"].push_back(std::move(cells));
  }
  return out;
}

}  // namespace

Json load_served(const std::string& directory) {
  const fs::path path(directory);
  Json out = first_rows((path / "requests.csv").string(), most_requests,
                        {"request id", "input", "output", "arrival", "end_time", "latency", "queuing_delay", "TTFT", "TPOT"});
  out["served"] = served((path / "serving.json").string());
  out["iterations"] = first_rows((path / "iterations.csv").string(), most_iterations,
                                 {"iteration", "start_ns", "end_ns", "prompts", "prompt_tokens", "decodes", "kv_tokens"});
  // Task traces come with results.json, which names the channels.
  if (const fs::path results = path / "results.json"; fs::exists(results)) {
    std::vector<std::string> executors = {executor_name(ExecutorId::npu(), {})};
    const std::string text = read_input_file(results.string(), "a JSON file", max_table_bytes);
    for (const ChannelResult& channel : results_from_json(text, results.string()).channels) executors.push_back(channel.name);
    std::string none;
    if (Json timeline = load_timeline(directory, executors, none); !timeline.is_null()) out["timeline"] = std::move(timeline);
  }
  return out;
}

Json load_curve(const std::string& directory) {
  Json out = load_table(
      (fs::path(directory) / "curve.csv").string(),
      {{"rate_per_s", "requests_per_s", "output_tokens_per_s", "ttft_p50_ms", "ttft_p99_ms", "tpot_p50_ms", "tpot_p99_ms", "attainment"},
       {},
       {},
       true});
  for (const auto& entry : fs::directory_iterator(directory)) {
    const fs::path file = entry.path() / "serving.json";
    if (!fs::exists(file)) continue;
    const Json json = served(file.string());
    if (json.contains("slo")) out["slo"] = json.at("slo");
    break;
  }
  return out;
}

}  // namespace bondsim::tools::report
