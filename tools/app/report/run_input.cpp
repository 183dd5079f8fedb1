#include <filesystem>

#include "models/base/input_file.hpp"
#include "models/results/results_read.hpp"
#include "tools/app/report/inputs.hpp"

namespace bondsim::tools::report {

Json load_run(const std::string& directory) {
  const std::string file = directory + "/results.json";
  const std::string text = read_input_file(file, "a JSON file", max_table_bytes);
  const Results results = results_from_json(text, file);
  std::vector<std::string> executors = {executor_name(ExecutorId::npu(), {})};
  for (const ChannelResult& channel : results.channels) executors.push_back(channel.name);
  Json run;
  run["results"] = Json::parse(text);  // the page's script reads it as it is
  run["notes"] = Json::array();
  std::string note;
  run["timeline"] = load_timeline(directory, executors, note);
  if (!note.empty()) run["notes"].push_back(note);
  if (std::filesystem::exists(directory + "/heat.json")) run["heat"] = load_heat(directory)["heat"];
  return run;
}

}  // namespace bondsim::tools::report
