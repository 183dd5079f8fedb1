#include <fstream>

#include "models/base/error.hpp"
#include "tools/app/report/inputs.hpp"

namespace bondsim::tools::report {
namespace {

constexpr const char* schema = "bondsim.results/2";

Json parse_results(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) throw ConfigError(fmt::format("{}: cannot be read", file));
  Json json;
  try {
    json = Json::parse(in);
  } catch (const Json::exception& e) {
    throw ConfigError(fmt::format("{}: is not JSON: {}", file, e.what()));
  }
  const std::string found =
      json.is_object() && json.contains("schema") && json["schema"].is_string() ? json["schema"].get<std::string>() : "";
  if (found != schema) throw ConfigError(fmt::format("{}: schema: '{}' found, allowed: {}", file, found, schema));
  for (const char* key : {"latency_s", "energy_j", "operators", "channels", "npu", "workload", "config"}) {
    if (!json.contains(key)) throw ConfigError(fmt::format("{}: {}: missing", file, key));
  }
  return json;
}

}  // namespace

Json load_run(const std::string& directory) {
  Json run;
  run["results"] = parse_results(directory + "/results.json");
  run["notes"] = Json::array();
  std::string note;
  std::vector<std::string> executors = {"npu"};
  for (const Json& channel : run["results"]["channels"]) executors.push_back(channel.value("name", ""));
  run["timeline"] = load_timeline(directory, executors, note);
  if (!note.empty()) run["notes"].push_back(note);
  return run;
}

}  // namespace bondsim::tools::report
