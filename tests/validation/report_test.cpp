#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "tests/support/command.hpp"

namespace bondsim::test {
namespace {

const std::string small_run =
    "run configs/experiment/h2llm-llama3-8b-sharegpt.yaml --set workload.prompt_tokens=8 --set workload.generated_tokens=2"
    " --set model.hidden=512 --set model.vocab=2048 --set model.intermediate=1024";

void expect_error(const std::string& arguments, const std::string& message) {
  const CommandResult result = bondsim_command(arguments);
  EXPECT_EQ(result.status, 2) << arguments << "\n" << result.output;
  EXPECT_NE(result.output.find(message), std::string::npos) << arguments << "\n" << result.output;
}

/// Data that a report carries for its scripts.
nlohmann::json data_of(const std::string& file) {
  const std::string page = file_text(file);
  const std::string mark = "<script type=\"application/json\" id=\"data\">";
  const std::size_t begin = page.find(mark) + mark.size();
  return nlohmann::json::parse(page.substr(begin, page.find("</script>", begin) - begin));
}

TEST(Report, what_is_no_result_is_refused_with_what_was_found_and_what_is_allowed) {
  const ScratchDirectory scratch;
  expect_error("report " + scratch.file("none"), "none: no such file or directory, allowed: a directory with results.json");
  std::filesystem::create_directory(scratch.file("empty"));
  expect_error("report " + scratch.file("empty"), "holds no results (it is empty), allowed:");
  scratch.write("notes.txt", "mine");
  expect_error("report " + scratch.file("."), "holds no results (found: empty, notes.txt), allowed:");
  expect_error("report " + scratch.file("notes.txt"), "is no result of bondsim that a report shows, allowed:");
  expect_error("report " + scratch.write("other.csv", "a,b\n1,2\n"), "is no result of bondsim that a report shows");
  expect_error("report", "DIR");
}

TEST(Report, damaged_results_are_named) {
  const ScratchDirectory scratch;
  std::filesystem::create_directory(scratch.file("run"));
  const std::string dir = scratch.file("run");
  scratch.write("run/results.json", "{");
  expect_error("report " + dir, "run/results.json:1: not valid JSON");
  scratch.write("run/results.json", R"({"schema": "bondsim.results/9"})");
  expect_error("report " + dir, "run/results.json:1: schema: 'bondsim.results/9' found, allowed: bondsim.results/2");
  scratch.write("run/results.json", R"({"schema": "bondsim.results/2"})");
  expect_error("report " + dir, "run/results.json:1: latency_ps: missing");
  std::filesystem::create_directory(scratch.file("space"));
  scratch.write("space/front.csv", "a,latency_s\n1,2\n");
  expect_error("report " + scratch.file("space"), "search.sqlite: missing");
  scratch.write("space/search.sqlite", "no database");
  expect_error("report " + scratch.file("space"), "search.sqlite: is not a store of evaluations");
  std::filesystem::create_directory(scratch.file("validate"));
  scratch.write("validate/validate.csv", "model,cycle_latency_s\nNMP\n");
  expect_error("report " + scratch.file("validate"), "validate.csv:2");
}

TEST(Report, damaged_task_traces_are_named_with_their_line) {
  const ScratchDirectory scratch;
  const std::string out = scratch.file("run");
  ASSERT_EQ(bondsim_command(small_run + " --out " + out).status, 0);
  const std::string header = "# bondsim.tasks/2\nstart_ps,end_ps,operator,layer,step,kind,layers,column_ps\n";
  scratch.write("run/nmp.channel0.tasks.csv", "start_ps,end_ps\n");
  expect_error("report " + out, "nmp.channel0.tasks.csv:1: 'start_ps,end_ps' found, allowed: # bondsim.tasks/2");
  scratch.write("run/nmp.channel0.tasks.csv", "# bondsim.tasks/2\nstart_ps,end_ps\n");
  expect_error("report " + out, "operator: column is missing");
  scratch.write("run/nmp.channel0.tasks.csv", header + "0,12x,q,0,1,nmp_gemm,32,12\n");
  expect_error("report " + out, "nmp.channel0.tasks.csv:3: end_ps: '12x' is not a whole number");
  scratch.write("run/nmp.channel0.tasks.csv", header + "0,12,q\n");
  expect_error("report " + out, "nmp.channel0.tasks.csv:3: 3 fields found, allowed: 8");
}

TEST(Report, task_traces_that_are_not_all_there_are_refused) {
  const ScratchDirectory scratch;
  const std::string out = scratch.file("run");
  ASSERT_EQ(bondsim_command(small_run + " --trace tasks --out " + out).status, 0);
  std::filesystem::remove(out + "/nmp.channel1.tasks.csv");
  expect_error("report " + out,
               "nmp.channel1.tasks.csv: is missing, 8 other task traces of the run are there; allowed: all of them or none");
  for (const auto& entry : std::filesystem::directory_iterator(out)) {
    if (entry.path().string().find(".tasks.csv") != std::string::npos) std::filesystem::remove(entry.path());
  }
  EXPECT_EQ(bondsim_command("report " + out).status, 0) << "without traces there is no timeline";
}

TEST(Report, the_timeline_has_at_most_six_steps_with_the_first_and_the_last) {
  const ScratchDirectory scratch;
  const std::string out = scratch.file("run");
  ASSERT_EQ(bondsim_command(small_run + " --out " + out).status, 0);
  std::string rows = "# bondsim.tasks/2\nstart_ps,end_ps,operator,layer,step,kind,layers,column_ps,row_ps\n";
  for (int step = 0; step < 40; ++step) rows += fmt::format("{},{},q,0,{},nmp_gemm,1,50,0\n", 100 * step, 100 * step + 50, step);
  scratch.write("run/nmp.channel0.tasks.csv", rows);
  ASSERT_EQ(bondsim_command("report " + out).status, 0);
  std::vector<int> steps;
  const auto data = data_of(out + "/report.html");
  for (const auto& step : data["runs"][0]["timeline"]["steps"]) steps.push_back(step["step"]);
  EXPECT_EQ(steps, (std::vector<int>{0, 1, 10, 20, 29, 39}));
}

TEST(Report, the_timeline_is_the_last_step_and_one_of_its_layers) {
  const ScratchDirectory scratch;
  const std::string out = scratch.file("run");
  ASSERT_EQ(bondsim_command(small_run + " --out " + out).status, 0);
  scratch.write("run/nmp.channel0.tasks.csv",
                "# bondsim.tasks/2\nstart_ps,end_ps,operator,layer,step,kind,layers,column_ps,row_ps\n"
                "0,50,q,0,1,nmp_gemm,1,50,0\n"
                "100,110,embedding,-1,2,host_load,1,10,0\n"
                "110,140,q,0,2,nmp_gemm,1,10,20\n"
                "140,170,q,1,2,nmp_gemm,1,30,0\n"
                "170,190,lm_head,-1,2,nmp_gemm,1,20,0\n");
  ASSERT_EQ(bondsim_command("report " + out).status, 0);
  const auto steps = data_of(out + "/report.html")["runs"][0]["timeline"]["steps"];
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[0]["step"], 1);
  EXPECT_EQ(steps[0]["rows"].size(), 1u);
  const auto& timeline = steps[1];
  EXPECT_EQ(timeline["step"], 2);
  EXPECT_EQ(timeline["left_out_ps"], 30);
  const auto expected = nlohmann::json::parse(R"([["nmp.channel0", 0, 10, "embedding", "host_load", -1, 1, "column"],
      ["nmp.channel0", 10, 40, "q", "nmp_gemm", 0, 1, "row"], ["nmp.channel0", 40, 60, "lm_head", "nmp_gemm", -1, 1, "column"]])");
  EXPECT_EQ(timeline["rows"], expected);
}

TEST(Report, is_the_same_for_the_same_results_and_appears_whole) {
  const ScratchDirectory scratch;
  const std::string out = scratch.file("run");
  ASSERT_EQ(bondsim_command(small_run + " --out " + out).status, 0);
  ASSERT_EQ(bondsim_command("report " + out).status, 0);
  ASSERT_EQ(bondsim_command("report " + out + " --out " + scratch.file("deep/again.html")).status, 0);
  EXPECT_EQ(file_text(out + "/report.html"), file_text(scratch.file("deep/again.html")));
  EXPECT_LT(std::filesystem::file_size(out + "/report.html"), 5000000u);
  EXPECT_EQ(bondsim_command(small_run + " --out " + out).status, 0) << "a directory with a report is still a run's";
  scratch.write("file", "mine");
  const CommandResult result = bondsim_command("report " + out + " --out " + scratch.file("file/x.html"));
  EXPECT_EQ(result.status, 1) << result.output;
  EXPECT_NE(result.output.find("cannot be made: Not a directory"), std::string::npos) << result.output;
}

TEST(Report, runs_of_the_same_name_are_told_apart) {
  const ScratchDirectory scratch;
  for (const std::string side : {"a", "b"}) ASSERT_EQ(bondsim_command(small_run + " --out " + scratch.file(side + "/run")).status, 0);
  const std::string page = scratch.file("both.html");
  ASSERT_EQ(bondsim_command("report " + scratch.file("a/run") + " " + scratch.file("b/run") + " --out " + page).status, 0);
  const auto runs = data_of(page)["runs"];
  EXPECT_NE(runs[0]["label"], runs[1]["label"]);
  EXPECT_EQ(runs[0]["results"]["schema"], "bondsim.results/2");
}

/// The values a run lists, by key.
std::map<std::string, nlohmann::json> values_of(const std::string& directory) {
  std::map<std::string, nlohmann::json> out;
  const auto results = nlohmann::json::parse(file_text(directory + "/results.json"));
  for (const auto& value : results["config"]["values"]) {
    EXPECT_TRUE(out.emplace(value["key"], value).second) << value["key"] << " is there twice";
  }
  return out;
}

TEST(Results, list_every_value_with_where_it_comes_from) {
  const ScratchDirectory scratch;
  ASSERT_EQ(bondsim_command(small_run + " --set system.nmp.pe.fpus=4 --out " + scratch.file("run")).status, 0);
  auto values = values_of(scratch.file("run"));
  EXPECT_EQ(values["system.nmp.pe.fpus"]["value"], "4");
  EXPECT_EQ(values["system.nmp.pe.fpus"]["where"], "--set nmp.pe.fpus=4");
  EXPECT_EQ(values["system.nmp.mode_change_ns"]["unit"], "ns");
  EXPECT_EQ(values["system.nmp.mode_change_ns"]["source"].get<std::string>().rfind("ASSUMED", 0), 0u);
  EXPECT_EQ(values["system.nmp.pe.clock_mhz"]["source"], "H2-LLM, ISCA'25, the default PE") << "of the section around it";
  EXPECT_EQ(values["system.controller.read_queue"]["where"], "default");
  EXPECT_EQ(values["system.energy.hb_io"]["confidence"], "paper");
  EXPECT_EQ(values["model.hidden"]["value"], "512");
  EXPECT_TRUE(values.count("dataflow.name"));
  for (const auto& [key, value] : values) EXPECT_FALSE(value["value"].get<std::string>().empty()) << key;
}

TEST(Results, peaks_are_those_of_the_machine) {
  const ScratchDirectory scratch;
  ASSERT_EQ(bondsim_command(small_run + " --out " + scratch.file("run")).status, 0);
  const auto peaks = nlohmann::json::parse(file_text(scratch.file("run") + "/results.json"))["peaks"];
  EXPECT_DOUBLE_EQ(peaks["npu_macs_per_s"], 8 * 128 * 128 * 1e9);
  EXPECT_DOUBLE_EQ(peaks["nmp_macs_per_s"], 6 * 16 * 8 * 16 * 600e6);
  EXPECT_DOUBLE_EQ(peaks["hb_bytes_per_s"], 6 * 16 * 25.6e9);
  EXPECT_DOUBLE_EQ(peaks["bus_bytes_per_s"], 8 * 12.8e9);
  EXPECT_DOUBLE_EQ(peaks["vector_ops_per_s"], 8 * 128 * 1e9);
}

}  // namespace
}  // namespace bondsim::test
